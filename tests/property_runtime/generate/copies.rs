//! Copies between regions, direct and with indirection, and the fields that name points for them.

use super::{Context, Generator, Scope};
use crate::program::*;

impl Generator {
    /// Makes some of the fields name points of a tree, with names of 4 or of 8 bytes.
    pub fn some_that_name(&mut self, mut kinds: Vec<Kind>, own: (Bounds, usize)) -> Vec<Kind> {
        let mut others: Vec<(Bounds, usize)> = self.program.trees.iter().map(|tree| (tree.regions[0].bounds, tree.dim)).collect();
        others.push(own);
        for kind in kinds.iter_mut() {
            if self.random.one_in(3) {
                let (within, dim) = *self.random.pick(&others);
                *kind = Kind::Names { within, dim, wide: self.random.one_in(2) };
            }
        }
        kinds
    }

    /// At first every such field names points that there are.
    pub fn name_points(&mut self) {
        if self.plain {
            return;
        }
        for tree in 0..self.program.trees.len() {
            let kinds = self.program.trees[tree].kinds.clone();
            for (field, kind) in kinds.into_iter().enumerate() {
                if matches!(kind, Kind::Names { .. }) {
                    let need = self.exclusive(tree, Target::Region(0), vec![field as u32], Right::Discard);
                    let id = self.id();
                    self.program.steps.push(Step { id, action: Action::Fill(need) });
                }
            }
        }
    }

    fn exclusive(&mut self, tree: usize, target: Target, fields: Vec<u32>, right: Right) -> Need {
        Need { id: self.id(), tree, target, projection: Projection::Identity, fields, right, coherence: Coherence::Exclusive }
    }

    pub fn copy(&mut self, scope: Scope, context: &Context) -> Option<Action> {
        let mut source = self.need_that(scope, |right| !matches!(right, Right::Reduce(_)))?;
        let mut destination = self.need_that(scope, Right::writes)?;
        (source.right, source.coherence) = (Right::Read, Coherence::Exclusive);
        (destination.right, destination.coherence) = (Right::Write, Coherence::Exclusive);
        (source.fields, destination.fields) = self.pairs(scope, &source, &destination);
        if source.fields.is_empty() {
            return None;
        }
        let mut copy = Transfer { source, destination, shift: [0; 3], gather: None, scatter: None, skips: false, fold: None, condition: None };
        if self.random.one_in(2) {
            copy.gather = self.names(scope, &copy.source);
        }
        if self.random.one_in(2) {
            copy.scatter = self.names(scope, &copy.destination);
        }
        match copy.gather.is_some() || copy.scatter.is_some() {
            true => self.settle_indirect(scope, &mut copy),
            false => copy.shift = self.shift(scope, &copy),
        }
        let dim = |need: &Need| self.program.trees[need.tree].dim;
        let fits = dim(copy.gather.as_ref().unwrap_or(&copy.source)) == dim(copy.scatter.as_ref().unwrap_or(&copy.destination));
        if !fits && !self.random.one_in(20) {
            return None;
        }
        if self.random.one_in(4) {
            copy.condition = Some(self.condition(context, 1));
        }
        Some(Action::Copy(copy))
    }

    fn need_that(&mut self, scope: Scope, wanted: impl Fn(Right) -> bool) -> Option<Need> {
        (0..5).find_map(|_| self.need(scope, false).filter(|need| wanted(need.right)))
    }

    /// Fields to be copied, and where to: of one kind, or to bytes of any meaning. Every destination is named once.
    fn pairs(&mut self, scope: Scope, source: &Need, destination: &Need) -> (Vec<u32>, Vec<u32>) {
        let (from, to) = (&self.program.trees[source.tree].kinds, &self.program.trees[destination.tree].kinds);
        let among: Vec<u32> = match scope.parent {
            None => (0..from.len().min(12) as u32).collect(),
            Some(_) => source.fields.clone(),
        };
        let mut into = destination.fields.clone();
        into.sort_unstable();
        into.dedup();
        into.truncate(3);
        let mut pairs = Vec::new();
        for field in into {
            let kind = to[field as usize];
            let fits = |f: &&u32| from[**f as usize] == kind || matches!(kind, Kind::Raw(bytes) if from[**f as usize].bytes() == bytes);
            let those: Vec<u32> = among.iter().filter(fits).copied().collect();
            if !those.is_empty() {
                pairs.push((*self.random.pick(&those), field));
            }
        }
        pairs.into_iter().unzip()
    }

