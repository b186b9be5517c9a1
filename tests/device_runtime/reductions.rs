//! Where contributions are folded in.

use super::*;

#[test]
fn sums_into_what_lies_on_the_device_do_not_travel() {
    let (running, seen) = Running::watched();
    let array = Halo::new(100, 3);
    let (region, fields) = running.region(&[100, 100], 3);
    running.attach(region, &fields, array.first(), &array.strides(), array.apart());
    let bump = running.bumps("bump");
    // With nothing on the device contributions go to where the data is.
    running.launch_on(COHORT_PROC_DEVICE, bump, (region, &fields, COHORT_REDUCE));
    running.wait();
    array.check(1.0);
    assert_eq!((seen.from_staging.load(Ordering::Relaxed), seen.commands.load(Ordering::Relaxed)), (1, 1));
    let commands = |work: &dyn Fn()| {
        seen.commands.store(0, Ordering::Relaxed);
        work();
        running.wait();
        seen.commands.load(Ordering::Relaxed)
    };
    // What the program may have changed goes there, and comes back.
    let write = || running.launch(bump, region, &fields);
    let without = commands(&write);
    let sums = || (0..5).for_each(|_| running.launch_on(COHORT_PROC_DEVICE, bump, (region, &fields, COHORT_REDUCE)));
    let with = commands(&|| {
        write();
        sums();
        write();
    });
    array.check(9.0);
    assert_eq!(with, without, "commands for the data, and none for contributions");
    assert_eq!(seen.from_staging.load(Ordering::Relaxed), 1);
    running.detach(region, &fields);
}

#[test]
fn the_host_folds_what_the_device_cannot() {
    let (running, seen) = Running::watched();
    seen.refuses_kernels.store(true, Ordering::Relaxed);
    let array = Halo::new(100, 3);
    let (region, fields) = running.region(&[100, 100], 3);
    running.attach(region, &fields, array.first(), &array.strides(), array.apart());
    let bump = running.bumps("bump");
    running.launch(bump, region, &fields);
    (0..5).for_each(|_| running.launch_on(COHORT_PROC_DEVICE, bump, (region, &fields, COHORT_REDUCE)));
    running.launch(bump, region, &fields);
    running.wait();
    array.check(7.0);
    assert_ne!(seen.from_staging.load(Ordering::Relaxed), 0);
    running.detach(region, &fields);
}

#[test]
fn what_a_kernel_contributed_that_failed_is_not_folded_in() {
    let (running, _) = Running::watched();
    let bump = running.bumps("bump");
    let breaking = running.bumps("breaking");
    let array = Halo::new(100, 1);
    let (region, fields) = running.region(&[100, 100], 1);
    running.attach(region, &fields, array.first(), &array.strides(), 0);
    running.launch_on(COHORT_PROC_DEVICE, bump, (region, &fields, COHORT_REDUCE));
    running.launch_on(COHORT_PROC_DEVICE, breaking, (region, &fields, COHORT_REDUCE));
    running.wait_fails(&["task \"breaking\" failed", GONE]);
    running.detach(region, &fields);
    array.check(1.0);
}
