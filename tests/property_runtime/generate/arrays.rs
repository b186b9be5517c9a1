//! Arrays that are attached, to whole trees and to sub-regions one by one, and what can be launched meanwhile.

use super::Generator;
use crate::program::*;
use crate::rules::{self, Use};

/// A tree, the partition whose sub-regions have arrays of their own, and the fields.
type Attached = (usize, Option<usize>, Vec<u32>);

impl Generator {
    fn attached(&self) -> Vec<Attached> {
        let mut attached: Vec<Attached> = Vec::new();
        for step in &self.program.steps {
            match &step.action {
                Action::Attach { tree, partition, fields, .. } => attached.push((*tree, *partition, fields.clone())),
                Action::Detach { tree, partition, fields } => attached.retain(|a| a != &(*tree, *partition, fields.clone())),
                _ => (),
            }
        }
        attached
    }

    /// Attaches arrays, or takes some that are attached away.
    pub fn attach(&mut self) -> Option<Action> {
        let attached = self.attached();
        if !attached.is_empty() && self.random.one_in(2) {
            let (tree, partition, fields) = self.random.pick(&attached).clone();
            return Some(Action::Detach { tree, partition, fields });
        }
        let trees = self.free_trees();
        let tree = *self.random.pick(&trees);
        let mut fields = self.fields(tree, None);
        fields.sort_unstable();
        fields.dedup();
        if attached.iter().any(|a| a.0 == tree && a.2.iter().any(|f| fields.contains(f))) {
            return None;
        }
        let whole: Vec<usize> = (0..self.program.trees[tree].partitions.len())
            .filter(|&p| matches!(&self.program.trees[tree].partitions[p], Partition { parent: 0, cut: Cut::Blocks(_), .. }))
            .collect();
        let partition = if !whole.is_empty() && self.random.one_in(2) { Some(*self.random.pick(&whole)) } else { None };
        Some(Action::Attach { tree, partition, fields, layout: self.random.next() })
    }

    /// What is not in one array cannot be read at the end.
    pub fn detach_parts(&mut self) {
        for (tree, partition, fields) in self.attached().into_iter().filter(|a| a.1.is_some()) {
            let id = self.id();
            self.program.steps.push(Step { id, action: Action::Detach { tree, partition, fields } });
        }
    }

    /// Whether all that a step outside of tasks uses through views lies in one array each.
    pub fn fits_arrays(&self, action: &Action) -> bool {
        let parts: Vec<Attached> = self.attached().into_iter().filter(|a| a.1.is_some()).collect();
        if parts.is_empty() {
            return true;
        }
        let task_fits = |task: &Task| {
            rules::uses(&self.program, &[], task, 0).map_or(true, |points| points.iter().flatten().all(|u| self.lies_in_one(u, &parts)))
        };
        match action {
            Action::Map(need) => task_fits(&Task::with_needs(0, vec![need.clone()])),
            Action::Copy(copy) if copy.gather.is_some() || copy.scatter.is_some() => {
                rules::copied(&self.program, None, copy, 0, 0).map_or(true, |moves| moves.uses.iter().all(|u| self.lies_in_one(u, &parts)))
            }
            other => other.tasks().into_iter().all(task_fits),
        }
    }

    fn lies_in_one(&self, used: &Use, parts: &[Attached]) -> bool {
        let of_use = parts.iter().filter(|(tree, _, fields)| *tree == used.place.tree && fields.iter().any(|f| used.fields.contains(f)));
        let mut of_use = of_use.map(|(tree, partition, _)| {
            let tree = &self.program.trees[*tree];
            let children = &tree.partitions[partition.expect("in parts")].children;
            children.iter().any(|&child| tree.regions[child].bounds.contains(&used.place.bounds))
        });
        of_use.all(|fits| fits)
    }
}
