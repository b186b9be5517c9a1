//! Devices that refuse or are lost.

use super::copies::TO_FACE;
use super::*;
use std::process::Command;

#[test]
fn a_lost_device_fails_what_needs_it_and_nothing_else() {
    let (running, seen) = Running::watched();
    let bump = running.bumps("bump");
    let breaking = running.bumps("breaking");
    let (inside, fields) = running.region(&[50, 50], 1);
    let (broken, _) = running.region(&[50, 50], 1);
    let (other, _) = running.region(&[50, 50], 1);
    let attached = running.region(&[100, 100], 1).0;
    let array = Halo::new(100, 1);
    running.attach(attached, &fields, array.first(), &array.strides(), 0);
    running.launch(bump, inside, &fields);
    running.launch(bump, attached, &fields);
    // Both are on the device, and only the array comes back.
    running.wait();
    array.check(1.0);
    running.launch(bump, attached, &fields);
    running.launch(breaking, broken, &fields);
    // Depends on it.
    running.launch(bump, broken, &fields);
    running.wait_fails(&["task \"breaking\" failed", "kernel breaking failed", GONE]);
    // The array is the program's again, which is told once that it holds old values.
    running.wait_fails(&["were on a device alone, and are lost", GONE]);
    array.check(1.0);

    // What may go there goes to the host, and what must fails.
    let before = ON_HOST.load(Ordering::Relaxed);
    running.launch_on(COHORT_PROC_ANY, bump, (other, &fields, COHORT_READ_WRITE));
    running.wait();
    assert_eq!(ON_HOST.load(Ordering::Relaxed), before + 1);
    running.launch(bump, other, &fields);
    running.wait_fails(&["\"bump\"", "asks for a device, which is lost", GONE]);

    // Whoever reads what lay there alone is told, each time, until it is written anew.
    for _ in 0..2 {
        running.launch_on(COHORT_PROC_CPU, bump, (inside, &fields, COHORT_READ_ONLY));
        running.wait_fails(&["bump failed", "were on a device alone, and are lost", GONE]);
    }
    assert_eq!(ON_HOST.load(Ordering::Relaxed), before + 1);
    for privilege in [COHORT_WRITE_DISCARD, COHORT_READ_ONLY] {
        running.launch_on(COHORT_PROC_CPU, bump, (inside, &fields, privilege));
        running.wait();
    }
    assert_eq!(ON_HOST.load(Ordering::Relaxed), before + 3);

    // Arrays are given back, and registered no more.
    running.detach(attached, &fields);
    assert!(seen.pinned.lock().unwrap().is_empty());
    running.wait();
}

#[test]
fn a_wait_for_the_tasks_that_tells_of_lost_data_does_not_count() {
    let (running, seen) = Running::watched();
    let bump = running.bumps("bump");
    let (region, fields) = running.region(&[100, 100], 1);
    let array = Halo::new(100, 1);
    running.attach(region, &fields, array.first(), &array.strides(), 0);
    unsafe {
        let (mut bumped, mut turns, mut task): (cohort_future_t, cohort_handshake_t, cohort_task_t) = std::mem::zeroed();
        running.launch_for(&mut bumped, COHORT_PROC_DEVICE, bump, (region, &fields, COHORT_READ_WRITE));
        ok(ft::cohort_future_get(bumped, null_mut(), 0));
        seen.lost.get_or_init(|| GONE.into());
        ok(hs::cohort_handshake_create(running.runtime, 1, 1, COHORT_SIDE_TASKS, &mut turns));
        ok(tk::cohort_task_register(running.runtime, c"hand off".as_ptr(), Some(hand_off), (&raw mut turns).cast(), COHORT_TASK_LEAF, &mut task));
        running.launch_on(COHORT_PROC_CPU, task, (running.region(&[1], 1).0, &[0], COHORT_READ_ONLY));
        // That the device is lost shows when the data is to come back.
        for words in ["a copy failed", "were on a device alone, and are lost"] {
            assert_ne!(hs::cohort_wait_on_tasks(turns), COHORT_OK);
            assert!(said().contains(words) && said().contains(GONE), "{}", said());
        }
        ok(hs::cohort_wait_on_tasks(turns));
        array.check(0.0);
        ok(hs::cohort_handoff_to_tasks(turns));
        ok(hs::cohort_handshake_destroy(&mut turns));
        ok(ft::cohort_future_destroy(&mut bumped));
    }
    running.wait();
}

#[test]
fn a_copy_that_a_device_refuses_fails_by_its_name() {
    let (running, seen) = Running::watched();
    let bump = running.bumps("bump");
    let [(left, fields), (right, _)] = [(); 2].map(|()| running.region(&[40, 30], 2));
    running.launch(bump, left, &fields);
    running.launch(bump, right, &fields);
    running.wait();
    seen.refuses_copies.store(true, Ordering::Relaxed);
    running.copy(left, right, TO_FACE);
    running.launch(bump, right, &fields);
    assert_eq!(unsafe { ln::cohort_wait_all(running.context) }, COHORT_ERROR_TASK_FAILED);
    assert!(said().contains("\"copy\" failed") && said().contains("the copy was refused"), "{}", said());
    // What does not depend on it goes on.
    seen.refuses_copies.store(false, Ordering::Relaxed);
    running.launch(bump, left, &fields);
    running.wait();
    assert_eq!(running.look(left, 1, [1, 1]), 4.0);
}

