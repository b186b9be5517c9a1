//! Once every tile of a region has its place on a device, going through them again and again allocates nothing. A test
//! binary of its own, since it counts what the process allocates.

use cohort::base::memory::counted;
use cohort::geometry::{Domain, Rect};
use cohort::instance::{nearest_source, Move, PlaceId, Residency};

const TILES: i64 = 8;
const DEVICE: u32 = 1;

/// One of `TILES` slabs, and `halo` planes of its neighbours.
fn slab(number: i64, halo: i64) -> Domain {
    let whole = Rect::new([0; 3], [7, 7, 4 * TILES - 1]);
    Rect::new([0, 0, 4 * number - halo], [7, 7, 4 * number + 3 + halo]).intersection(&whole).into()
}

/// All slabs are read with their halos, each at its place, then all are written: the copies made.
fn step(residency: &mut Residency, places: &[PlaceId], halo: i64, moves: &mut Vec<Move>) -> usize {
    moves.clear();
    for (&place, number) in places.iter().zip(0..) {
        residency.read(place, &slab(number, halo), nearest_source(DEVICE), moves).unwrap();
    }
    for (&place, number) in places.iter().zip(0..) {
        residency.write(place, &slab(number, 0)).unwrap();
    }
    moves.len()
}

#[test]
fn a_time_step_on_a_device_allocates_nothing() {
    for (halo, copies) in [(0, 0), (1, 2 * TILES as usize - 2)] {
        let mut residency = Residency::new(slab(0, 0).bounds.hull(&slab(TILES - 1, 0).bounds));
        let places: Vec<PlaceId> = (0..TILES).map(|number| residency.create(DEVICE, slab(number, halo).bounds)).collect();
        let mut moves = Vec::new();
        for _ in 0..5 {
            step(&mut residency, &places, halo, &mut moves);
        }
        let before = counted::allocations();
        for _ in 0..50 {
            assert_eq!(step(&mut residency, &places, halo, &mut moves), copies);
        }
        assert_eq!(counted::allocations() - before, 0, "with a halo of {halo}");
    }
}
