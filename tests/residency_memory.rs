//! Once every tile of a region has its place on a device, going through them again and again allocates nothing. A test
//! binary of its own, since it counts what the process allocates.

use cohort::geometry::{Domain, Rect};
use cohort::instance::{nearest_source, Budget, Held, PlaceId, Residency};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: hands every request to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        unsafe { System.dealloc(at, layout) }
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.realloc(at, layout, bytes) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

const TILES: i64 = 8;
const DEVICE: u32 = 1;

/// One of `TILES` slabs, and `halo` planes of its neighbours.
fn slab(number: i64, halo: i64) -> Domain {
    let whole = Rect::new([0; 3], [7, 7, 4 * TILES - 1]);
    Rect::new([0, 0, 4 * number - halo], [7, 7, 4 * number + 3 + halo]).intersection(&whole).into()
}

struct Program {
    residency: Residency<u64>,
    budget: Budget<PlaceId>,
    held: Vec<Held>,
    moves: Vec<cohort::instance::Move>,
    token: u64,
}

impl Program {
    /// All slabs are read with their halos, then all are written: the copies made.
    fn step(&mut self, halo: i64) -> usize {
        let mut copies = 0;
        for number in 0..TILES {
            self.budget.begin();
            let wanted = slab(number, halo);
            let place = self.residency.find(DEVICE, &wanted).unwrap();
            self.budget.touch(self.held[number as usize]);
            self.residency.read(place, &wanted, nearest_source(DEVICE), &mut self.moves);
            copies += self.moves.len();
            for moved in self.moves.drain(..) {
                self.token += 1;
                let recent = self.token - 3;
                self.residency.add_arrival(moved.to, moved.part, self.token, |old| old < recent);
            }
        }
        for number in 0..TILES {
            let written = slab(number, 0);
            let place = self.residency.find(DEVICE, &written).unwrap();
            self.residency.write(place, &written);
        }
        copies
    }
}

#[test]
fn a_time_step_on_a_device_allocates_nothing() {
    for (halo, copies) in [(0, 0), (1, 2 * TILES as usize - 2)] {
        let whole = slab(0, 0).bounds.hull(&slab(TILES - 1, 0).bounds);
        let mut program = Program {
            residency: Residency::new(whole),
            budget: Budget::new(1 << 20),
            held: Vec::new(),
            moves: Vec::new(),
            token: 10,
        };
        program.budget.begin();
        for number in 0..TILES {
            let place = program.residency.create(DEVICE, slab(number, halo).bounds);
            program.held.push(program.budget.add(place, 1000));
        }
        for _ in 0..5 {
            program.step(halo);
        }
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        for _ in 0..50 {
            assert_eq!(program.step(halo), copies);
        }
        assert_eq!(ALLOCATIONS.load(Ordering::Relaxed) - before, 0, "with a halo of {halo}");
    }
}