    /// The bounds of a requirement's region, or of its tree where each point has another.
    fn bounds_of(&self, scope: Scope, need: &Need) -> Bounds {
        let of_parent = |id: u32| scope.parent.and_then(|parent| parent.needs.iter().find(|n| n.id == id)).map(|n| n.target.clone());
        let target = match need.target {
            Target::Parents(id) => of_parent(id),
            _ => Some(need.target.clone()),
        };
        let region = if let Some(Target::Region(region)) = target { region } else { 0 };
        self.program.trees[need.tree].regions[region].bounds
    }

    /// One that takes a point of the source to one of the destination, or any.
    fn shift(&mut self, scope: Scope, copy: &Transfer) -> [i64; 3] {
        let (from, to) = (self.bounds_of(scope, &copy.source), self.bounds_of(scope, &copy.destination));
        let dim = self.program.trees[copy.source.tree].dim;
        let any = self.random.one_in(20);
        let mut shift = [0; 3];
        for (d, shift) in shift.iter_mut().enumerate().take(dim) {
            let there = self.random.between(to.lo[d], to.hi[d]);
            *shift = if any { self.random.between(-9, 9) } else { there - self.random.between(from.lo[d], from.hi[d]) };
        }
        shift
    }

    /// A field that names points of the region that `of` is on.
    fn names(&mut self, scope: Scope, of: &Need) -> Option<Need> {
        let dim = self.program.trees[of.tree].dim;
        let that_name = |kind: &Kind| matches!(kind, Kind::Names { dim: named, .. } if *named == dim);
        let mut found: Vec<(usize, Target, u32)> = Vec::new();
        match scope.parent {
            None => {
                for tree in self.free_trees() {
                    let region = self.random.below(self.program.trees[tree].regions.len());
                    let kinds = self.program.trees[tree].kinds.iter().enumerate();
                    found.extend(kinds.filter(|(_, kind)| that_name(kind)).map(|(f, _)| (tree, Target::Region(region), f as u32)));
                }
            }
            Some(parent) => {
                for held in parent.needs.iter().filter(|held| !matches!(held.right, Right::Reduce(_))) {
                    let names = held.fields.iter().filter(|&&f| that_name(&self.program.trees[held.tree].kinds[f as usize]));
                    found.extend(names.map(|&f| (held.tree, Target::Parents(held.id), f)));
                }
            }
        }
        if found.is_empty() {
            return None;
        }
        let (tree, target, field) = self.random.pick(&found).clone();
        Some(self.exclusive(tree, target, vec![field], Right::Read))
    }

    /// Whether to pass over names of other points, and whether to fold.
    fn settle_indirect(&mut self, scope: Scope, copy: &mut Transfer) {
        let whole = |need: &Need, named: &Option<Need>| {
            let Some(names) = named else { return true };
            let kind = self.program.trees[names.tree].kinds[names.fields[0] as usize];
            let known = matches!(need.target, Target::Region(_));
            matches!(kind, Kind::Names { within, .. } if known && self.bounds_of(scope, need).contains(&within))
        };
        let safe = whole(&copy.source, &copy.gather) && whole(&copy.destination, &copy.scatter);
        copy.skips = match safe || self.fails {
            _ if self.plain => true,
            true => self.random.one_in(3),
            false => true,
        };
        let kinds: Vec<Kind> = copy.destination.fields.iter().map(|&f| self.program.trees[copy.destination.tree].kinds[f as usize]).collect();
        // Where every result is exact, whatever was folded before.
        let operators: &[Operator] = match kinds[0] {
            Kind::Int32 | Kind::Int64 => &[Operator::Sum, Operator::Product, Operator::Min, Operator::Max],
            Kind::Float | Kind::Double => &[Operator::Min, Operator::Max],
            _ => return,
        };
        if kinds.iter().all(|kind| *kind == kinds[0]) && self.random.one_in(2) {
            copy.fold = Some(*self.random.pick(operators));
        }
    }
}
