//! Which memories hold the newest values of a field of one region tree: the host and any number of places in other
//! memories. Pure data, kept in program order by the thread that launches: it says what is to be copied before a task
//! may run somewhere, and executes nothing.

use crate::geometry::{Domain, Rect};
use smallvec::SmallVec;

/// The number of a memory; 0 is the host's.
pub type MemoryNumber = u32;
pub const HOST_MEMORY: MemoryNumber = 0;

/// Numbers are never used again within a residency, so that one that was evicted cannot be taken for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlaceId(u64);

impl PlaceId {
    pub const HOST: PlaceId = PlaceId(0);
}

/// A copy to be made: `part` is valid at `from` and lies within the bounds of both places.
#[derive(Clone, Debug, PartialEq)]
pub struct Move {
    pub from: PlaceId,
    pub to: PlaceId,
    pub part: Domain,
}

/// Room for the points of `bounds` in one memory, with newest values in `valid`.
#[derive(Debug)]
pub struct Place<T> {
    pub id: PlaceId,
    pub memory: MemoryNumber,
    pub bounds: Rect,
    valid: Domain,
    /// No valid point is valid anywhere else; not always noticed.
    sole: bool,
    /// Another place of this memory covers this one and is used in its stead: with a tile beside the tile with its
    /// halo, values would be copied from one to the other in each step.
    covered: bool,
    arrivals: Vec<(Domain, T)>,
    users: Vec<T>,
}

impl<T: Copy> Place<T> {
    fn new(id: PlaceId, memory: MemoryNumber, bounds: Rect, valid: Domain) -> Self {
        Self { id, memory, bounds, valid, sole: false, covered: false, arrivals: Vec::new(), users: Vec::new() }
    }

    pub fn valid(&self) -> &Domain {
        &self.valid
    }

    /// Those who fill points of `part` and may not be done.
    pub fn arrivals<'a>(&'a self, part: &'a Domain) -> impl Iterator<Item = T> + 'a {
        self.arrivals.iter().filter(|(arriving, _)| arriving.overlaps(part)).map(|&(_, token)| token)
    }

    /// All who read, write or fill the place and may not be done: who frees its memory waits for them.
    pub fn users(&self) -> impl Iterator<Item = T> + '_ {
        self.users.iter().copied()
    }
}

/// Adds to a list that only grows when forgetting the finished made no room.
fn remember<T>(list: &mut Vec<T>, entry: T, unfinished: impl Fn(&T) -> bool) {
    if list.len() == list.capacity() {
        list.retain(unfinished);
        // Half full at most after growing, so that lists are gone through once for each doubling.
        list.reserve(list.len() + 1);
    }
    list.push(entry);
}

/// Where copies into a memory come from by default: least first. The same memory, then the host, then other devices.
pub fn nearest_source(to: MemoryNumber) -> impl Fn(MemoryNumber) -> u32 {
    move |from| match from {
        _ if from == to => 0,
        HOST_MEMORY => 1,
        _ => 2,
    }
}

type Pieces = SmallVec<[Domain; 6]>;

/// The points of `domain` outside `other`; rectangles stay rectangles, for which no memory is asked.
fn push_difference(pieces: &mut Pieces, domain: &Domain, other: &Domain) {
    if domain.is_dense() && other.is_dense() {
        pieces.extend(domain.bounds.minus(&other.bounds).into_iter().map(Domain::from));
        return;
    }
    let rest = domain.minus(other);
    if !rest.is_empty() {
        pieces.push(rest);
    }
}

/// Takes the points of `other` out of `pieces` and gives each part taken to `taken`.
fn take(pieces: &mut Pieces, other: &Domain, mut taken: impl FnMut(Domain)) {
    if !pieces.iter().any(|piece| piece.overlaps(other)) {
        return;
    }
    let mut rest = Pieces::new();
    for piece in pieces.iter() {
        if piece.overlaps(other) {
            taken(piece.intersection(other));
            push_difference(&mut rest, piece, other);
        } else {
            rest.push(piece.clone());
        }
    }
    *pieces = rest;
}

