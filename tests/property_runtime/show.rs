//! Programs as text, for messages.

use super::program::*;
use std::fmt;

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(f, "seed {}, {:?}", self.seed, self.settings)?;
        for (i, tree) in self.trees.iter().enumerate() {
            let few = &tree.kinds[..tree.kinds.len().min(8)];
            writeln!(f, "tree {i}: {}-D{}, {} fields {few:?}", tree.dim, if tree.hosted { ", hosted" } else { "" }, tree.kinds.len())?;
            for (r, region) in tree.regions.iter().enumerate() {
                let used = r == 0 || format!("{:?}", self.steps).contains(&format!("Region({r})"));
                if used {
                    writeln!(f, "  region {r} {:?}..{:?} of {:?}", region.bounds.lo, region.bounds.hi, region.parent)?;
                }
            }
            for (p, partition) in tree.partitions.iter().enumerate() {
                writeln!(f, "  partition {p} of {} {:?} {:?}", partition.parent, partition.cut, partition.children)?;
            }
        }
        self.steps.iter().try_for_each(|step| write_step(f, step, 0))
    }
}

fn write_step(f: &mut fmt::Formatter, step: &Step, depth: usize) -> fmt::Result {
    let indent = "  ".repeat(depth);
    match &step.action {
        Action::Launch(task) => write_task(f, task, depth),
        Action::Chain(tasks, waits) => {
            writeln!(f, "{indent}chain #{}{}", step.id, if *waits { ", waited for" } else { "" })?;
            tasks.iter().try_for_each(|t| write_task(f, t, depth + 1))
        }
        Action::Turns(rounds, ahead) => rounds.iter().try_for_each(|round| {
            writeln!(f, "{indent}turn #{}, {ahead} ahead", step.id)?;
            round.iter().try_for_each(|t| write_task(f, t, depth + 1))
        }),
        Action::Epoch(tasks) => {
            writeln!(f, "{indent}epoch #{}", step.id)?;
            tasks.iter().try_for_each(|t| write_task(f, t, depth + 1))
        }
        other => writeln!(f, "{indent}#{} {other:?}", step.id),
    }
}

fn write_task(f: &mut fmt::Formatter, task: &Task, depth: usize) -> fmt::Result {
    let indent = "  ".repeat(depth);
    write!(f, "{indent}task #{}", task.id)?;
    if let Some(points) = task.points {
        write!(f, " over {points} points")?;
    }
    let marks = [(task.leaf, " leaf"), (task.on_host, " on-host"), (task.result, " result"), (task.again, " again"), (task.mapped, " mapped"), (task.concurrent, " concurrent")];
    marks.iter().filter(|m| m.0).try_for_each(|m| write!(f, "{}", m.1))?;
    if let Some(fails) = task.fails {
        write!(f, " {fails:?}")?;
    }
    if let Some(reduced) = task.reduced {
        write!(f, " {} {reduced:?}", if task.mapped { "to be reduced" } else { "reduced" })?;
    }
    if let Some(bytes) = task.truth {
        write!(f, " truth of {bytes} bytes")?;
    }
    if !task.futures.is_empty() {
        write!(f, " futures {:?}", task.futures)?;
    }
    if !task.maps.is_empty() {
        write!(f, " maps {:?}", task.maps)?;
    }
    if let Some(condition) = &task.condition {
        write!(f, " if {condition:?}{}", if task.otherwise { ", with a result otherwise" } else { "" })?;
    }
    writeln!(f)?;
    for n in &task.needs {
        let Need { id, tree, target, projection, fields, right, coherence } = n;
        let projected = if *projection == Projection::Identity { String::new() } else { format!(" {projection:?}") };
        writeln!(f, "{indent}  need #{id} tree {tree} {target:?}{projected} {right:?} {coherence:?} fields {fields:?}")?;
    }
    task.children.iter().try_for_each(|s| write_step(f, s, depth + 2))
}
