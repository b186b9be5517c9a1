//! Host memory is registered and let go.

use super::*;

#[test]
fn arrays_are_registered_once_until_they_are_detached() {
    let (running, seen) = Running::watched();
    let array = Halo::new(100, 3);
    let (region, fields) = running.region(&[100, 100], 4);
    running.attach(region, &fields[..3], array.first(), &array.strides(), array.apart());
    let bump = running.bumps("bump");
    assert!(seen.pinned.lock().unwrap().is_empty(), "nothing was copied yet");
    for _ in 0..3 {
        running.launch(bump, region, &fields[..3]);
        running.wait();
        let pinned = seen.pinned.lock().unwrap();
        let last = array.first() as usize + (2 * array.apart() + 99 * array.strides()[1] + 100 * 8) as usize;
        assert_eq!(*pinned, [array.first() as usize..last], "all fields of the array, as one");
    }
    array.check(3.0);
    assert_eq!((seen.from_elsewhere.load(Ordering::Relaxed), seen.from_staging.load(Ordering::Relaxed)), (0, 0));
    // Storage of the library.
    running.launch(bump, region, &fields[3..]);
    running.wait();
    running.launch(bump, region, &fields);
    running.wait();
    assert_eq!(seen.pinned.lock().unwrap().len(), 2);
    assert_eq!(seen.from_elsewhere.load(Ordering::Relaxed), 0);
    // A field that shares the array with others; what is still attached is registered anew when it is copied.
    running.detach(region, &fields[1..2]);
    assert!(seen.pinned.lock().unwrap().is_empty());
    array.check(4.0);
    running.launch(bump, region, &fields[..1]);
    running.wait();
    assert_eq!(seen.pinned.lock().unwrap().len(), 1);
    running.detach(region, &[fields[0], fields[2]]);
    assert!(seen.pinned.lock().unwrap().is_empty());
}

#[test]
fn memory_goes_unregistered_with_its_region_or_where_the_driver_refuses() {
    let (device, seen) = Watched::open();
    {
        let running = Running::with(vec![device.clone()]);
        let bump = running.bumps("bump");
        let (mut region, fields) = running.region(&[100, 100], 1);
        running.launch(bump, region, &fields);
        running.wait();
        assert_eq!(seen.pinned.lock().unwrap().len(), 1);
        ok(unsafe { rg::cohort_region_destroy(&mut region) });
    }
    assert!(seen.pinned.lock().unwrap().is_empty());
    seen.refuses_pins.store(true, Ordering::Relaxed);
    seen.from_pins.store(0, Ordering::Relaxed);
    let array = Halo::new(100, 2);
    {
        let running = Running::with(vec![device]);
        let bump = running.bumps("bump");
        let (region, fields) = running.region(&[100, 100], 2);
        running.attach(region, &fields, array.first(), &array.strides(), array.apart());
        running.launch(bump, region, &fields);
        running.detach(region, &fields);
    }
    array.check(1.0);
    assert_eq!(seen.from_pins.load(Ordering::Relaxed), 0);
    assert_ne!(seen.from_elsewhere.load(Ordering::Relaxed), 0);
}

#[test]
fn arrays_that_share_memory_are_never_copied_across_the_edge_of_a_registration() {
    let (running, seen) = Running::watched();
    let bump = running.bumps("bump");
    // Columns of one array in turns; the second ends beyond the first.
    let array: Vec<f64> = vec![0.0; 2 * 100 * 101];
    let regions = [running.region(&[100, 100], 1), running.region(&[100, 100], 1)];
    for (number, (region, fields)) in regions.iter().enumerate() {
        running.attach(*region, fields, array[100 * number..].as_ptr(), &[8, 1600], 0);
    }
    for _ in 0..2 {
        for (region, fields) in &regions {
            running.launch(bump, *region, fields);
        }
        running.wait();
    }
    assert_eq!(seen.pinned.lock().unwrap().len(), 1);
    assert_ne!(seen.from_staging.load(Ordering::Relaxed), 0);
    let touched = array[..2 * 100 * 100].iter().all(|&value| value == 2.0) && array[2 * 100 * 100..].iter().all(|&value| value == 0.0);
    assert!(touched);
    regions.iter().for_each(|(region, fields)| running.detach(*region, fields));
}

#[test]
fn fields_on_both_sides_of_a_registration_are_not_copied_together() {
    let (running, seen) = Running::watched();
    let bump = running.bumps("bump");
    // Two small fields, and between them an array that is registered.
    let array: Vec<f64> = vec![0.0; 100 + 100 * 100 + 100];
    let (middle, fields_of_middle) = running.region(&[100, 100], 1);
    let (ends, fields_of_ends) = running.region(&[10, 10], 2);
    running.attach(middle, &fields_of_middle, array[100..].as_ptr(), &[8, 800], 0);
    for (field, at) in fields_of_ends.iter().zip([0, 100 + 100 * 100]) {
        running.attach(ends, &[*field], array[at..].as_ptr(), &[8, 80], 0);
    }
    running.launch(bump, middle, &fields_of_middle);
    running.wait();
    assert_eq!(seen.pinned.lock().unwrap().len(), 1);
    running.launch(bump, ends, &fields_of_ends);
    running.wait();
    let (first, rest) = array.split_at(100 + 100 * 100);
    assert!(first.iter().all(|&value| value == 1.0) && rest.iter().all(|&value| value == 2.0));
    running.detach(middle, &fields_of_middle);
    running.detach(ends, &fields_of_ends);
}

/// Fields that lie near each other in memory of their own that a driver made, and others between which there is such memory.
#[test]
fn fields_in_several_memories_of_a_driver_are_not_copied_together() {
    let (running, seen) = Running::watched();
    let bump = running.bumps("bump");
    for (round, n) in [30, 100].into_iter().enumerate() {
        let (region, fields) = running.region(&[n, n], 9);
        let made = |field: &&cohort_field_t| **field % 3 != 0;
        fields.iter().filter(made).for_each(|field| running.zero_copy(region, &[*field]));
        let value = |field: &cohort_field_t| running.look(region, *field, [3, 3]);
        // In this order they get their memory.
        assert!(fields.iter().all(|field| value(field) == 0.0));
        assert_eq!(seen.pinned.lock().unwrap().len(), 6 * (round + 1));
        let plain: Vec<cohort_field_t> = fields.iter().filter(|field| !made(field)).copied().collect();
        // Kernels want one memory for all.
        fields.chunks(3).for_each(|three| running.launch(bump, region, &three[1..]));
        running.launch(bump, region, &plain);
        running.wait();
        assert_eq!(fields.iter().map(value).collect::<Vec<_>>(), [1.0, 1.0, 2.0, 2.0, 1.0, 2.0, 3.0, 1.0, 2.0]);
    }
}

#[test]
fn an_array_is_given_back_while_a_task_uses_another_field_of_its_place() {
    let (running, seen) = Running::watched();
    let array = Halo::new(50, 2);
    let (region, fields) = running.region(&[50, 50], 2);
    running.attach(region, &fields, array.first(), &array.strides(), array.apart());
    let bump = running.bumps("bump");
    let held = running.bumps("held");
    running.launch(bump, region, &fields);
    (0..2).for_each(|_| running.launch(bump, region, &fields[1..]));
    running.wait();
    running.launch(held, region, &fields[..1]);
    until("the kernel is not launched", || seen.is_held.load(Ordering::Acquire));
    running.detach(region, &fields[1..]);
    seen.open();
    running.detach(region, &fields[..1]);
    array.check(2.0);
}
