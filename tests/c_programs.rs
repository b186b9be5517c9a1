//! The C programs of tests/c, compiled against the committed header and the static library, run with 1, 2 and 4 workers. Those for devices
//! run on OpenCL's, or, with 2 workers alone, on CUDA's with COHORT_TEST_DEVICES=cuda.

mod scratch;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Cargo leaves the static library beside the test's own program.
fn library() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    program.parent().unwrap().join("libcohort.a")
}

/// Where the programs keep compiled kernels.
fn cache() -> OsString {
    std::env::var_os("COHORT_CACHE").unwrap_or_else(|| scratch::folder("kernels").into())
}

fn run(name: &str) {
    run_with(name, &[]);
}

/// With an environment besides. What it said on standard error, with any number of workers.
fn run_with(name: &str, environment: &[(&str, &str)]) -> String {
    let mut said = String::new();
    let compiler = if cfg!(feature = "mpi") { std::env::var("MPICC").unwrap_or("mpicc".into()) } else { "cc".into() };
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let compiled = Command::new(&compiler)
        .args(["-std=c99", "-D_POSIX_C_SOURCE=199309L", "-Wall", "-Wextra", "-Werror", "-O2"])
        .arg(format!("-I{ROOT}/include"))
        .arg(format!("{ROOT}/tests/c/{name}.c"))
        .arg(library())
        .args(["-lhwloc", "-lm", "-lpthread", "-ldl", "-o"])
        .arg(&program)
        .output()
        .unwrap();
    assert!(compiled.status.success(), "{name}: {}", String::from_utf8_lossy(&compiled.stderr));
    // What the driver makes different depends little on workers.
    let counts: &[&str] = if environment.contains(&("COHORT_DEVICES", "cuda")) { &["2"] } else { &["1", "2", "4"] };
    for workers in counts {
        let own = [("COHORT_WORKERS", OsString::from(workers)), ("COHORT_CACHE", cache())];
        let output = Command::new("timeout").arg("60").arg(&program).envs(own).envs(environment.iter().copied()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && text.contains("PASSED"), "{name}, {workers} workers: {text}{errors}");
        said += &errors;
    }
    said
}

/// On devices, with an environment besides.
fn run_on_devices(name: &str, environment: &[(&str, &str)]) -> String {
    let driver = std::env::var("COHORT_TEST_DEVICES").unwrap_or("opencl".into());
    run_with(name, &[&[("COHORT_DEVICES", driver.as_str())], environment].concat())
}

const WITHOUT: [(&str, &str); 1] = [("COHORT_DEVICES", "none")];

/// A task that takes long on a slow machine would have the default's refinements asked from then on, and what is replayed asked anew: the
/// programs count.
const UNREFINED: [(&str, &str); 2] = [("COHORT_AFFINITY", "0"), ("COHORT_PRIORITIES", "0")];

/// Two devices of one processor: PoCL's (the driver "basic" beside another locks up) and those of the stand-in for CUDA's driver.
const TWO: [(&str, &str); 2] = [("POCL_DEVICES", "pthread pthread"), ("CUDA_STAND_IN_DEVICES", "2")];

#[test]
fn saxpy_over_a_partition() {
    run("saxpy");
}

/// OpenCL on the CPU, as Debian's PoCL has it, is a device like any other.
#[test]
fn tasks_on_devices() {
    run_with("device_saxpy", &WITHOUT);
    run_on_devices("device_saxpy", &[]);
    run_on_devices("device_tasks", &[]);
    run_on_devices("device_wishes", &[]);
}

/// Nothing is copied as long as no mapper wants that, and the device has no room for what is used in place.
#[test]
fn fields_used_in_place() {
    run_with("device_zero_copy", &WITHOUT);
    for capacity in ["1G", "2048"] {
        let said = run_on_devices("device_zero_copy", &[("COHORT_DEVICE_MEMORY", capacity), ("COHORT_VERBOSE", "1")]);
        let counts: Vec<&str> = said.lines().filter(|line| line.contains("requirements used in place")).collect();
        let nothing = "devices ran 36 tasks and 0 copies; for tasks 0 copies to devices, 0 back, 0 from one to another, 0 evictions, 72 requirements used in place";
        assert!(!counts.is_empty() && counts.len() % 2 == 0, "{said}");
        for (number, count) in counts.iter().enumerate() {
            // The second run of each process has a mapper that wants something on the device.
            assert_eq!(count.contains(nothing), number % 2 == 0 || capacity == "2048", "{said}");
        }
    }
}

