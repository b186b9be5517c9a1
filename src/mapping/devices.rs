//! The default where there are devices: a task that a device can run goes there, unless its launch says otherwise.

use super::{Answer, Mapper, Processor, Question, TaskInfo, TaskOptions};

pub struct DeviceMapper;

impl Mapper for DeviceMapper {
    fn answers(&self) -> u32 {
        Question::SelectTaskOptions as u32
    }

    fn select_task_options(&self, task: &TaskInfo, options: &mut TaskOptions) -> Answer {
        if !task.devices.is_empty() && !task.fixed {
            options.processor = Processor::Device as i32;
        }
        Ok(())
    }
}
