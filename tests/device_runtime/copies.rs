//! Copies that fit no rule for pitches are packed; explicit copies and ghost regions move what they name and nothing else.

use super::*;

#[test]
fn boxes_of_many_commands_are_packed_and_copied_with_one() {
    let (running, seen) = Running::watched();
    let bump = running.bumps("bump");
    // Padded so that planes are no whole number of rows, and fields no whole number of planes.
    let (n, row, plane, field) = (16usize, 17usize, 17 * 16 + 5, 4096 + 700);
    let array: Vec<f64> = (0..9 * field).map(|at| at as f64).collect();
    let (region, fields) = running.region(&[n as i64; 3], 9);
    running.attach(region, &fields, array.as_ptr(), &[8, 8 * row as i64, 8 * plane as i64], 8 * field as i64);
    running.launch(bump, region, &fields);
    running.wait();
    assert_eq!(seen.commands.load(Ordering::Relaxed), 2, "one to the device, one back");
    running.detach(region, &fields);
    let mut expected: Vec<f64> = (0..9 * field).map(|at| at as f64).collect();
    for (f, k, j, i) in (0..9).flat_map(|f| (0..n).flat_map(move |k| (0..n).flat_map(move |j| (0..n).map(move |i| (f, k, j, i))))) {
        expected[f * field + k * plane + j * row + i] += 1.0 + f as f64;
    }
    assert_eq!(array, expected);
}

/// Of a region of 40 x 30 points, what a region of 40 x 2 points takes up, in two fields.
const FACE: usize = 40 * 2 * 2 * 8;
/// Leads from the last two rows of a region of 30 to those of a face.
pub const TO_FACE: [i64; 3] = [0, -28, 0];

#[test]
fn explicit_copies_move_the_points_they_name_and_nothing_else() {
    let (running, seen) = Running::watched();
    let bump = running.bumps("bump");
    let [(left, fields), (right, _)] = [(); 2].map(|()| running.region(&[40, 30], 2));
    let (face, _) = running.region(&[40, 2], 2);
    running.launch(bump, left, &fields);
    running.launch(bump, right, &fields);
    running.launch(bump, right, &fields);
    running.wait();
    assert_eq!(seen.moved(), [2 * 40 * 30 * 2 * 8, 0, 0]);
    // From place to place, in both directions, with tasks on the device around.
    for _ in 0..3 {
        running.copy(left, right, TO_FACE);
        running.copy(right, left, [0, 28, 0]);
        running.launch(bump, left, &fields);
        running.launch(bump, right, &fields);
    }
    running.wait();
    assert_eq!(seen.moved(), [0, 0, 6 * FACE]);
    // To the host's memory, of a region that was never on a device; without a stop in the source's.
    running.copy(left, face, TO_FACE);
    running.wait();
    assert_eq!(seen.moved(), [0, FACE, 0]);
    let first = running.look(face, 0, [7, 1]);
    assert_eq!(seen.moved(), [0; 3], "the face is on the host");
    // Back from there, to a place that has the other points, and those too until now.
    running.copy(face, right, [0; 3]);
    running.launch(bump, right, &fields);
    running.wait();
    assert_eq!(seen.moved(), [FACE, 0, 0]);
    assert_eq!(running.look(right, 1, [7, 1]), first + 2.0);
    assert_eq!(seen.moved(), [0, 40 * 30 * 8, 0], "one field came home");
    // What the host has got meanwhile it copies itself.
    running.copy(face, left, [0, 28, 0]);
    running.look(left, 0, [7, 1]);
    running.look(left, 1, [7, 1]);
    seen.moved();
    running.copy(left, face, [0; 3]);
    running.wait();
    assert_eq!(seen.moved(), [0; 3]);
}

#[test]
fn ghost_regions_stay_on_the_device_until_they_are_written() {
    let (running, seen) = Running::watched();
    let bump = running.bumps("bump");
    let (tile, fields) = running.region(&[40, 30], 2);
    let (mut ghost, _) = running.ghost(&[40, 2], 2);
    running.launch(bump, tile, &fields);
    running.wait();
    seen.moved();
    // The tile's own memory is too small to be registered.
    seen.from_elsewhere.store(0, Ordering::Relaxed);
    for _ in 0..3 {
        // From the device into memory that ranks share, and from there to the device once.
        running.copy(tile, ghost, TO_FACE);
        for _ in 0..5 {
            running.launch_on(COHORT_PROC_DEVICE, bump, (ghost, &fields, COHORT_READ_ONLY));
        }
        running.wait();
        assert_eq!(seen.moved(), [FACE, FACE, 0]);
    }
    // A field of two is written; a task of the host reads both.
    running.launch_on(COHORT_PROC_CPU, bump, (ghost, &fields[..1], COHORT_READ_WRITE));
    running.launch_on(COHORT_PROC_CPU, bump, (ghost, &fields, COHORT_READ_ONLY));
    for _ in 0..5 {
        running.launch_on(COHORT_PROC_DEVICE, bump, (ghost, &fields, COHORT_READ_ONLY));
    }
    running.wait();
    assert_eq!(seen.moved(), [FACE / 2, 0, 0]);
    running.copy(ghost, tile, [0, 28, 0]);
    running.wait();
    assert_eq!(seen.moved(), [0, 0, FACE], "copies start where it was read");
    // What a task on the device writes is in the shared memory when the task is complete, and on the device too.
    running.launch(bump, ghost, &fields);
    running.launch(bump, ghost, &fields);
    running.wait();
    assert_eq!(seen.moved(), [0, 2 * FACE, 0]);
    // However small, the memory is registered: whole pages of its own, and until the region goes.
    let pinned = seen.pinned.lock().unwrap().clone();
    assert!(pinned.iter().any(|span| span.len() == 4096 && span.start % 4096 == 0), "{pinned:x?}");
    assert_eq!(seen.from_elsewhere.load(Ordering::Relaxed), 0);
    ok(unsafe { rg::cohort_region_destroy(&mut ghost) });
    // The device's thread may be the last that knows of it.
    until("the memory stays registered", || seen.pinned.lock().unwrap().len() < pinned.len());
}

#[test]
fn fields_that_lie_side_by_side_go_from_place_to_place_together() {
    let (running, seen) = Running::watched();
    let bump = running.bumps("bump");
    // Fields lie whole rows apart, as drivers want it for one command.
    let (whole, fields) = running.region(&[32, 32], 5);
    let array = Halo::new(32, 5);
    running.attach(whole, &fields, array.first(), &array.strides(), array.apart());
    let mut halves = unsafe { std::mem::zeroed() };
    ok(unsafe { pt::cohort_partition_blocks(whole, [2, 1].as_ptr(), &mut halves) });
    for number in 0..2 {
        let mut half = unsafe { std::mem::zeroed() };
        ok(unsafe { pt::cohort_subregion(halves, number, &mut half) });
        running.launch(bump, half, &fields);
    }
    running.launch(bump, whole, &fields);
    running.wait();
    assert_eq!(seen.commands.load(Ordering::Relaxed), 5, "in and across for each half, and all of it back");
    assert_eq!(seen.within.load(Ordering::Relaxed), 32 * 32 * 5 * 8);
    running.detach(whole, &fields);
    array.check(2.0);
}