#[test]
fn what_a_copy_that_failed_was_to_bring_is_brought_again() {
    let (running, seen) = Running::watched();
    let (bump, see) = (running.bumps("bump"), running.nothing("see"));
    let (region, fields) = running.region(&[40, 30], 2);
    let fill = |value| running.fill(region, &fields, value);
    let fails = |privilege| {
        seen.faults_copies.store(true, Ordering::Relaxed);
        running.launch_on(COHORT_PROC_DEVICE, bump, (region, &fields, privilege));
        running.wait_fails(&["task \"bump\" failed", FAULT]);
        seen.faults_copies.store(false, Ordering::Relaxed);
    };
    // The host still has what was read: the next reader gets it, and whoever comes after the wait that tells.
    fill(3.0);
    unsafe {
        let mut read: [cohort_future_t; 2] = std::mem::zeroed();
        for (number, future) in read.iter_mut().enumerate() {
            seen.faults_copies.store(number == 0, Ordering::Relaxed);
            running.launch_for(future, COHORT_PROC_DEVICE, see, (region, &fields, COHORT_READ_ONLY));
            let status = ft::cohort_future_get(*future, null_mut(), 0);
            assert_eq!(status == COHORT_OK, number == 1, "{}", said());
            assert!(status == COHORT_OK || said().contains(FAULT), "{}", said());
            ok(ft::cohort_future_destroy(future));
        }
    }
    running.wait_fails(&["task \"see\" failed", FAULT]);
    fill(3.0);
    fails(COHORT_READ_ONLY);
    running.launch(bump, region, &fields);
    running.wait();
    assert_eq!(running.look(region, 1, [1, 1]), 5.0);
    // Who overwrites everything reads nothing.
    fill(3.0);
    fails(COHORT_READ_ONLY);
    running.launch_on(COHORT_PROC_DEVICE, bump, (region, &fields, COHORT_WRITE_DISCARD));
    running.wait();
    // What was written on top of what was not there is nothing.
    fill(3.0);
    fails(COHORT_READ_WRITE);
    for _ in 0..2 {
        running.launch(bump, region, &fields);
        running.wait_fails(&["task \"bump\" failed", "are lost", FAULT, "write them anew"]);
    }
    fill(6.0);
    running.launch(bump, region, &fields);
    running.wait();
    assert_eq!(running.look(region, 1, [1, 1]), 8.0);
}

/// Copies that are refused at once, and such that end with a fault.
pub const WAYS_TO_FAIL: [(fn(&Seen) -> &AtomicBool, &str); 2] = [(|seen| &seen.refuses_copies, "the copy was refused"), (|seen| &seen.faults_home, FAULT)];

#[test]
fn what_a_copy_home_that_failed_was_to_bring_stays_on_the_device() {
    for (flag, why) in WAYS_TO_FAIL {
        let (running, seen) = Running::watched();
        let bump = running.bumps("bump");
        let [(region, fields), (attached, _)] = [(); 2].map(|()| running.region(&[100, 100], 1));
        let array = Halo::new(100, 1);
        running.attach(attached, &fields, array.first(), &array.strides(), 0);
        let fails = |fails| flag(&seen).store(fails, Ordering::Relaxed);
        // On the device, from where a wait for a future brings nothing.
        let bumped = |region| unsafe {
            let mut future: cohort_future_t = std::mem::zeroed();
            running.launch_for(&mut future, COHORT_PROC_DEVICE, bump, (region, &fields, COHORT_READ_WRITE));
            ok(ft::cohort_future_get(future, null_mut(), 0));
            ok(ft::cohort_future_destroy(&mut future));
        };
        running.fill(region, &fields, 3.0);
        running.launch(bump, region, &fields);
        running.wait();
        // Who asks is told, each time, and nobody else.
        fails(true);
        let before = ON_HOST.load(Ordering::Relaxed);
        for _ in 0..2 {
            running.launch_on(COHORT_PROC_CPU, bump, (region, &fields, COHORT_READ_ONLY));
            running.wait_fails(&["bump", why]);
            running.launch(bump, region, &fields);
            running.wait();
        }
        assert_eq!(ON_HOST.load(Ordering::Relaxed), before);
        fails(false);
        running.launch_on(COHORT_PROC_CPU, bump, (region, &fields, COHORT_READ_ONLY));
        running.wait();
        assert_eq!(ON_HOST.load(Ordering::Relaxed), before + 1);
        assert_eq!(running.look(region, fields[0], [7, 7]), 6.0);
        // Arrays of the program are brought by its waits, and when they are given back.
        bumped(attached);
        fails(true);
        running.wait_fails(&[why]);
        fails(false);
        while unsafe { ln::cohort_wait_all(running.context) } != COHORT_OK {
            // A failure is told once more.
            assert!(said().contains(why), "{}", said());
        }
        array.check(1.0);
        bumped(attached);
        fails(true);
        running.wait_fails(&[why]);
        let detach = || unsafe { rg::cohort_detach(running.context, attached, 1, fields.as_ptr()) };
        assert_ne!(detach(), COHORT_OK, "{why}");
        assert!(said().contains(why), "{}", said());
        fails(false);
        while detach() != COHORT_OK {
            assert!(said().contains(why), "{}", said());
        }
        array.check(2.0);
    }
}

