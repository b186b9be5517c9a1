//! What the watchdog says of a device that does not come to an end: what it is at, and for how long. The program that stands still is a process of
//! its own, which goes on when it is told to.

use super::*;
use std::io::{stdin, BufRead, BufReader, Write};
use std::process::{Command, Stdio};

#[test]
fn the_watchdog_says_what_a_device_is_at() {
    let mut child = Command::new("timeout")
        .arg("120")
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", "standstill::program"])
        .envs([("COHORT_TEST_STANDSTILL", "1"), ("COHORT_WATCHDOG", "0.1")])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut goes_on, mut said) = (child.stdin.take().unwrap(), BufReader::new(child.stderr.take().unwrap()).lines());
    let mut all = Vec::new();
    for parts in [
        &["the compilation of kernel \"slow\" for device 1 (", "has taken "][..],
        &["the task \"late\" has been under way on device 1 (", "and 2 more operations there"],
        &["the task \"see\" has waited for data from device 1 ("],
        &["the driver of device 1 (", "has been at the task \"held\" for "],
    ] {
        loop {
            let line = said.next().unwrap_or_else(|| panic!("it ended before it said {parts:?}: {all:#?}")).unwrap();
            let is_said = parts.iter().all(|part| line.contains(part));
            all.push(line);
            if is_said {
                break;
            }
        }
        goes_on.write_all(b"\n").unwrap();
    }
    all.extend(said.map(|line| line.unwrap()));
    assert!(child.wait().unwrap().success(), "{all:#?}");
    // A standstill is no failure.
    assert!(!all.iter().any(|line| line.contains("fail") || line.contains("error")), "{all:#?}");
}

#[test]
#[ignore = "stands still until it is told to go on; a part of the test above"]
fn program() {
    if std::env::var_os("COHORT_TEST_STANDSTILL").is_none() {
        return;
    }
    // The first has no room.
    let first = discover(&Wanted { capacity: Some(64 << 10), ..drivers::wanted("first") }).unwrap().devices.remove(0);
    let (device, seen) = Watched::open();
    let running = Running::with(vec![first, device]);
    let [slow, late, later, held, see] = ["slow", "late", "later", "held", "see"].map(|name| running.nothing(name));
    let (region, fields) = running.region(&[100, 100], 1);
    let go_on = || {
        stdin().read_line(&mut String::new()).unwrap();
        seen.open();
        running.wait();
        seen.close();
    };
    let on_device = |task| running.launch_on(COHORT_PROC_DEVICE, task, (region, &fields, COHORT_READ_ONLY));
    on_device(slow);
    go_on();
    [late, later, later].into_iter().for_each(on_device);
    go_on();
    running.launch(see, region, &fields);
    running.wait();
    seen.late_copies.store(true, Ordering::Relaxed);
    running.launch_on(COHORT_PROC_CPU, see, (region, &fields, COHORT_READ_ONLY));
    go_on();
    on_device(held);
    go_on();
}

#[test]
fn a_device_moves_while_one_of_its_tasks_does_not() {
    let (running, seen) = Running::watched();
    let (bump, late) = (running.bumps("bump"), running.nothing("late"));
    let [(region, fields), (other, _)] = [(); 2].map(|()| running.region(&[10, 10], 1));
    running.launch(bump, other, &fields);
    running.launch(late, region, &fields);
    let activity = &cohort::runtime::current().unwrap().engine.activity;
    until("it does not run", || !seen.late.lock().unwrap().is_empty() && activity.running() > 0);
    for _ in 0..10 {
        let before = activity.moved();
        running.launch(bump, other, &fields);
        until("nothing moves", || activity.moved() > before);
        assert_eq!((activity.running(), activity.running_on_host()), (1, 0));
    }
    seen.open();
    running.wait();
}

#[test]
fn a_device_is_active_while_a_kernel_is_compiled_for_it_or_data_comes_from_it() {
    let (running, seen) = Running::watched();
    let (bump, slow) = (running.bumps("bump"), running.bumps("slow"));
    let (region, fields) = running.region(&[10, 10], 1);
    let activity = &cohort::runtime::current().unwrap().engine.activity;
    let is_alone = || (activity.running(), activity.running_on_host()) == (1, 0);
    assert!(!is_alone());
    running.launch(slow, region, &fields);
    until("nothing is active while a kernel is compiled", is_alone);
    seen.open();
    running.wait();
    until("it stays active", || activity.running() == 0);
    seen.close();
    seen.late_copies.store(true, Ordering::Relaxed);
    running.launch_on(COHORT_PROC_CPU, bump, (region, &fields, COHORT_READ_ONLY));
    until("nothing is active while data comes", is_alone);
    seen.open();
    running.wait();
}
