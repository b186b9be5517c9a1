//! What the runtime asks of a device, seen by one that counts, refuses and fails in front of PoCL's: host memory is registered and let go,
//! copies that fit no rule for pitches are packed, explicit copies move what they name and nothing else.

mod copies;
#[path = "../drivers/mod.rs"]
mod drivers;
mod failures;
mod in_place;
mod indirect;
mod reductions;
mod registration;
mod room;
mod running;
mod standstill;
mod turns;
mod watched;

use cohort::base::{Error, Result, Status};
use cohort::device::*;
use cohort::ffi::{abi, devices as dv, futures as ft, ghosts as gh, handshakes as hs, inline as il, launches as ln, layouts as ly, partitions as pt, regions as rg, runtime as rt, tasks as tk, types::*};
use std::ffi::{c_void, CStr, CString};
use std::ops::Range;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};
use running::*;
use watched::*;

/// The first has none, whatever else is there.
#[test]
fn a_task_goes_to_the_device_that_has_room_for_it() {
    let with = |capacity| discover(&Wanted { capacity, ..drivers::wanted("room") }).unwrap().devices.remove(0);
    let running = Running::with(vec![with(Some(64 << 10)), with(None)]);
    let (region, fields) = running.region(&[100, 100], 1);
    let (bump, times) = (running.bumps("bump"), 3);
    (0..times).for_each(|_| running.launch(bump, region, &fields));
    running.wait();
    assert_eq!(running.look(region, fields[0], [50, 50]), f64::from(times));
}

#[test]
fn a_driver_is_asked_again_and_again_about_the_first_of_each_stream_alone() {
    const TASKS: usize = 200;
    let (device, seen) = Watched::open();
    let streams = device.streams();
    let running = Running::with(vec![device]);
    let late = running.nothing("late");
    let (region, fields) = running.region(&[10, 10], 1);
    for _ in 0..TASKS {
        running.launch_on(COHORT_PROC_DEVICE, late, (region, &fields, COHORT_READ_ONLY));
    }
    let asked = || seen.late.lock().unwrap().iter().map(|asked| asked.load(Ordering::Relaxed)).collect::<Vec<_>>();
    // So often for each task that is under way.
    until("not enough happens", || asked().len() == TASKS && asked()[0] >= 5 * TASKS);
    let often = asked().into_iter().filter(|&times| times > 20).count();
    assert!(often <= streams, "{often} of {TASKS} with {streams} streams: {:?}", asked());
    seen.open();
    running.wait();
}

#[test]
fn events_of_what_has_ended_are_let_go() {
    let (running, seen) = Running::watched();
    let late = running.nothing("late");
    let (region, fields) = running.region(&[10, 10], 1);
    seen.open();
    // In places, in copies under way, and among what a wait looks at.
    seen.late_copies.store(true, Ordering::Relaxed);
    for _ in 0..200 {
        (0..4).for_each(|_| running.launch(late, region, &fields));
        assert_eq!(running.look(region, fields[0], [1, 1]), 0.0);
    }
    // Each event has one.
    let events = Arc::strong_count(&seen);
    assert!(events < 100, "{events} events of 1000 are there");
    running.wait();
}

#[test]
fn tasks_of_other_kinds_go_on_while_a_kernel_is_compiled() {
    let (running, seen) = Running::watched();
    let bump = running.bumps("bump");
    let slow = running.bumps("slow");
    let faulty = running.task("faulty", &BUMP.replace("bump", "slow").replace("e, f", "nothing"), "slow");
    let arrays = [Halo::new(50, 1), Halo::new(50, 1)];
    let [held, free] = [0, 1].map(|number| {
        let (region, fields) = running.region(&[50, 50], 1);
        running.attach(region, &fields, arrays[number].first(), &arrays[number].strides(), 0);
        (region, fields)
    });
    // Its kernel is there.
    running.launch(bump, free.0, &free.1);
    running.wait();
    let before = ON_HOST.load(Ordering::Relaxed);
    for _ in 0..2 {
        running.launch(slow, held.0, &held.1);
        // Comes after it.
        running.launch(bump, held.0, &held.1);
        running.launch(bump, free.0, &free.1);
    }
    running.launch_on(COHORT_PROC_CPU, bump, (free.0, &free.1, COHORT_READ_ONLY));
    until("a task waits for the compilation of another's kernel", || ON_HOST.load(Ordering::Relaxed) > before);
    seen.open();
    running.wait();
    arrays[0].check(4.0);
    arrays[1].check(3.0);
    // One that does not compile fails its tasks, each time.
    for _ in 0..2 {
        running.launch(faulty, free.0, &free.1);
        running.wait_fails(&["task \"faulty\" failed", "the compilation of slow"]);
    }
    running.detach(held.0, &held.1);
    running.detach(free.0, &free.1);
}
