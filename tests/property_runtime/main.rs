//! Random programs through the whole runtime against their sequential execution. Each runs in the library as its C interface
//! offers it, with 1 to 4 workers, and must give, bit for bit, what its tasks give one after another in program order.
//! Half of them run under a mapper that chooses at random. Further programs run on two devices besides, and in further ones each task waits for no more and no fewer of the others than a comparison of all pairs says.
//!
//! Programs run in child processes, so that one which crashes or hangs can be made smaller as well: what is printed is the
//! smallest program found that still fails. For longer runs set `COHORT_TEST_PROGRAMS` (how many) and `COHORT_TEST_FIRST`
//! (the first seed), and for one program `COHORT_TEST_PROGRAMS=1`.

mod arrays;
mod bodies;
mod coverage;
mod devices;
mod execute;
mod gates;
mod generate;
mod kernel;
mod launches;
mod layouts;
mod leave_out;
mod mapper;
mod numbers;
mod plan;
mod program;
mod registered;
mod rules;
#[path = "../scratch/mod.rs"]
mod scratch;
mod sequential;
mod show;
mod shrink;
mod terms;

use cohort::operation::devices::Done;
use generate::Aim;
use std::collections::{BTreeMap, HashSet};

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is {text}; give a whole number")))
}

/// Runs a program; what differs.
fn run(aim: Aim, program: &program::Program) -> Vec<String> {
    match aim.watches() {
        false => execute::differences(program, &sequential::run(program)),
        true => gates::differences(program),
    }
}

/// What the programs print.
fn check(aim: Aim, usual: u64) -> String {
    let first = variable("COHORT_TEST_FIRST").unwrap_or(0);
    let programs = variable("COHORT_TEST_PROGRAMS").unwrap_or(usual);
    shrink::run_apart(aim, first..first + programs).unwrap_or_else(|failed| panic!("{}", shrink::smallest(aim, failed)))
}

#[test]
fn random_programs_do_what_they_do_one_task_after_another() {
    check(Aim::Results, 10_000);
}

/// That devices did this at least ten times, if all programs ran, is in what they print.
fn check_counts(output: &str, what: impl Iterator<Item = Done>) {
    for done in what {
        let counted = output.lines().find_map(|line| line.strip_prefix(&format!("{done:?}: "))?.parse::<u64>().ok());
        println!("{done:?}: {counted:?}");
        assert!(counted >= variable("COHORT_TEST_PROGRAMS").is_none().then_some(10), "{done:?} on devices: {counted:?} in all programs");
    }
}

/// The same with devices, which do all that they are there for. Few copies with indirection find most of their data on a device; they have
/// random programs of their own, tests/c/device_gathers.c.
#[test]
fn random_programs_with_devices_do_what_they_do_on_the_host() {
    check_counts(&check(Aim::Devices, 1000), devices::DID.iter().map(|(done, _)| *done).filter(|done| !matches!(done, Done::Indirect)));
}

#[test]
fn no_dependence_is_missing_and_none_invented() {
    check(Aim::Dependences, 2000);
}

/// Nor one of a task on a device, with whatever is copied for it. Tasks are too many for one here and there that runs on the host after all.
#[test]
fn no_dependence_on_devices_is_missing_and_none_invented() {
    check_counts(&check(Aim::DeviceDependences, 400), [Done::Task, Done::Reduction, Done::CopyHome, Done::CopyAcross].into_iter());
}

#[test]
fn every_operation_is_among_the_programs() {
    for (aim, programs) in [(Aim::Results, 400), (Aim::Dependences, 400)] {
        let mut counts = BTreeMap::new();
        (0..programs).for_each(|seed| coverage::count(&generate::program(aim, seed), &mut counts));
        println!("{aim:?}: {counts:#?}");
        // Those who compute nothing know no order but that of dependences.
        let not_watched = ["chains", "turns", "must epochs", "arrays of sub-regions", "reductions of future maps", "copies that fail on names elsewhere"];
        for (what, count) in counts.into_iter().filter(|(what, _)| aim == Aim::Results || !not_watched.contains(what)) {
            assert!(count >= 5, "{aim:?}: only {count} {what} in {programs} programs");
        }
    }
}

/// What the child processes of the tests above run.
#[test]
#[ignore = "a part of the tests above"]
fn part() {
    let Some((aim, seeds)) = shrink::seeds_of_part() else { return };
    // Two NUMA nodes to choose from, of which one may be there: data is copied as if it went to the other.
    std::env::set_var("HWLOC_SYNTHETIC", "numa:2(memory=1073741824) core:128 pu:1");
    std::env::set_var("HWLOC_THISSYSTEM", "1");
    if aim.has_devices() {
        // Before any driver is loaded.
        std::env::set_var(devices::DRIVERS.0, devices::DRIVERS.1);
    }
    for (seed, removed) in seeds {
        let removed: HashSet<u32> = removed;
        let program = generate::program(aim, seed).without(&removed);
        shrink::report_progress(seed);
        let wrong = run(aim, &program);
        if !wrong.is_empty() {
            println!("{program}");
            wrong.iter().take(8).for_each(|line| println!("wrong: {line}"));
            std::process::exit(1);
        }
    }
    // The harness has begun a line.
    println!();
    devices::DID.iter().for_each(|(done, count)| println!("{done:?}: {}", count.load(std::sync::atomic::Ordering::Relaxed)));
}
