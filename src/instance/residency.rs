//! Which memories hold the newest values of a field of one region tree: the host and any number of places in other
//! memories. Pure data, told of operations in an order that their dependences allow: it says what is to be copied before
//! one may run somewhere, and executes nothing. What needs memory for sets of points, of which there may be none, is refused, and then
//! nothing has changed.

use crate::base::Result;
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
struct Place {
    id: PlaceId,
    memory: MemoryNumber,
    bounds: Rect,
    valid: Domain,
    /// No valid point is valid anywhere else; not always noticed.
    sole: bool,
}

/// Where copies into a memory come from by default: least first. The same memory, then the host, then other devices.
pub fn nearest_source(to: MemoryNumber) -> impl Fn(MemoryNumber) -> u32 {
    move |from| match from {
        _ if from == to => 0,
        HOST_MEMORY => 1,
        _ => 2,
    }
}

/// Points that memories could give.
pub type Offers = SmallVec<[(MemoryNumber, u64); 4]>;

type Pieces = SmallVec<[Domain; 6]>;

/// The points of `domain` outside `other`; rectangles stay rectangles, for which no memory is asked.
fn push_difference(pieces: &mut Pieces, domain: &Domain, other: &Domain) -> Result<()> {
    if domain.is_dense() && other.is_dense() {
        pieces.extend(domain.bounds.minus(&other.bounds).into_iter().map(Domain::from));
        return Ok(());
    }
    let rest = domain.minus(other)?;
    if !rest.is_empty() {
        pieces.push(rest);
    }
    Ok(())
}

/// Takes the points of `other` out of `pieces` and gives each part taken to `taken`.
fn take(pieces: &mut Pieces, other: &Domain, mut taken: impl FnMut(Domain)) -> Result<()> {
    if !pieces.iter().any(|piece| piece.overlaps(other)) {
        return Ok(());
    }
    let mut rest = Pieces::new();
    for piece in pieces.iter() {
        if piece.overlaps(other) {
            taken(piece.intersection(other)?);
            push_difference(&mut rest, piece, other)?;
        } else {
            rest.push(piece.clone());
        }
    }
    *pieces = rest;
    Ok(())
}

/// The places of one field. They may overlap, in one memory too.
#[derive(Debug)]
pub struct Residency {
    /// By rising number; the host's is the first and always there.
    places: Vec<Place>,
    next: u64,
}

impl Residency {
    /// A field of the points within `bounds`, all of them valid on the host.
    pub fn new(bounds: Rect) -> Self {
        let host = Place { id: PlaceId::HOST, memory: HOST_MEMORY, bounds, valid: bounds.into(), sole: false };
        Self { places: vec![host], next: 1 }
    }

    fn position(&self, id: PlaceId) -> usize {
        self.places.binary_search_by_key(&id, |place| place.id).expect("a place that was evicted is not used")
    }

    /// Makes room in a memory; nothing is valid there yet.
    pub fn create(&mut self, memory: MemoryNumber, bounds: Rect) -> PlaceId {
        debug_assert!(memory != HOST_MEMORY, "the host has its place");
        let id = PlaceId(self.next);
        self.next += 1;
        let nothing = Rect::new([0; 3], [-1; 3]);
        self.places.push(Place { id, memory, bounds, valid: nothing.into(), sole: false });
        id
    }

    /// The points that are valid at a place.
    pub fn valid(&self, id: PlaceId) -> &Domain {
        &self.places[self.position(id)].valid
    }

    /// How many points of `domain` are not valid at a place, if there is one yet, and how many of those each memory could give.
    pub fn offers(&self, to: Option<PlaceId>, domain: &Domain) -> Result<(u64, Offers)> {
        let mut offers = Offers::new();
        let missing = to.map_or_else(|| Ok(domain.clone()), |id| domain.minus(&self.places[self.position(id)].valid))?;
        let mut of_memory: SmallVec<[(MemoryNumber, Domain); 4]> = SmallVec::new();
        for source in self.places.iter().filter(|place| Some(place.id) != to && place.valid.overlaps(&missing)) {
            let part = source.valid.intersection(&missing)?;
            match of_memory.iter_mut().find(|(memory, _)| *memory == source.memory) {
                Some((_, all)) => *all = all.union(&part)?,
                None => of_memory.push((source.memory, part)),
            }
        }
        offers.extend(of_memory.iter().map(|(memory, part)| (*memory, part.volume() as u64)));
        Ok((missing.volume() as u64, offers))
    }