/// The places of one field. `T` names an operation, whoever asks.
#[derive(Debug)]
pub struct Residency<T> {
    /// The host's is the first and always there.
    places: Vec<Place<T>>,
    next: u64,
    /// The place used last. Launches go through tiles in the same order again and again: the next is found behind it.
    cursor: usize,
}

impl<T: Copy> Residency<T> {
    /// A field of the points within `bounds`, all of them valid on the host.
    pub fn new(bounds: Rect) -> Self {
        let host = Place::new(PlaceId::HOST, HOST_MEMORY, bounds, bounds.into());
        Self { places: vec![host], next: 1, cursor: 0 }
    }

    /// Whether there is any place but the host's.
    pub fn is_elsewhere(&self) -> bool {
        self.places.len() > 1
    }

    pub fn places(&self) -> impl Iterator<Item = &Place<T>> {
        self.places.iter()
    }

    fn position(&self, id: PlaceId) -> usize {
        if self.places[self.cursor].id == id {
            return self.cursor;
        }
        self.places.iter().position(|place| place.id == id).expect("a place that was evicted is not used")
    }

    /// # Panics
    /// If the place was evicted.
    pub fn place(&self, id: PlaceId) -> &Place<T> {
        &self.places[self.position(id)]
    }

    /// The place to use for `domain` in a memory: one that has all values if there is one, otherwise the one that has
    /// most of them. None if no place covers it: then one with room for `domain.bounds` is to be created.
    #[inline]
    pub fn find(&mut self, memory: MemoryNumber, domain: &Domain) -> Option<PlaceId> {
        let has_all = |place: &Place<T>| place.memory == memory && !place.covered && place.valid.contains(domain);
        let (before, behind) = self.places.split_at(self.cursor);
        let found = match behind.iter().position(has_all) {
            Some(steps) => Some(before.len() + steps),
            None => before.iter().position(has_all),
        };
        self.cursor = found.or_else(|| self.most_of(memory, domain))?;
        Some(self.places[self.cursor].id)
    }

    fn most_of(&self, memory: MemoryNumber, domain: &Domain) -> Option<usize> {
        let covers = |place: &Place<T>| place.memory == memory && !place.covered && place.bounds.contains(&domain.bounds);
        let mut candidates = (0..self.places.len()).filter(|&at| covers(&self.places[at]));
        let first = candidates.next()?;
        let Some(second) = candidates.next() else { return Some(first) };
        let most = |&at: &usize| self.places[at].valid.intersection(domain).volume();
        [first, second].into_iter().chain(candidates).max_by_key(most)
    }

    /// Makes room in a memory where `find` found none; nothing is valid there yet.
    pub fn create(&mut self, memory: MemoryNumber, bounds: Rect) -> PlaceId {
        debug_assert!(memory != HOST_MEMORY, "the host has its place");
        for place in self.places.iter_mut().filter(|place| place.memory == memory) {
            place.covered |= bounds.contains(&place.bounds);
        }
        let id = PlaceId(self.next);
        self.next += 1;
        let nothing = Rect::new([0; 3], [-1; 3]);
        self.cursor = self.places.len();
        self.places.push(Place::new(id, memory, bounds, nothing.into()));
        id
    }

    /// Makes `domain` valid at a place that covers it; what must be copied for that is added to `moves`, from sources
    /// in rising order of `rank` of their memory. The copies of one call may run in any order.
    #[inline]
    pub fn read(&mut self, id: PlaceId, domain: &Domain, rank: impl Fn(MemoryNumber) -> u32, moves: &mut Vec<Move>) {
        let to = self.position(id);
        if !self.places[to].valid.contains(domain) {
            self.fetch(to, domain, rank, moves);
        }
    }

