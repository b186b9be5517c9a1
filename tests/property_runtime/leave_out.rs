//! Smaller programs: parts are left out, and what cannot be without them.

use super::program::*;
use std::collections::HashSet;

/// With the id of a task: what it does besides being launched, a condition and running at once.
const EXTRAS: u32 = 1 << 31;

impl Program {
    /// Ids of everything that `without` can leave out, outermost first.
    pub fn ids(&self) -> Vec<u32> {
        let mut ids = Vec::new();
        collect_ids(&self.steps, &mut ids);
        ids
    }

    /// The program less steps, tasks and requirements with these ids, and what cannot be without them.
    pub fn without(&self, removed: &HashSet<u32>) -> Program {
        let mut smaller = self.clone();
        remove_steps(&mut smaller.steps, removed, &HashSet::new());
        smaller
    }
}

fn collect_ids(steps: &[Step], ids: &mut Vec<u32>) {
    ids.extend(steps.iter().map(|s| s.id));
    for task in steps.iter().flat_map(|s| s.action.tasks()) {
        ids.push(task.id);
        ids.extend((task.condition.is_some() || task.concurrent).then_some(task.id | EXTRAS));
        ids.extend(task.needs.iter().map(|n| n.id));
        collect_ids(&task.children, ids);
    }
}

fn remove_steps(steps: &mut Vec<Step>, removed: &HashSet<u32>, parents: &HashSet<u32>) {
    steps.retain(|s| !removed.contains(&s.id));
    let mut known: HashSet<u32> = HashSet::new();
    for step in steps.iter_mut() {
        known.insert(step.id);
        let mut keep = |tasks: &mut Vec<Task>, ends: bool| {
            // The first and the last task of a round are what the host waits for.
            let last = tasks.len().saturating_sub(1);
            let mut at = 0;
            tasks.retain(|t| {
                at += 1;
                ends && (at == 1 || at == last + 1) || !removed.contains(&t.id)
            });
            let last = tasks.len().saturating_sub(1);
            for (at, task) in tasks.iter_mut().enumerate() {
                // Without their requirements the host would wait for nothing.
                if !ends || at != 0 && at != last {
                    remove_within(task, removed, parents, &known);
                }
                known.insert(task.id);
            }
        };
        match &mut step.action {
            Action::Launch(task) => {
                let mut one = vec![task.clone()];
                keep(&mut one, true);
                *task = one.remove(0);
            }
            Action::Chain(tasks, _) | Action::Epoch(tasks) => keep(tasks, false),
            Action::Turns(rounds, _) => rounds.iter_mut().for_each(|tasks| keep(tasks, true)),
            _ => (),
        }
    }
    remove_unpaired(steps);
    steps.retain(|s| match &s.action {
        Action::Launch(task) => !removed.contains(&task.id),
        Action::Chain(tasks, _) | Action::Epoch(tasks) => !tasks.is_empty(),
        Action::Get(Given { of, .. }) | Action::Total(of, ..) => known.contains(of) && !removed.contains(of),
        Action::Fill(need) | Action::Map(need) | Action::Acquire(need, _) | Action::Release(need, _) => has_parent(need, parents),
        Action::Copy(copy) => copy.needs().all(|need| has_parent(need, parents)),
        _ => true,
    });
}

fn has_parent(need: &Need, parents: &HashSet<u32>) -> bool {
    match need.target {
        Target::Parents(of) | Target::ParentsBlocks(of, _) => parents.contains(&of),
        _ => true,
    }
}

/// Arrays are detached only where they are attached, and attached only once; those of sub-regions go again, since others do not find
/// all of the data in one of them.
fn remove_unpaired(steps: &mut Vec<Step>) {
    let mut attached: Vec<(usize, Option<usize>, Vec<u32>)> = Vec::new();
    steps.retain(|s| match &s.action {
        Action::Attach { tree, partition, fields, .. } => {
            let free = !attached.iter().any(|a| a.0 == *tree && a.2.iter().any(|f| fields.contains(f)));
            attached.extend(free.then(|| (*tree, *partition, fields.clone())));
            free
        }
        Action::Detach { tree, partition, fields } => {
            let before = attached.len();
            attached.retain(|a| (a.0, a.1, &a.2) != (*tree, *partition, fields));
            attached.len() < before
        }
        _ => true,
    });
    // What is still attached here was attached last.
    for (of, parts, those) in attached.into_iter().filter(|a| a.1.is_some()) {
        let is_it = |s: &Step| matches!(&s.action, Action::Attach { tree, partition, fields, .. } if (*tree, *partition, fields) == (of, parts, &those));
        if let Some(last) = steps.iter().rposition(is_it) {
            steps.remove(last);
        }
    }
}

fn remove_within(task: &mut Task, removed: &HashSet<u32>, parents: &HashSet<u32>, known: &HashSet<u32>) {
    task.needs.retain(|n| has_parent(n, parents) && !removed.contains(&n.id));
    if removed.contains(&(task.id | EXTRAS)) {
        (task.condition, task.concurrent) = (None, false);
    }
    task.futures.retain(|f| known.contains(&f.of) && !removed.contains(&f.of));
    task.maps.retain(|f| known.contains(f) && !removed.contains(f));
    let mine = task.needs.iter().map(|n| n.id).collect();
    remove_steps(&mut task.children, removed, &mine);
}