    /// Makes `domain` valid at a place that covers it; what must be copied for that is added to `moves`, from sources
    /// in rising order of `rank` of their memory. The copies of one call may run in any order.
    #[inline]
    pub fn read(&mut self, id: PlaceId, domain: &Domain, rank: impl Fn(MemoryNumber) -> u32, moves: &mut Vec<Move>) -> Result<()> {
        let to = self.position(id);
        if self.places[to].valid.contains(domain) {
            return Ok(());
        }
        let before = moves.len();
        self.fetch(to, domain, rank, moves).inspect_err(|_| moves.truncate(before))
    }

    fn fetch(&mut self, to: usize, domain: &Domain, rank: impl Fn(MemoryNumber) -> u32, moves: &mut Vec<Move>) -> Result<()> {
        let target = &self.places[to];
        debug_assert!(target.bounds.contains(&domain.bounds), "a place covers what it is used for");
        let (id, mut missing) = (target.id, Pieces::new());
        push_difference(&mut missing, domain, &target.valid)?;
        let valid = target.valid.union(domain)?;
        for at in self.sources(domain, Some(to), rank) {
            let source = &mut self.places[at];
            let from = source.id;
            take(&mut missing, &source.valid, |part| moves.push(Move { from, to: id, part }))?;
            source.sole = false;
        }
        debug_assert!(missing.is_empty(), "every point is valid somewhere");
        let target = &mut self.places[to];
        (target.valid, target.sole) = (valid, false);
        Ok(())
    }

    /// What `read` was to make valid at a place was not copied: what is valid there is what was, which `valid` said before.
    pub fn unread(&mut self, id: PlaceId, before: Domain) {
        let at = self.position(id);
        self.places[at].valid = before;
    }

    /// The places, but for one, where points of `domain` are valid, in rising order of `rank` of their memory.
    fn sources(&self, domain: &Domain, except: Option<usize>, rank: impl Fn(MemoryNumber) -> u32) -> SmallVec<[usize; 8]> {
        let useful = |at: &usize| Some(*at) != except && self.places[*at].valid.overlaps(domain);
        let mut sources: SmallVec<[usize; 8]> = (0..self.places.len()).filter(useful).collect();
        sources.sort_by_key(|&at| rank(self.places[at].memory));
        sources
    }

    /// Gives each point of `domain` to `found` with one place where it is valid, of several the one whose memory has the least `rank`.
    pub fn locate(&self, domain: &Domain, rank: impl Fn(MemoryNumber) -> u32, mut found: impl FnMut(PlaceId, Domain)) -> Result<()> {
        let mut missing = Pieces::from_iter([domain.clone()]);
        for at in self.sources(domain, None, rank) {
            let source = &self.places[at];
            take(&mut missing, &source.valid, |part| found(source.id, part))?;
        }
        debug_assert!(missing.is_empty(), "every point is valid somewhere");
        Ok(())
    }

    /// Whether the place has the newest values of all of `domain`.
    pub fn is_valid(&self, id: PlaceId, domain: &Domain) -> bool {
        self.places[self.position(id)].valid.contains(domain)
    }

    /// `domain` gets new values at a place that covers it, and is valid there only. Whoever needs the old values as
    /// well reads first; who discards them does not.
    #[inline]
    pub fn write(&mut self, id: PlaceId, domain: &Domain) -> Result<()> {
        let at = self.position(id);
        let place = &self.places[at];
        if place.sole && place.valid.contains(domain) { Ok(()) } else { self.overwrite(at, domain) }
    }

