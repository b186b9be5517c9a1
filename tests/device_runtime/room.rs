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
