//! The default mapper's two refinements: tasks go to the worker that touched their data last, and those with the longest way behind them
//! first. Asked about kinds of tasks that take long (`Mappers::took`), unless COHORT_AFFINITY and COHORT_PRIORITIES say all or none.

use super::{Answer, Mapper, Paths, Question, Report, TaskChoice, TaskInfo, ANY};
use crate::scheduler::PRIORITIES;
use std::sync::Arc;

pub struct DefaultMapper {
    pub affinity: bool,
    pub paths: Option<Arc<Paths>>,
}

impl Mapper for DefaultMapper {
    fn answers(&self) -> u32 {
        let times = if self.paths.is_some() { Question::Report as u32 } else { 0 };
        Question::MapTask as u32 | times
    }

    fn map_task(&self, task: &TaskInfo, choice: &mut TaskChoice) -> Answer {
        if self.affinity && choice.worker == ANY {
            let largest = task.needs.iter().filter(|need| need.region.toucher().is_some()).max_by_key(|need| need.bytes());
            choice.worker = largest.and_then(|need| need.region.toucher()).map_or(ANY, i32::from);
        }
        if let (Some(paths), 0) = (&self.paths, choice.priority) {
            choice.priority = paths.priority(task.handle, PRIORITIES.into());
        }
        Ok(())
    }

    fn report(&self, report: &Report) {
        if let Some(paths) = &self.paths {
            paths.took(report.handle, report.stop - report.start);
        }
    }
}
