//! Tasks on one device that come one after the other: those that depend on each other, and those that take turns.

use super::*;
use cohort::ffi::predicates as pr;

unsafe extern "C" fn fail(_: cohort_context_t, _: *mut c_void) -> i32 {
    1
}

type Uses = (cohort_region_t, i32, i32);

/// Field 0 of regions, with these privileges and coherences.
fn launch(running: &Running, processor: i32, task: cohort_task_t, uses: &[Uses], predicate: cohort_predicate_t) {
    let count = 1i64;
    unsafe {
        let need = |&(region, privilege, coherence): &Uses| {
            let mut need: cohort_requirement_t = std::mem::zeroed();
            (need.region, need.fields, need.field_count, need.privilege, need.coherence) = (region, &0, 1, privilege, coherence);
            need
        };
        let needs: Vec<cohort_requirement_t> = uses.iter().map(need).collect();
        let mut launch: cohort_launch_t = std::mem::zeroed();
        (launch.size, launch.task, launch.requirements, launch.requirement_count) = (size_of::<cohort_launch_t>(), task, needs.as_ptr(), needs.len() as u32);
        (launch.args, launch.args_size, launch.processor, launch.predicate) = ((&raw const count).cast(), 8, processor, predicate);
        ok(ln::cohort_launch(running.context, &launch, null_mut()));
    }
}

fn host_task(running: &Running, name: &CStr, body: unsafe extern "C" fn(cohort_context_t, *mut c_void) -> i32) -> cohort_task_t {
    let mut task = unsafe { std::mem::zeroed() };
    ok(unsafe { tk::cohort_task_register(running.runtime, name.as_ptr(), Some(body), null_mut(), COHORT_TASK_LEAF, &mut task) });
    task
}

fn no_predicate() -> cohort_predicate_t {
    unsafe { std::mem::zeroed() }
}

#[test]
fn who_takes_turns_with_a_task_that_fails_does_not_fail_with_it() {
    let (running, _) = Running::watched();
    let bump = running.bumps("bump");
    let (failing, count) = (host_task(&running, c"failing", fail), host_task(&running, c"count", on_host));
    let [bad, data] = [(); 2].map(|()| running.region(&[20, 20], 1).0);
    let turn = |region| (region, COHORT_READ_WRITE, COHORT_ATOMIC);
    for processor in [COHORT_PROC_DEVICE, COHORT_PROC_CPU] {
        let (before, value) = (ON_HOST.load(Ordering::Relaxed), running.look(data, 0, [3, 3]));
        launch(&running, COHORT_PROC_CPU, failing, &[(bad, COHORT_READ_WRITE, COHORT_EXCLUSIVE)], no_predicate());
        // It does not run, wherever it was to.
        let poisoned = if processor == COHORT_PROC_DEVICE { bump } else { count };
        launch(&running, processor, poisoned, &[(bad, COHORT_READ_WRITE, COHORT_EXCLUSIVE), turn(data)], no_predicate());
        for _ in 0..2 {
            launch(&running, COHORT_PROC_CPU, count, &[turn(data)], no_predicate());
            launch(&running, COHORT_PROC_DEVICE, bump, &[turn(data)], no_predicate());
        }
        // This one comes after it.
        launch(&running, COHORT_PROC_CPU, count, &[(data, COHORT_READ_ONLY, COHORT_EXCLUSIVE)], no_predicate());
        launch(&running, COHORT_PROC_DEVICE, bump, &[(data, COHORT_READ_WRITE, COHORT_EXCLUSIVE)], no_predicate());
        running.wait_fails(&["task \"failing\" failed"]);
        running.wait();
        assert_eq!(ON_HOST.load(Ordering::Relaxed) - before, 2);
        assert_eq!(running.look(data, 0, [3, 3]) - value, 2.0);
    }
}

#[test]
fn tasks_on_a_device_come_after_each_other_also_where_one_between_them_does_not_run() {
    for coherence in [COHORT_EXCLUSIVE, COHORT_ATOMIC] {
        let (running, seen) = Running::watched();
        let (bump, late) = (running.bumps("bump"), running.bumps("late"));
        let [bad, data] = [(); 2].map(|()| running.region(&[20, 20], 1).0);
        let uses = (data, COHORT_READ_WRITE, coherence);
        let mut never = no_predicate();
        ok(unsafe { pr::cohort_predicate_constant(running.runtime, false, &mut never) });
        // The data is there, so that nobody waits for copies.
        launch(&running, COHORT_PROC_DEVICE, bump, &[uses], no_predicate());
        running.wait();
        seen.waiting_launches.store(0, Ordering::Relaxed);
        launch(&running, COHORT_PROC_DEVICE, late, &[uses], no_predicate());
        launch(&running, COHORT_PROC_DEVICE, bump, &[uses], never);
        if coherence == COHORT_ATOMIC {
            let failing = host_task(&running, c"failing", fail);
            launch(&running, COHORT_PROC_CPU, failing, &[(bad, COHORT_READ_WRITE, COHORT_EXCLUSIVE)], no_predicate());
            launch(&running, COHORT_PROC_DEVICE, bump, &[(bad, COHORT_READ_WRITE, COHORT_EXCLUSIVE), uses], no_predicate());
        }
        launch(&running, COHORT_PROC_DEVICE, bump, &[uses], no_predicate());
        // Comes after all of them, and fails with one that fails.
        let (count, before) = (host_task(&running, c"count", on_host), ON_HOST.load(Ordering::Relaxed));
        launch(&running, COHORT_PROC_CPU, count, &[(data, COHORT_READ_ONLY, COHORT_EXCLUSIVE)], no_predicate());
        until("the host is between the two", || seen.launches.load(Ordering::Acquire) == 3);
        assert_eq!(seen.waiting_launches.load(Ordering::Relaxed), 1, "coherence {coherence}");
        let asked = || seen.late.lock().unwrap()[0].load(Ordering::Relaxed);
        let enough = asked() + 200;
        until("nobody looks at the first", || asked() > enough);
        assert_eq!(ON_HOST.load(Ordering::Relaxed), before);
        seen.open();
        if coherence == COHORT_ATOMIC {
            running.wait_fails(&["task \"failing\" failed"]);
        }
        running.wait();
        assert_eq!(running.look(data, 0, [3, 3]), 3.0);
        assert_eq!(ON_HOST.load(Ordering::Relaxed) - before, usize::from(coherence == COHORT_EXCLUSIVE));
        ok(unsafe { pr::cohort_predicate_destroy(&mut never) });
    }
}