    fn fetch(&mut self, to: usize, domain: &Domain, rank: impl Fn(MemoryNumber) -> u32, moves: &mut Vec<Move>) {
        let target = &mut self.places[to];
        debug_assert!(target.bounds.contains(&domain.bounds), "a place covers what it is used for");
        let mut missing = Pieces::new();
        push_difference(&mut missing, domain, &target.valid);
        target.valid = target.valid.union(domain);
        target.sole = false;
        let id = target.id;
        let useful = |at: &usize| *at != to && self.places[*at].valid.overlaps(domain);
        let mut sources: SmallVec<[usize; 8]> = (0..self.places.len()).filter(useful).collect();
        sources.sort_by_key(|&at| rank(self.places[at].memory));
        for at in sources {
            let source = &mut self.places[at];
            let from = source.id;
            take(&mut missing, &source.valid, |part| moves.push(Move { from, to: id, part }));
            source.sole = false;
        }
        debug_assert!(missing.is_empty(), "every point is valid somewhere");
    }

    /// `domain` gets new values at a place that covers it, and is valid there only. Whoever needs the old values as
    /// well reads first; who discards them does not.
    #[inline]
    pub fn write(&mut self, id: PlaceId, domain: &Domain) {
        let at = self.position(id);
        let place = &self.places[at];
        if !(place.sole && place.valid.contains(domain)) {
            self.overwrite(at, domain);
        }
    }

    fn overwrite(&mut self, at: usize, domain: &Domain) {
        debug_assert!(self.places[at].bounds.contains(&domain.bounds), "a place covers what it is used for");
        let valid = self.places[at].valid.union(domain);
        let mut sole = true;
        for (i, other) in self.places.iter_mut().enumerate() {
            if i != at && other.valid.overlaps(&valid) {
                if other.valid.overlaps(domain) {
                    other.valid = other.valid.minus(domain);
                }
                sole &= !other.valid.overlaps(&valid);
            }
        }
        let place = &mut self.places[at];
        place.valid = valid;
        place.sole = sole;
    }

    /// Takes a place away. What is valid nowhere else must be copied to the host before, and is added to `moves`.
    ///
    /// # Panics
    /// If the place is the host's or was evicted.
    pub fn evict(&mut self, id: PlaceId, moves: &mut Vec<Move>) -> Place<T> {
        assert!(id != PlaceId::HOST, "the host's place stays");
        let at = self.position(id);
        let gone = self.places.remove(at);
        if self.cursor > at || self.cursor == self.places.len() {
            self.cursor -= 1;
        }
        let mut unsaved: Pieces = std::iter::once(gone.valid.clone()).filter(|valid| !valid.is_empty()).collect();
        for other in &self.places {
            take(&mut unsaved, &other.valid, drop);
        }
        let host = &mut self.places[0];
        for part in unsaved {
            host.valid = host.valid.union(&part);
            moves.push(Move { from: id, to: PlaceId::HOST, part });
        }
        self.uncover(&gone);
        gone
    }

    /// Places that `gone` alone covered are used again.
    fn uncover(&mut self, gone: &Place<T>) {
        for at in 1..self.places.len() {
            let place = &self.places[at];
            if place.covered && place.memory == gone.memory && gone.bounds.contains(&place.bounds) {
                let covers = |other: &Place<T>| {
                    other.id != place.id && other.memory == place.memory && other.bounds.contains(&place.bounds)
                };
                self.places[at].covered = self.places.iter().any(covers);
            }
        }
    }

    /// `token` fills `part` of a place: who uses those points waits for it, and who frees the place. `finished` says
    /// of former tokens whether they may be forgotten.
    pub fn add_arrival(&mut self, id: PlaceId, part: Domain, token: T, finished: impl Fn(T) -> bool) {
        let at = self.position(id);
        let place = &mut self.places[at];
        remember(&mut place.arrivals, (part, token), |&(_, old)| !finished(old));
        remember(&mut place.users, token, |&old| !finished(old));
    }

    /// `token` reads or writes a place: who frees it waits.
    #[inline]
    pub fn add_user(&mut self, id: PlaceId, token: T, finished: impl Fn(T) -> bool) {
        let at = self.position(id);
        remember(&mut self.places[at].users, token, |&old| !finished(old));
    }

