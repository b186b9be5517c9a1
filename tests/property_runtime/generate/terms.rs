//! What a launch has besides requirements: projections, points that run at once, a result, results of earlier launches, a condition.

use super::{Context, Generator};
use crate::program::*;

/// A result that later operations of the same context may be given.
#[derive(Clone, Copy)]
pub struct Made {
    id: u32,
    /// One for each of so many points.
    points: Option<u32>,
    is_truth: bool,
    /// How the results of the points may be reduced.
    how: Option<(Operator, Kind)>,
}

impl Made {
    pub fn by(task: &Task) -> Option<Self> {
        let points = task.points.filter(|_| task.mapped);
        let how = task.reduced.filter(|_| task.mapped);
        task.result.then_some(Self { id: task.id, points, is_truth: task.truth.is_some(), how })
    }

    pub fn by_step(id: u32, action: &Action) -> Option<Self> {
        matches!(action, Action::Total(..)).then_some(Self { id, points: None, is_truth: false, how: None })
    }
}

/// Whether the task has two requirements of the same sub-regions, so that points may get those of other points.
pub fn has_neighbours(task: &Task) -> bool {
    let parts: Vec<&Need> = task.needs.iter().filter(|need| matches!(need.target, Target::Partition(_))).collect();
    parts.iter().enumerate().any(|(i, a)| parts[..i].iter().any(|b| (a.tree, &a.target) == (b.tree, &b.target)))
}

impl Generator {
    /// Lets points choose among the sub-regions; fewer points leave more to choose from.
    pub fn project(&mut self, task: &mut Task) {
        let points = task.points.expect("of an index launch");
        let chooses = |need: &Need| matches!(need.target, Target::Partition(_) | Target::ParentsBlocks(..));
        if !task.needs.iter().any(chooses) || self.random.one_in(3) {
            return;
        }
        let neighbours = has_neighbours(task);
        let fewer = if neighbours { points - 1 } else { 1 + self.random.below(points as usize) as u32 }.max(1);
        task.points = Some(fewer);
        let room = i64::from(points - fewer);
        for need in task.needs.iter_mut().filter(|need| chooses(need)) {
            let astray = i64::from(self.random.one_in(20));
            need.projection = match self.random.below(3) {
                0 | 2 if neighbours => Projection::Offset(self.random.between(0, room)),
                0 => Projection::Identity,
                1 => Projection::Offset(self.random.between(-astray, room + astray)),
                _ => Projection::Own(self.random.below(OWN_PROJECTIONS.len())),
            };
        }
    }

    /// Now and then all points at once, rarely more than there are processors.
    pub fn at_once(&mut self, task: &mut Task) {
        task.concurrent = self.random.one_in(6);
        let most = self.program.settings.workers as u32;
        if task.concurrent && !self.random.one_in(15) {
            task.points = task.points.map(|points| points.min(most));
        }
        // Points that meet while one holds what another waits for would never end.
        let meets = task.concurrent && !self.plain;
        for need in task.needs.iter_mut().filter(|need| meets && need.coherence == Coherence::Atomic) {
            need.coherence = Coherence::Exclusive;
        }
    }

    pub fn result(&mut self, task: &mut Task) {
        task.result = self.random.one_in(3);
        if !task.result {
            return;
        }
        task.mapped = task.points.is_some() && (self.plain || self.random.one_in(2));
        let truth = *self.random.pick(&[1, 4, 8]);
        match task.points {
            Some(_) if !self.plain && (!task.mapped || self.random.one_in(2)) => {
                let kind = *self.random.pick(&[Kind::Int32, Kind::Int64, Kind::Double, Kind::DoubleComplex]);
                task.reduced = Some((*self.random.pick(kind.operators()), kind));
            }
            _ => task.truth = (self.plain || self.random.one_in(2)).then_some(truth),
        }
    }

    pub fn given(&mut self, context: &Context) -> Given {
        let made = *self.random.pick(&context.results);
        self.given_of(made)
    }

    fn given_of(&mut self, made: Made) -> Given {
        Given { of: made.id, point: made.points.map(|points| self.random.below(points as usize) as u32) }
    }

    /// Results of earlier launches, and what decides whether the task does its work.
    pub fn give(&mut self, task: &mut Task, context: &Context) {
        for _ in 0..self.random.below(3).min(context.results.len()) {
            task.futures.push(self.given(context));
        }
        let fits = |made: &Made| made.points.is_some_and(|points| task.points.is_some_and(|wanted| wanted <= points));
        let maps: Vec<u32> = context.results.iter().filter(|made| fits(made)).map(|made| made.id).collect();
        if !maps.is_empty() && self.random.one_in(2) {
            task.maps.push(*self.random.pick(&maps));
        }
        // Who waits for a task that does not run while others keep it out cannot be told where only dependences are looked at.
        let can_be_told = !self.plain || task.needs.iter().all(|need| need.coherence != Coherence::Atomic);
        if can_be_told && self.random.one_in(5) {
            task.condition = Some(self.condition(context, 2));
            task.otherwise = !self.fails || self.random.one_in(2);
        }
    }

    /// Where nothing may fail, of truth values only.
    pub fn condition(&mut self, context: &Context, depth: usize) -> Condition {
        let truths: Vec<Made> = context.results.iter().filter(|made| made.is_truth || self.fails).copied().collect();
        match self.random.below(8) {
            0 | 1 if depth > 0 => {
                let parts = (0..1 + self.random.below(3)).map(|_| self.condition(context, depth - 1)).collect();
                if self.random.one_in(2) { Condition::All(parts) } else { Condition::Any(parts) }
            }
            2 => Condition::Not(Box::new(self.condition(context, depth))),
            3..=6 if !truths.is_empty() => {
                let made = *self.random.pick(&truths);
                Condition::Of(self.given_of(made))
            }
            _ => Condition::Known(!self.random.one_in(3)),
        }
    }

    /// Reduces the results of the points of an earlier launch.
    pub fn total(&mut self, context: &Context) -> Option<Action> {
        let maps: Vec<Made> = context.results.iter().filter(|made| made.how.is_some()).copied().collect();
        if maps.is_empty() {
            return None;
        }
        let of = *self.random.pick(&maps);
        let (operator, kind) = of.how?;
        Some(Action::Total(of.id, operator, kind))
    }
}
