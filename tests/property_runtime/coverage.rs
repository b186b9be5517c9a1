//! What the programs consist of: how often each operation is launched outside of tasks and not refused.

use super::program::*;
use super::sequential::{self, Answer, ROOT};
use std::collections::BTreeMap;

type Counts = BTreeMap<&'static str, usize>;

/// Adds what a program has.
pub fn count(program: &Program, counts: &mut Counts) {
    let expected = sequential::run(program);
    let mut add = |what: &'static str, is: bool| *counts.entry(what).or_default() += usize::from(is);
    add("reductions of the program's own", program.settings.registered);
    add("folds in any order", program.settings.any_order);
    for step in &program.steps {
        let done = !matches!(expected.answers.get(&(step.id, ROOT)), Some(Answer::Status(status)) if *status != 0);
        match &step.action {
            Action::Copy(copy) if done => {
                let (gathers, scatters) = (copy.gather.is_some(), copy.scatter.is_some());
                add("copies", !gathers && !scatters);
                add("shifted copies", copy.shift != [0; 3]);
                add("gathers", gathers && !scatters);
                add("scatters", scatters && !gathers);
                add("gathers with scatter", gathers && scatters);
                add("folding copies", copy.fold.is_some());
                add("copies that pass over names", copy.skips);
                add("copies that fail on names elsewhere", (gathers || scatters) && !copy.skips);
                add("copies with a condition", copy.condition.is_some());
            }
            Action::Map(_) => add("mappings", done),
            Action::Acquire(_, condition) => {
                add("acquires", done);
                add("acquires with a condition", done && condition.is_some());
            }
            Action::Release(_, condition) => {
                add("releases", done);
                add("releases with a condition", done && condition.is_some());
            }
            Action::Fill(_) => add("fills", done),
            Action::Total(..) => add("reductions of future maps", true),
            Action::Attach { partition, .. } => add("arrays of sub-regions", partition.is_some()),
            Action::Chain(..) => add("chains", true),
            Action::Turns(..) => add("turns", true),
            Action::Epoch(_) => add("must epochs", done),
            Action::Launch(task) if done => of_task(task, &mut add),
            _ => (),
        }
    }
}

fn of_task(task: &Task, add: &mut impl FnMut(&'static str, bool)) {
    let of_needs = |wanted: fn(&Projection) -> bool| task.needs.iter().any(|need| wanted(&need.projection));
    add("offset projections", of_needs(|p| matches!(p, Projection::Offset(_))));
    add("projections of the program's own", of_needs(|p| matches!(p, Projection::Own(_))));
    add("concurrent launches", task.concurrent && task.points > Some(1));
    add("future maps handed on", !task.maps.is_empty());
    add("futures of points", task.futures.iter().any(|given| given.point.is_some()));
    match &task.condition {
        Some(Condition::Known(_)) => add("constant conditions", true),
        Some(Condition::Of(_)) => add("conditions from results", true),
        Some(Condition::Not(_)) => add("opposite conditions", true),
        Some(_) => add("combined conditions", true),
        None => (),
    }
    let right = |wanted: fn(&Need) -> bool| task.needs.iter().any(wanted);
    add("reductions", right(|n| matches!(n.right, Right::Reduce(_))));
    add("atomic uses", right(|n| n.coherence == Coherence::Atomic));
    add("simultaneous uses", right(|n| n.coherence == Coherence::Simultaneous));
    add("relaxed uses", right(|n| n.coherence == Coherence::Relaxed));
}