    /// Forgets all tokens that are finished.
    pub fn forget(&mut self, finished: impl Fn(T) -> bool) {
        for place in &mut self.places {
            place.arrivals.retain(|&(_, token)| !finished(token));
            place.users.retain(|&token| !finished(token));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{Point, PointSet};
    use proptest::prelude::*;
    use std::collections::HashMap;

    const BOUNDS: Rect = Rect { lo: [0, 0, 0], hi: [6, 3, 1] };

    #[derive(Clone, Debug)]
    enum Step {
        Read(MemoryNumber, Domain),
        Update(MemoryNumber, Domain),
        Overwrite(MemoryNumber, Domain),
        Evict(usize),
    }

    fn domains() -> impl Strategy<Value = Domain> {
        let rect = (0i64..7, 0i64..4, 0i64..2, -1i64..7, 0i64..4, 0i64..2).prop_map(|(x, y, z, dx, dy, dz)| {
            let lo = [x, y, z];
            Rect::new(lo, [x + dx, y + dy, z + dz]).intersection(&BOUNDS)
        });
        prop_oneof![
            6 => rect.clone().prop_map(Domain::from),
            2 => Just(Domain::from(BOUNDS)),
            2 => prop::collection::vec(rect, 0..4).prop_map(|rects| PointSet::from_rects(&rects).into()),
        ]
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => (0u32..4, domains()).prop_map(|(memory, domain)| Step::Read(memory, domain)),
            3 => (0u32..4, domains()).prop_map(|(memory, domain)| Step::Update(memory, domain)),
            2 => (0u32..4, domains()).prop_map(|(memory, domain)| Step::Overwrite(memory, domain)),
            2 => any::<usize>().prop_map(Step::Evict),
        ];
        prop::collection::vec(step, 1..40)
    }

    /// What really lies in each place, point by point: the number of the write that it comes from.
    struct Model {
        residency: Residency<u64>,
        stored: HashMap<PlaceId, HashMap<Point, u64>>,
        newest: HashMap<Point, u64>,
        writes: u64,
        backwards: bool,
    }

    impl Model {
        fn new(backwards: bool) -> Self {
            let newest: HashMap<Point, u64> = BOUNDS.points().map(|p| (p, 0)).collect();
            let stored = HashMap::from([(PlaceId::HOST, newest.clone())]);
            Self { residency: Residency::new(BOUNDS), stored, newest, writes: 0, backwards }
        }

        fn is_newest(&self, place: PlaceId, p: Point) -> bool {
            self.stored[&place].get(&p) == Some(&self.newest[&p])
        }

        fn rank(backwards: bool, to: MemoryNumber, from: MemoryNumber) -> u32 {
            if backwards { 9 - from } else { nearest_source(to)(from) }
        }

        fn run(&mut self, moves: &[Move]) {
            for Move { from, to, part } in moves {
                assert_ne!(from, to);
                assert!(!part.is_empty());
                for p in part.rects().flat_map(Rect::points) {
                    assert!(self.is_newest(*from, p), "a copy from {from:?} reads {p:?}, which is not valid there");
                    assert!(!self.is_newest(*to, p), "{p:?} is valid at {to:?} and copied again");
                    let value = self.newest[&p];
                    self.stored.get_mut(to).unwrap().insert(p, value);
                }
            }
        }

        fn place_for(&mut self, memory: MemoryNumber, domain: &Domain) -> PlaceId {
            let fits = |place: &&Place<u64>| place.memory == memory && place.bounds.contains(&domain.bounds);
            let found = self.residency.find(memory, domain);
            assert_eq!(found.is_some(), self.residency.places().any(|place| fits(&place)));
            let id = found.unwrap_or_else(|| self.residency.create(memory, domain.bounds));
            assert!(fits(&self.residency.place(id)));
            self.stored.entry(id).or_default();
            id
        }

        fn read(&mut self, id: PlaceId, domain: &Domain) {
            let memory = self.residency.place(id).memory;
            let backwards = self.backwards;
            let before: Vec<(PlaceId, MemoryNumber)> = self.residency.places().map(|p| (p.id, p.memory)).collect();
            let mut moves = Vec::new();
            self.residency.read(id, domain, |from| Self::rank(backwards, memory, from), &mut moves);
            let rank = |from: MemoryNumber| Self::rank(backwards, memory, from);
            for Move { from, to, part } in &moves {
                assert_eq!(*to, id);
                let used = rank(before.iter().find(|(id, _)| id == from).unwrap().1);
                for p in part.rects().flat_map(Rect::points) {
                    assert!(domain.contains_point(p), "{p:?} was not asked for");
                    let better = before.iter().find(|&&(other, m)| rank(m) < used && self.is_newest(other, p));
                    assert_eq!(better, None, "{p:?} is copied from {from:?}");
                }
            }
            self.run(&moves);
            for p in domain.rects().flat_map(Rect::points) {
                assert!(self.is_newest(id, p), "{p:?} is old where it is read");
            }
        }

        fn write(&mut self, id: PlaceId, domain: &Domain) {
            self.writes += 1;
            self.residency.write(id, domain);
            for p in domain.rects().flat_map(Rect::points) {
                self.newest.insert(p, self.writes);
                self.stored.get_mut(&id).unwrap().insert(p, self.writes);
            }
        }

        fn evict(&mut self, id: PlaceId) {
            let sole = |model: &Model, p| {
                let others = model.residency.places().filter(|place| place.id != id);
                model.is_newest(id, p) && !others.into_iter().any(|place| model.is_newest(place.id, p))
            };
            let unsaved: Vec<Point> = BOUNDS.points().filter(|&p| sole(self, p)).collect();
            let mut moves = Vec::new();
            let gone = self.residency.evict(id, &mut moves);
            assert_eq!(gone.id, id);
            assert!(moves.iter().all(|m| m.from == id && m.to == PlaceId::HOST));
            let saved: i64 = moves.iter().map(|m| m.part.volume()).sum();
            assert_eq!(saved as usize, unsaved.len(), "what is valid elsewhere is not saved");
            self.run(&moves);
            self.stored.remove(&id);
        }

        fn take(&mut self, step: &Step) {
            match step {
                Step::Read(memory, domain) => {
                    let id = self.place_for(*memory, domain);
                    self.read(id, domain);
                }
                Step::Update(memory, domain) => {
                    let id = self.place_for(*memory, domain);
                    self.read(id, domain);
                    self.write(id, domain);
                }
                Step::Overwrite(memory, domain) => {
                    let id = self.place_for(*memory, domain);
                    self.write(id, domain);
                }
                Step::Evict(chosen) => {
                    let elsewhere: Vec<PlaceId> = self.residency.places().skip(1).map(|place| place.id).collect();
                    if !elsewhere.is_empty() {
                        self.evict(elsewhere[chosen % elsewhere.len()]);
                    }
                }
            }
        }

        fn check(&self) {
            for p in BOUNDS.points() {
                let mut copies = 0;
                let mut sole = false;
                for place in self.residency.places() {
                    assert_eq!(place.valid().contains_point(p), self.is_newest(place.id, p), "{p:?} at {:?}", place.id);
                    copies += usize::from(place.valid().contains_point(p));
                    sole |= place.sole && place.valid().contains_point(p);
                }
                assert!(copies > 0, "{p:?} is lost");
                assert!(!sole || copies == 1, "{p:?} is not at one place only");
            }
            for place in self.residency.places() {
                assert!(place.bounds.contains(&place.valid().bounds));
                let covers = |other: &&Place<u64>| {
                    other.id != place.id && other.memory == place.memory && other.bounds.contains(&place.bounds)
                };
                assert_eq!(place.covered, self.residency.places().any(|other| covers(&other)));
            }
        }
    }

    proptest! {
        #[test]
        fn every_read_sees_the_newest_values(steps in steps(), backwards: bool) {
            let mut model = Model::new(backwards);
            for step in &steps {
                model.take(step);
                model.check();
            }
            let everywhere = Domain::from(BOUNDS);
            model.read(PlaceId::HOST, &everywhere);
            prop_assert_eq!(model.residency.find(HOST_MEMORY, &everywhere), Some(PlaceId::HOST));
        }

        #[test]
        fn tokens_are_kept_until_they_are_finished(parts in prop::collection::vec(domains(), 1..40), asked in domains()) {
            let mut residency = Residency::new(BOUNDS);
            let place = residency.create(1, BOUNDS);
            let finished = |token: usize| token % 3 == 0;
            for (token, part) in parts.iter().enumerate() {
                residency.add_arrival(place, part.clone(), token, finished);
            }
            let wanted: Vec<usize> = (0..parts.len()).filter(|&t| !finished(t)).collect();
            let unfinished = |tokens: Vec<usize>| tokens.into_iter().filter(|&t| !finished(t)).collect::<Vec<_>>();
            prop_assert_eq!(unfinished(residency.place(place).users().collect()), wanted.clone());
            residency.forget(finished);
            prop_assert_eq!(residency.place(place).users().collect::<Vec<_>>(), wanted.clone());
            let met: Vec<usize> = wanted.into_iter().filter(|&t| parts[t].overlaps(&asked)).collect();
            prop_assert_eq!(residency.place(place).arrivals(&asked).collect::<Vec<_>>(), met);
        }
    }

    fn row(from: i64, to: i64) -> Domain {
        Rect::new([from, 0, 0], [to, 0, 0]).into()
    }

    fn read(residency: &mut Residency<u64>, id: PlaceId, domain: &Domain) -> Vec<Move> {
        let mut moves = Vec::new();
        let memory = residency.place(id).memory;
        residency.read(id, domain, nearest_source(memory), &mut moves);
        moves
    }

    #[test]
    fn a_tile_is_used_within_its_halo_once_that_is_there() {
        let mut residency = Residency::new(row(0, 9).bounds);
        let tile = residency.create(1, row(3, 6).bounds);
        residency.write(tile, &row(3, 6));
        assert_eq!(residency.find(1, &row(2, 7)), None);
        let halo = residency.create(1, row(2, 7).bounds);
        let from = |from, first, last| Move { from, to: halo, part: row(first, last) };
        let host = PlaceId::HOST;
        assert_eq!(read(&mut residency, halo, &row(2, 7)), [from(tile, 3, 6), from(host, 2, 2), from(host, 7, 7)]);
        assert_eq!(residency.find(1, &row(3, 6)), Some(halo));
        residency.write(halo, &row(3, 6));
        assert_eq!(read(&mut residency, halo, &row(2, 7)), []);
        let mut moves = Vec::new();
        residency.evict(halo, &mut moves);
        assert_eq!(moves, [Move { from: halo, to: host, part: row(3, 6) }]);
        assert_eq!(residency.find(1, &row(3, 6)), Some(tile));
    }

    #[test]
    fn of_several_places_the_one_with_most_values_is_used() {
        let mut residency = Residency::<u64>::new(row(0, 9).bounds);
        let left = residency.create(1, row(0, 6).bounds);
        let right = residency.create(1, row(3, 9).bounds);
        residency.write(right, &row(4, 6));
        residency.write(left, &row(3, 3));
        assert_eq!(residency.find(1, &row(3, 6)), Some(right));
        residency.write(left, &row(3, 5));
        assert_eq!(residency.find(1, &row(3, 6)), Some(left));
    }

    #[test]
    fn finished_users_make_room_for_new_ones() {
        let mut residency = Residency::<u64>::new(row(0, 9).bounds);
        let place = residency.create(1, row(0, 9).bounds);
        for token in 0..1000 {
            residency.add_user(place, token, |old| old + 3 < token);
        }
        let place = residency.place(place);
        assert!(place.users.capacity() <= 16, "{} places for 3 users", place.users.capacity());
        assert!([997, 998, 999].iter().all(|token| place.users().any(|user| user == *token)));
    }
}