#[test]
fn a_fault_of_one_task_is_not_that_of_the_next_in_its_place() {
    let (running, _) = Running::watched();
    let bump = running.bumps("bump");
    let faulting = running.bumps("faulting");
    let (region, fields) = running.region(&[50, 50], 1);
    running.launch(faulting, region, &fields);
    running.wait_fails(&["task \"faulting\" failed", FAULT]);
    running.launch(bump, region, &fields);
    running.wait();
    let first = running.look(region, 0, [7, 7]);
    running.launch(bump, region, &fields);
    assert_eq!(running.look(region, 0, [7, 7]), first + 1.0);
    running.wait();
}

#[test]
fn who_comes_after_a_task_whose_kernel_fails_fails_with_it() {
    let (running, seen) = Running::watched();
    let [faulting, doomed, bump, slow] = ["faulting", "doomed", "bump", "slow"].map(|name| running.bumps(name));
    let (region, fields) = running.region(&[50, 50], 1);
    let before = ON_HOST.load(Ordering::Relaxed);
    // It fails before the kernel of the next is there.
    unsafe {
        let mut failed: cohort_future_t = std::mem::zeroed();
        running.launch_for(&mut failed, COHORT_PROC_DEVICE, faulting, (region, &fields, COHORT_READ_WRITE));
        running.launch(slow, region, &fields);
        running.launch_on(COHORT_PROC_CPU, bump, (region, &fields, COHORT_READ_ONLY));
        assert_ne!(ft::cohort_future_get(failed, null_mut(), 0), COHORT_OK);
        ok(ft::cohort_future_destroy(&mut failed));
    }
    seen.open();
    running.wait_fails(&["task \"faulting\" failed", FAULT]);
    running.wait();
    assert_eq!(seen.launches.load(Ordering::Relaxed), 1);
    // And after the next is enqueued.
    seen.close();
    running.launch(doomed, region, &fields);
    running.launch(bump, region, &fields);
    running.launch_on(COHORT_PROC_CPU, bump, (region, &fields, COHORT_READ_ONLY));
    until("the second is not enqueued", || seen.launches.load(Ordering::Acquire) == 3);
    seen.open();
    running.wait_fails(&["task \"doomed\" failed", FAULT]);
    running.wait();
    assert_eq!(ON_HOST.load(Ordering::Relaxed), before);
}

#[test]
fn the_host_copies_when_the_device_is_lost() {
    let (running, _) = Running::watched();
    let bump = running.bumps("bump");
    let breaking = running.bumps("breaking");
    let [(left, fields), (right, _), (gone, _)] = [(); 3].map(|()| running.region(&[40, 30], 2));
    for region in [left, right, gone] {
        running.launch(bump, region, &fields);
    }
    running.launch(breaking, gone, &fields);
    running.wait_fails(&["task \"breaking\" failed", GONE]);
    running.fill(left, &fields, 5.0);
    running.fill(right, &fields, 6.0);
    running.copy(left, right, [0; 3]);
    running.wait();
    assert_eq!(running.look(right, 1, [1, 1]), 5.0);
    running.copy(gone, right, [0; 3]);
    running.wait_fails(&["copy failed", "were on a device alone, and are lost", GONE]);
}

/// Which nobody would go on from: all wait for that thread.
#[test]
fn a_panic_on_the_devices_thread_ends_the_program_with_its_text() {
    let defect = ["--ignored", "--exact", "failures::defect"];
    let output = Command::new("timeout").arg("60").arg(std::env::current_exe().unwrap()).args(defect).env("COHORT_TEST_DEFECT", "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("a defect of the library, on its thread cohort-device: ") && said.contains(DEFECT), "{}: {said}", output.status);
    assert_ne!(output.status.code(), Some(124), "it went on");
}

#[test]
#[ignore = "ends the program; a part of the test above"]
fn defect() {
    if std::env::var_os("COHORT_TEST_DEFECT").is_none() {
        return;
    }
    // A folder would stay behind.
    let wanted = Wanted { choice: drivers::choice(), cache: Some("/proc/nowhere".into()), ..Wanted::default() };
    let running = Running::with(vec![Watched::of(&wanted).0]);
    let (region, fields) = running.region(&[50, 50], 1);
    let defective = running.bumps("defective");
    running.launch(defective, region, &fields);
    running.wait();
}