    fn overwrite(&mut self, at: usize, domain: &Domain) -> Result<()> {
        debug_assert!(self.places[at].bounds.contains(&domain.bounds), "a place covers what it is used for");
        let valid = self.places[at].valid.union(domain)?;
        let mut sole = true;
        let mut left: SmallVec<[(usize, Domain); 8]> = SmallVec::new();
        for (i, other) in self.places.iter().enumerate() {
            if i == at || !other.valid.overlaps(&valid) {
                continue;
            }
            if !other.valid.overlaps(domain) {
                sole = false;
                continue;
            }
            let rest = other.valid.minus(domain)?;
            sole &= !rest.overlaps(&valid);
            left.push((i, rest));
        }
        left.into_iter().for_each(|(i, rest)| self.places[i].valid = rest);
        let place = &mut self.places[at];
        (place.valid, place.sole) = (valid, sole);
        Ok(())
    }

    /// What was to be copied to a place is not there. Of `domain`, what is valid elsewhere no longer is at the place; the rest, whose newest
    /// values are nowhere, stays as it is and is given to `lost`.
    pub fn miss(&mut self, id: PlaceId, domain: &Domain, lost: impl FnMut(Domain)) -> Result<()> {
        let at = self.position(id);
        let missed = self.places[at].valid.intersection(domain)?;
        let (mut rest, mut elsewhere) = (Pieces::from_iter(Some(missed).filter(|part| !part.is_empty())), Pieces::new());
        for other in self.places.iter().filter(|other| other.id != id) {
            take(&mut rest, &other.valid, |part| elsewhere.push(part))?;
        }
        let valid = &mut self.places[at].valid;
        *valid = elsewhere.iter().try_fold(valid.clone(), |valid, part| valid.minus(part))?;
        rest.into_iter().for_each(lost);
        Ok(())
    }

    /// What is valid at a place and nowhere else.
    fn alone(&self, id: PlaceId) -> Result<Pieces> {
        let valid = &self.places[self.position(id)].valid;
        let mut alone: Pieces = Some(valid).filter(|valid| !valid.is_empty()).cloned().into_iter().collect();
        for other in self.places.iter().filter(|other| other.id != id) {
            take(&mut alone, &other.valid, drop)?;
        }
        Ok(alone)
    }

    /// Makes valid on the host, too, what is valid at a place and nowhere else; what must be copied for that is added to `moves`.
    pub fn save(&mut self, id: PlaceId, moves: &mut Vec<Move>) -> Result<()> {
        let alone = self.alone(id)?;
        if alone.is_empty() {
            return Ok(());
        }
        self.places[0].valid = alone.iter().try_fold(self.places[0].valid.clone(), |valid, part| valid.union(part))?;
        let at = self.position(id);
        (self.places[0].sole, self.places[at].sole) = (false, false);
        moves.extend(alone.into_iter().map(|part| Move { from: id, to: PlaceId::HOST, part }));
        Ok(())
    }