#[test]
fn mappers_choose_among_devices_and_memories() {
    run_on_devices("device_sources", &TWO);
}

/// The program writes the file.
#[test]
fn mapping_files_choose_among_devices() {
    let file = scratch::folder("mapping").join("device_mapping.map");
    let said = run_with(
        "device_mapping",
        &[("COHORT_DEVICES", "opencl"), ("POCL_DEVICES", "pthread pthread"), ("COHORT_MAPPING", file.to_str().unwrap())],
    );
    let told = format!("task \"nowhere\": {}:9:10: none of the devices that can run it is meant: ", file.display());
    assert_eq!(said.matches(&told).count(), 3, "{said}");
}

/// Ten fields of 48 x 40 doubles, then down to a tenth of that.
#[test]
fn working_sets_larger_than_the_device() {
    run_with("device_capacity", &WITHOUT);
    run_on_devices("device_capacity", &[]);
    for capacity in ["153600", "76800", "38400", "15360"] {
        run_on_devices("device_capacity", &[("COHORT_DEVICE_MEMORY", capacity)]);
    }
}

/// All that one task contributes at once are 30720 bytes.
#[test]
fn reductions_on_devices() {
    run_with("device_reductions", &WITHOUT);
    run_on_devices("device_reductions", &[]);
    for capacity in ["92160", "40000", "20000"] {
        run_on_devices("device_reductions", &[("COHORT_DEVICE_MEMORY", capacity)]);
    }
}

/// Straight from place to place, where the data and the destination are; and through places that come and go.
#[test]
fn copies_from_and_to_devices() {
    run_with("device_copies", &WITHOUT);
    for capacity in ["1G", "7680", "3840"] {
        run_on_devices("device_copies", &[("COHORT_DEVICE_MEMORY", capacity)]);
    }
    run_on_devices("device_copies", &TWO);
}

/// What a copy and the tasks around it use at once is about 7000 bytes; with less room than that the host copies.
#[test]
fn gathers_and_scatters_on_devices() {
    run_with("device_gathers", &WITHOUT);
    for capacity in ["1G", "14336", "5120"] {
        run_on_devices("device_gathers", &[("COHORT_DEVICE_MEMORY", capacity)]);
    }
    run_on_devices("device_gathers", &TWO);
}

#[test]
fn handshakes_in_a_time_loop() {
    run("handshake");
}

#[test]
fn wrong_calls_say_what_is_wrong() {
    run("errors");
}

#[test]
fn nesting_reductions_futures_and_failures() {
    run("nesting");
}

#[test]
fn copies_gather_and_scatter() {
    run("indirect");
}

#[test]
fn mappers_choose_and_nonsense_is_refused() {
    run("mapper");
}

/// The second time hwloc describes a machine of two NUMA nodes to the library. What is not there cannot be bound to, and is
/// copied to all the same.
#[test]
fn mappers_put_data_into_memories() {
    run_with("memories", &UNREFINED);
    run_with("memories", &[&UNREFINED[..], &[("HWLOC_SYNTHETIC", "numa:2(memory=1073741824) core:128 pu:1"), ("HWLOC_THISSYSTEM", "1")]].concat());
}

