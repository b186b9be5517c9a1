//! Who decides where and in which order operations run: the mapper's trait, what it is told and may choose, the check of what it
//! chose, and the mappers in force. Mapping is policy: a choice can change speed and never a result, and one that makes no sense
//! is refused and counted, and the default holds. Knows regions and workers by what they are, and launches nothing; the C table
//! of callbacks is one implementation of the trait (`ffi::mappers`).

mod choice;
mod default;
mod devices;
mod fast;
mod file;
mod info;
mod paths;
mod registered;
mod sources;

pub use choice::{CopyChoice, Member, NeedChoice, Setting, Slice, TaskChoice, TaskOptions, ANY, WHERE_IT_IS};
pub use file::FileMapper;
pub use default::DefaultMapper;
use devices::DeviceMapper;
pub use fast::{faster, Faster};
pub use info::{ContextInfo, CopyInfo, DevicePlace, NeedInfo, Processor, Report, TaskInfo};
pub use paths::Paths;
pub use registered::{Chain, ChainSlot, Mappers, Registered};
pub use sources::{Source, SourcesInfo};

/// What a mapper can be asked. Names as Legion has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Question {
    SelectTaskOptions = 1,
    SliceIndexLaunch = 2,
    MapTask = 4,
    MapCopy = 8,
    MapMustEpoch = 16,
    SelectTunable = 32,
    ConfigureContext = 64,
    Report = 128,
    MapInline = 256,
    RankCopySources = 512,
}

impl Question {
    pub fn name(self) -> &'static str {
        match self {
            Self::SelectTaskOptions => "select_task_options",
            Self::SliceIndexLaunch => "slice_index_launch",
            Self::MapTask => "map_task",
            Self::MapCopy => "map_copy",
            Self::MapMustEpoch => "map_must_epoch",
            Self::SelectTunable => "select_tunable",
            Self::ConfigureContext => "configure_context",
            Self::Report => "report",
            Self::MapInline => "map_inline",
            Self::RankCopySources => "rank_copy_sources",
        }
    }
}

/// `Err`: what was wrong, as it is to stand in the message; the choice is then not looked at.
pub type Answer = Result<(), String>;

/// Makes choices. Each starts from the choice that holds if the mapper does nothing. Called on any thread, at the same time
/// unless it was registered to be serialised; must not launch or wait.
#[allow(unused_variables)]
pub trait Mapper: Send + Sync {
    /// The questions that it answers, ored together: it is asked no others.
    fn answers(&self) -> u32;

    /// When a task is launched, by the launching thread.
    fn select_task_options(&self, task: &TaskInfo, options: &mut TaskOptions) -> Answer {
        Ok(())
    }

    /// Before the points of an index launch are launched: who is to run which points. Slices start as one, of all points, for
    /// any worker.
    fn slice_index_launch(&self, task: &TaskInfo, slices: &mut Vec<Slice>) -> Answer {
        Ok(())
    }

    /// When a task is ready to run, by the thread that made it ready.
    fn map_task(&self, task: &TaskInfo, choice: &mut TaskChoice) -> Answer {
        Ok(())
    }

    /// When an execution maps data inline.
    fn map_inline(&self, context: &ContextInfo, need: &NeedInfo, choice: &mut NeedChoice) -> Answer {
        Ok(())
    }

    /// When an explicit copy is launched.
    fn map_copy(&self, copy: &CopyInfo, choice: &mut CopyChoice) -> Answer {
        Ok(())
    }

    /// When data is about to be copied that is valid in several memories: from which first. `order` starts as the nearest first.
    fn rank_copy_sources(&self, copy: &SourcesInfo, order: &mut Vec<i32>) -> Answer {
        Ok(())
    }

    /// When a must epoch is launched: `members` start as they have to be.
    fn map_must_epoch(&self, tasks: &[TaskInfo], members: &mut Vec<Member>) -> Answer {
        Ok(())
    }

    fn select_tunable(&self, context: &ContextInfo, name: &std::ffi::CStr, value: &mut i64) -> Answer {
        Ok(())
    }

    /// When a context first launches: how many of its operations may be outstanding.
    fn configure_context(&self, context: &ContextInfo, window: &mut i64) -> Answer {
        Ok(())
    }

    /// When a task has run.
    fn report(&self, report: &Report) {}
}