    /// Takes a place away. What was valid there alone is lost: all that was valid there, if there is no memory to tell one from the other. From
    /// here on it counts as the host's.
    ///
    /// # Panics
    /// If the place is the host's or was evicted.
    pub fn evict(&mut self, id: PlaceId, mut lost: impl FnMut(Domain)) {
        assert!(id != PlaceId::HOST, "the host's place stays");
        let alone = self.alone(id);
        let gone = self.places.remove(self.position(id));
        let parts = alone.unwrap_or_else(|_| Some(gone.valid).filter(|valid| !valid.is_empty()).into_iter().collect());
        for part in parts {
            let host = &mut self.places[0];
            host.sole = false;
            host.valid = host.valid.union(&part).unwrap_or_else(|_| host.valid.clone());
            lost(part);
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
        Read(MemoryNumber, Domain, usize),
        Update(MemoryNumber, Domain, usize),
        Overwrite(MemoryNumber, Domain, usize),
        Miss(Domain, usize),
        Save(usize),
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
            2 => prop::collection::vec(rect, 0..4).prop_map(|rects| PointSet::from_rects(&rects).unwrap().into()),
        ]
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => (0u32..4, domains(), any::<usize>()).prop_map(|(memory, domain, choice)| Step::Read(memory, domain, choice)),
            3 => (0u32..4, domains(), any::<usize>()).prop_map(|(memory, domain, choice)| Step::Update(memory, domain, choice)),
            2 => (0u32..4, domains(), any::<usize>()).prop_map(|(memory, domain, choice)| Step::Overwrite(memory, domain, choice)),
            1 => (domains(), any::<usize>()).prop_map(|(domain, chosen)| Step::Miss(domain, chosen)),
            1 => any::<usize>().prop_map(Step::Save),
            2 => any::<usize>().prop_map(Step::Evict),
        ];
        prop::collection::vec(step, 1..40)
    }

    /// What really lies in each place, point by point: the number of the write that it comes from.
    struct Model {
        residency: Residency,
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

        fn place(&self, id: PlaceId) -> &Place {
            &self.residency.places[self.residency.position(id)]
        }

        /// One of those that cover the domain, if there is one and not a new one is to be tried.
        fn place_for(&mut self, memory: MemoryNumber, domain: &Domain, choice: usize) -> PlaceId {
            let fits = |place: &&Place| place.memory == memory && place.bounds.contains(&domain.bounds);
            let fitting: Vec<PlaceId> = self.residency.places.iter().filter(fits).map(|place| place.id).collect();
            let chosen = choice % (fitting.len() + usize::from(memory != HOST_MEMORY));
            let id = fitting.get(chosen).copied().unwrap_or_else(|| self.residency.create(memory, domain.bounds));
            self.stored.entry(id).or_default();
            id
        }

        fn read(&mut self, id: PlaceId, domain: &Domain) {
            let memory = self.place(id).memory;
            let backwards = self.backwards;
            let before: Vec<(PlaceId, MemoryNumber)> = self.residency.places.iter().map(|p| (p.id, p.memory)).collect();
            self.check_offers(id, domain);
            let mut moves = Vec::new();
            self.residency.read(id, domain, |from| Self::rank(backwards, memory, from), &mut moves).unwrap();
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

        fn check_offers(&self, id: PlaceId, domain: &Domain) {
            let missing: Vec<Point> = domain.rects().flat_map(|rect| rect.points().collect::<Vec<_>>()).filter(|&p| !self.is_newest(id, p)).collect();
            let (count, offers) = self.residency.offers(Some(id), domain).unwrap();
            assert_eq!(count, missing.len() as u64);
            for memory in 0..4 {
                let of_memory = || self.residency.places.iter().filter(|place| place.id != id && place.memory == memory);
                let could = missing.iter().filter(|&&p| of_memory().any(|place| self.is_newest(place.id, p))).count() as u64;
                let said = offers.iter().find(|offer| offer.0 == memory).map_or(0, |offer| offer.1);
                assert_eq!(said, could, "from memory {memory}");
            }
        }

        fn write(&mut self, id: PlaceId, domain: &Domain) {
            self.writes += 1;
            self.residency.write(id, domain).unwrap();
            for p in domain.rects().flat_map(Rect::points) {
                self.newest.insert(p, self.writes);
                self.stored.get_mut(&id).unwrap().insert(p, self.writes);
            }
        }

        fn save(&mut self, id: PlaceId, evicts: bool) {
            let sole = |model: &Model, p| {
                let others = model.residency.places.iter().filter(|place| place.id != id);
                model.is_newest(id, p) && !others.into_iter().any(|place| model.is_newest(place.id, p))
            };
            let unsaved: Vec<Point> = BOUNDS.points().filter(|&p| sole(self, p)).collect();
            let mut moves = Vec::new();
            self.residency.save(id, &mut moves).unwrap();
            assert!(moves.iter().all(|m| m.from == id && m.to == PlaceId::HOST));
            let saved: i64 = moves.iter().map(|m| m.part.volume()).sum();
            assert_eq!(saved as usize, unsaved.len(), "what is valid elsewhere is not saved");
            self.run(&moves);
            if evicts {
                self.residency.evict(id, |part| panic!("{part:?} was saved"));
                self.stored.remove(&id);
            }
        }

        fn miss(&mut self, id: PlaceId, domain: &Domain) {
            let mut lost: Vec<Point> = Vec::new();
            self.residency.miss(id, domain, |part| lost.extend(part.rects().flat_map(Rect::points))).unwrap();
            for p in BOUNDS.points() {
                let elsewhere = self.residency.places.iter().any(|place| place.id != id && self.is_newest(place.id, p));
                let missed = domain.contains_point(p) && self.is_newest(id, p);
                assert_eq!(lost.contains(&p), missed && !elsewhere, "{p:?}");
                if missed && elsewhere {
                    self.stored.get_mut(&id).unwrap().remove(&p);
                }
            }
        }

        fn take(&mut self, step: &Step) {
            match step {
                Step::Read(memory, domain, choice) => {
                    let id = self.place_for(*memory, domain, *choice);
                    self.read(id, domain);
                }
                Step::Update(memory, domain, choice) => {
                    let id = self.place_for(*memory, domain, *choice);
                    self.read(id, domain);
                    self.write(id, domain);
                }
                Step::Overwrite(memory, domain, choice) => {
                    let id = self.place_for(*memory, domain, *choice);
                    self.write(id, domain);
                }
                Step::Miss(domain, chosen) => {
                    let id = self.residency.places[chosen % self.residency.places.len()].id;
                    self.miss(id, domain);
                }
                Step::Save(chosen) | Step::Evict(chosen) => {
                    let elsewhere: Vec<PlaceId> = self.residency.places.iter().skip(1).map(|place| place.id).collect();
                    if !elsewhere.is_empty() {
                        self.save(elsewhere[chosen % elsewhere.len()], matches!(step, Step::Evict(_)));
                    }
                }
            }
        }

        fn check(&self) {
            for p in BOUNDS.points() {
                let mut copies = 0;
                let mut sole = false;
                for place in &self.residency.places {
                    assert_eq!(place.valid.contains_point(p), self.is_newest(place.id, p), "{p:?} at {:?}", place.id);
                    copies += usize::from(place.valid.contains_point(p));
                    sole |= place.sole && place.valid.contains_point(p);
                }
                assert!(copies > 0, "{p:?} is lost");
                assert!(!sole || copies == 1, "{p:?} is not at one place only");
            }
            for place in &self.residency.places {
                assert!(place.bounds.contains(&place.valid.bounds));
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
        }
    }

    fn row(from: i64, to: i64) -> Domain {
        Rect::new([from, 0, 0], [to, 0, 0]).into()
    }

    fn read(residency: &mut Residency, id: PlaceId, domain: &Domain) -> Vec<Move> {
        let mut moves = Vec::new();
        residency.read(id, domain, nearest_source(1), &mut moves).unwrap();
        moves
    }

    #[test]
    fn a_halo_comes_from_the_tile_beside_it_before_the_host() {
        let mut residency = Residency::new(row(0, 9).bounds);
        let tile = residency.create(1, row(3, 6).bounds);
        residency.write(tile, &row(3, 6)).unwrap();
        let halo = residency.create(1, row(2, 7).bounds);
        let from = |from, first, last| Move { from, to: halo, part: row(first, last) };
        let host = PlaceId::HOST;
        assert_eq!(read(&mut residency, halo, &row(2, 7)), [from(tile, 3, 6), from(host, 2, 2), from(host, 7, 7)]);
        residency.write(halo, &row(3, 6)).unwrap();
        assert_eq!(read(&mut residency, halo, &row(2, 7)), []);
        let mut moves = Vec::new();
        residency.save(halo, &mut moves).unwrap();
        residency.evict(halo, |part| panic!("{part:?} was saved"));
        assert_eq!(moves, [Move { from: halo, to: host, part: row(3, 6) }]);
    }
}