/// A machine with two NUMA nodes, as hwloc writes it: the first with 128 processors, the second without, and with four times the bandwidth.
fn with_fast_memory() -> PathBuf {
    let set = |word: &dyn Fn(usize) -> u32| (0..4).rev().map(|at| format!("{:#010x}", word(at))).collect::<Vec<_>>().join(",");
    let all = set(&|_| u32::MAX);
    let sets = |set: &str| format!("cpuset=\"{set}\" complete_cpuset=\"{set}\"");
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE topology SYSTEM \"hwloc2.dtd\">\n<topology version=\"2.0\">\n\
         <object type=\"Machine\" os_index=\"0\" {} allowed_cpuset=\"{all}\" nodeset=\"0x3\" complete_nodeset=\"0x3\" allowed_nodeset=\"0x3\" gp_index=\"1\">\n",
        sets(&all)
    );
    for node in 0..2 {
        let own = format!("nodeset=\"{0:#x}\" complete_nodeset=\"{0:#x}\"", 1 << node);
        text += &format!("<object type=\"NUMANode\" os_index=\"{node}\" {} {own} gp_index=\"{}\" local_memory=\"1073741824\"/>\n", sets(&all), 2 + node);
    }
    for cpu in 0..128 {
        let own = sets(&set(&|at| if at == cpu / 32 { 1 << (cpu % 32) } else { 0 }));
        text += &format!("<object type=\"PU\" os_index=\"{cpu}\" {own} nodeset=\"0x3\" complete_nodeset=\"0x3\" gp_index=\"{}\"/>\n", 4 + cpu);
    }
    text += "</object>\n<memattr name=\"Bandwidth\" flags=\"5\">\n";
    for (node, mebibytes) in [(0, 100_000), (1, 400_000)] {
        text += &format!("<memattr_value target_obj_type=\"NUMANode\" target_obj_gp_index=\"{}\" value=\"{mebibytes}\" initiator_cpuset=\"{all}\"/>\n", 2 + node);
    }
    let path = scratch::folder("machine").join("fast_memory.xml");
    std::fs::write(&path, text + "</memattr>\n</topology>\n").unwrap();
    path
}

/// The default wants what hwloc describes, and goes on without where it is not there.
#[test]
fn storage_prefers_fast_memory() {
    run("fast_memory");
    let machine = with_fast_memory();
    let described = [("HWLOC_XMLFILE", machine.to_str().unwrap()), ("HWLOC_THISSYSTEM", "1"), ("COHORT_VERBOSE", "1")];
    let why = "processors of NUMA node 0 reach 419 GB/s in NUMA node 1 and 105 GB/s in their own";
    let told = |environment: &[(&str, &str)], expected: &dyn Fn(&str) -> &'static [&'static str]| {
        let said = run_with("fast_memory", environment);
        let lines: Vec<&str> = said.lines().filter(|line| line.contains("storage of regions")).collect();
        let is_so = |line: &&str| line.ends_with(why) && expected(&said).iter().any(|one| line.contains(one));
        assert!(lines.len() == 3 && lines.iter().all(is_so), "{said}");
    };
    const OPEN: [&str; 2] =
        ["comes to lie in NUMA node 1 as long as there is room: ", "does not prefer NUMA node 1: no memory can be had from NUMA node 1: "];
    const HELD: [&str; 1] = ["does not prefer NUMA node 1: the process was started with a memory policy (numactl), which holds; "];
    told(&described, &|_| &OPEN);
    let with_policy = [&described[..], &[("OWN_POLICY", "1")]].concat();
    told(&with_policy, &|said| if said.contains("no policy can be set") { &OPEN } else { &HELD });
}

#[test]
fn mappers_order_tune_and_run_inline() {
    run("mapper_context");
}

#[test]
fn the_default_mapper_cares_about_tasks_that_take_long() {
    run("long_tasks");
    run_with("long_tasks", &[("COHORT_AFFINITY", "0")]);
}

#[test]
fn answers_of_mappers_are_replayed() {
    run_with("replay", &UNREFINED);
}

#[test]
fn tasks_that_wait_for_the_tasks_they_launched() {
    run("waiting");
}

#[test]
fn the_program_and_tasks_that_map_data_inline() {
    run("inline");
}

#[test]
fn tasks_that_take_turns_in_any_order() {
    run("coherence");
}

#[test]
fn what_the_machine_is_asked() {
    run("machine");
}

#[test]
fn points_get_sub_regions_by_projection() {
    run("projections");
}

#[test]
fn tasks_of_the_mpi_thread_run_there() {
    run("mpi_thread");
}

#[test]
fn regions_and_tasks_with_layouts() {
    run("layouts");
}

#[test]
fn reductions_of_the_programs_own() {
    run("reductions");
}

#[test]
fn futures_of_points_and_predicates() {
    run("future_maps");
}

#[test]
fn points_that_run_at_once() {
    run("concurrent");
}

#[test]
fn tasks_that_launch_themselves() {
    run("recursion");
}

#[test]
fn index_launches_that_cannot_go_on() {
    run("broken_off");
}

#[test]
fn programs_that_use_up_all_memory() {
    run("memory");
    run("memory_sets");
}

#[test]
fn devices_without_memory_for_sets_of_points() {
    run_on_devices("device_memory", &[]);
}
