//! Places that are let go because others need the room.

use super::failures::WAYS_TO_FAIL;
use super::*;

/// For a place with one field of 100 x 100 points.
const ROOM: u64 = 100 << 10;

#[test]
fn what_cannot_be_written_back_stays_and_whoever_wanted_the_room_fails() {
    for (flag, why) in WAYS_TO_FAIL {
        let (running, seen) = Running::watched_within(ROOM);
        let bump = running.bumps("bump");
        let [(first, fields), (second, _)] = [(); 2].map(|()| running.region(&[100, 100], 1));
        running.fill(first, &fields, 3.0);
        running.fill(second, &fields, 5.0);
        running.launch(bump, first, &fields);
        running.wait();
        flag(&seen).store(true, Ordering::Relaxed);
        running.launch(bump, second, &fields);
        running.wait_fails(&["task \"bump\" failed", why]);
        running.launch(bump, first, &fields);
        running.wait();
        flag(&seen).store(false, Ordering::Relaxed);
        running.launch(bump, second, &fields);
        running.wait();
        assert_eq!([first, second].map(|region| running.look(region, fields[0], [7, 7])), [5.0, 6.0]);
    }
}

#[test]
fn the_host_uses_other_data_of_a_region_of_which_a_place_is_written_back() {
    let (running, seen) = Running::watched_within(ROOM);
    let bump = running.bumps("bump");
    let [(first, fields), (second, _)] = [(); 2].map(|()| running.region(&[100, 100], 2));
    running.launch(bump, first, &fields[..1]);
    running.wait();
    seen.late_copies.store(true, Ordering::Relaxed);
    running.launch(bump, second, &fields[..1]);
    until("nothing is written back", || seen.is_late_awaited.load(Ordering::Acquire));
    let before = ON_HOST.load(Ordering::Relaxed);
    running.launch_on(COHORT_PROC_CPU, bump, (first, &fields[1..], COHORT_READ_WRITE));
    until("the host waits for the device", || ON_HOST.load(Ordering::Relaxed) > before);
    seen.open();
    running.wait();
    assert_eq!([first, second].map(|region| running.look(region, fields[0], [7, 7])), [1.0; 2]);
}

#[test]
fn what_is_on_its_way_home_stays_on_the_device_until_it_is_there() {
    let (running, seen) = Running::watched_within(ROOM);
    let bump = running.bumps("bump");
    let [(first, fields), (second, _)] = [(); 2].map(|()| running.region(&[100, 100], 1));
    running.launch(bump, first, &fields);
    running.wait();
    let fails_late = |so: bool| [&seen.late_copies, &seen.faults_home].map(|flag| flag.store(so, Ordering::Relaxed));
    fails_late(true);
    running.launch_on(COHORT_PROC_CPU, bump, (first, &fields, COHORT_READ_ONLY));
    until("nothing comes home", || !seen.late.lock().unwrap().is_empty());
    fails_late(false);
    running.launch(bump, second, &fields);
    until("nobody needs the room", || seen.is_late_awaited.load(Ordering::Acquire));
    seen.open();
    // Whoever asked is told, and nobody else.
    running.wait_fails(&["bump", FAULT]);
    running.wait();
    assert_eq!([first, second].map(|region| running.look(region, fields[0], [7, 7])), [1.0; 2]);
}
