//! The Fortran module has everything that the C header has: functions, constants, and structs with the same names in order
//! (their types are compared in fortran_interfaces.rs). And both describe every function that users call. No line of Fortran is
//! longer than the standard allows.

use std::collections::BTreeSet;
use std::path::Path;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Functions that the Fortran module has no use for, and why.
const ONLY_IN_C: &[(&str, &str)] = &[
    ("cohort_init", "inline: passes the header's COHORT_ABI; the module passes its own"),
    ("cohort_init_mpi", "inline, as cohort_init"),
    ("cohort_halo_create_cart", "inline: turns a C communicator into a Fortran one"),
    ("cohort_init_communicator", "says which MPI the caller was compiled for; the module uses cohort_init_fortran"),
    ("cohort_task_args", "gives a pointer; the module copies into a variable"),
    ("cohort_task_future", "gives a pointer; the module copies into a variable"),
    ("cohort_collective_arrive", "trusts the value's size; the module uses cohort_collective_arrive_bytes"),
    ("cohort_check_abi", "the module's own cohort_init asks"),
    ("cohort_attach", "takes strides; the module passes the array's descriptor"),
    ("cohort_attach_array", "called from cohort_descriptor.c, which reads the descriptor"),
];

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Code without comments.
fn without_comments(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("/*") {
        code += &rest[..start];
        rest = rest[start..].split_once("*/").map_or("", |(_, after)| after);
    }
    code + rest
}

/// Names of the functions that a header declares.
fn c_functions(header: &str) -> BTreeSet<String> {
    let code = without_comments(header);
    let mut found = BTreeSet::new();
    for statement in code.split([';', '{', '}']).filter(|s| !s.contains("typedef")) {
        let Some((before, _)) = statement.split_once('(') else { continue };
        let Some(name) = before.split_whitespace().last().map(|name| name.trim_start_matches('*')) else { continue };
        let declares = before.lines().last().is_some_and(|line| line.split_whitespace().count() > 1 && !line.starts_with([' ', '#']));
        if name.starts_with("cohort_") && declares {
            found.insert(name.to_string());
        }
    }
    found
}

#[test]
fn every_function_is_bound() {
    let module = read("fortran/cohort_c.f90") + &read("fortran/cohort_c_tasks.f90");
    let bound: BTreeSet<&str> = module.split("bind(C, name=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let functions = c_functions(&read("include/cohort.h"));
    assert!(functions.len() > 80, "{} functions found", functions.len());
    for name in &functions {
        let excused = ONLY_IN_C.iter().any(|(other, _)| other == name);
        match bound.contains(name.as_str()) {
            true => assert!(!excused, "{name} is said to be only in C, and is bound"),
            false => assert!(excused, "{name} is missing in fortran/cohort_c*.f90; bind it, or say in ONLY_IN_C why not"),
        }
    }
}

#[test]
fn constants_are_equal() {
    let types = read("fortran/cohort_types.f90").replace("&\n", " ");
    let mut compared = 0;
    for line in read("include/cohort.h").lines().filter_map(|line| line.strip_prefix("#define ")) {
        let Some((name, value)) = line.split_once(' ') else { continue };
        if value.parse::<i32>().is_err() || name == "COHORT_VERSION" {
            continue;
        }
        let at = types.find(&format!("{name} = ")).unwrap_or_else(|| panic!("{name} is not in cohort_types.f90"));
        let number: String = types[at + name.len() + 3..].chars().take_while(char::is_ascii_digit).collect();
        assert_eq!(number, value, "{name}");
        compared += 1;
    }
    assert!(compared > 40);
}

/// Names of a struct's fields in order.
fn c_fields(code: &str, name: &str) -> Vec<String> {
    let end = code.find(&format!("}} {name};")).unwrap_or_else(|| panic!("{name} is not in cohort.h"));
    let start = code[..end].rfind('{').unwrap();
    code[start + 1..end].split(';').map(str::trim).filter(|f| !f.is_empty()).map(|field| {
        field.split_whitespace().last().unwrap().trim_start_matches('*').split('[').next().unwrap().to_string()
    }).collect()
}

fn fortran_fields(types: &str, name: &str) -> Vec<String> {
    let start = types.find(&format!(":: {name}\n")).unwrap_or_else(|| panic!("{name} is not in cohort_types.f90"));
    let body = types[start..].split_once('\n').unwrap().1.split_once("end type").unwrap().0;
    let mut names = Vec::new();
    for line in body.lines().filter_map(|line| line.split_once("::")) {
        // Commas inside parentheses separate bounds, not names.
        let mut depth = 0;
        let outside: String = line.1.chars().filter(|&c| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            depth == 0 && c != ')'
        }).collect();
        names.extend(outside.split(',').map(|n| n.split('=').next().unwrap().trim().to_string()));
    }
    names
}

#[test]
fn structs_have_the_same_fields_in_order() {
    let header = without_comments(&read("include/cohort.h"));
    let types = read("fortran/cohort_types.f90");
    for (c, fortran) in [
        ("cohort_config_t", "cohort_config"),
        ("cohort_view_t", "cohort_view_layout"),
        ("cohort_kernel_t", "cohort_kernel_c"),
        ("cohort_device_t", "cohort_device"),
        ("cohort_device_view_t", "cohort_device_view"),
        ("cohort_requirement_t", "cohort_requirement_c"),
        ("cohort_launch_t", "cohort_launch_c"),
        ("cohort_copy_t", "cohort_copy_c"),
        ("cohort_layout_t", "cohort_layout"),
        ("cohort_copied_t", "cohort_copied_c"),
        ("cohort_sync_t", "cohort_sync_c"),
        ("cohort_halo_options_t", "cohort_halo_options_c"),
        ("cohort_processor_info_t", "cohort_processor_info"),
        ("cohort_memory_info_t", "cohort_memory_info"),
        ("cohort_affinity_t", "cohort_affinity"),
        ("cohort_rank_info_t", "cohort_rank_info"),
        ("cohort_phase_barrier_t", "cohort_phase_barrier"),
        ("cohort_collective_t", "cohort_collective"),
        ("cohort_ghost_t", "cohort_ghost"),
    ] {
        assert_eq!(c_fields(&header, c), fortran_fields(&types, fortran), "{c} and {fortran}");
    }
}

#[test]
fn every_function_of_the_headers_is_described() {
    let mut missing = Vec::new();
    for header in ["include/cohort.h", "include/cohort_mpi.h"] {
        let text = read(header);
        for name in &c_functions(&text) {
            let at = text.match_indices(&format!("{name}(")).map(|(at, _)| at).find(|&at| {
                let line = text[..at].rfind('\n').map_or(0, |n| n + 1);
                text[line..at].contains(' ') && !text[line..].starts_with(' ')
            });
            let before = text[..at.unwrap_or_else(|| panic!("{name} is not declared"))].rsplit_once('\n').unwrap().0;
            if !before.trim_end().ends_with("*/") {
                missing.push(name.clone());
            }
        }
    }
    assert!(missing.is_empty(), "no description: {missing:?}");
}

/// Procedures and interfaces that `use cohort` gives are preceded by a `!>` comment.
#[test]
fn every_procedure_of_the_module_is_described() {
    let public = read("fortran/cohort.F90").replace("&\n", " ");
    let names: Vec<String> = public
        .lines()
        .filter_map(|line| line.trim().strip_prefix("public :: "))
        .flat_map(|list| list.split(',').map(|name| name.trim().to_string()).collect::<Vec<_>>())
        .collect();
    let folder = std::fs::read_dir(Path::new(ROOT).join("fortran")).unwrap().map(|entry| entry.unwrap().path());
    let is_source = |path: &std::path::PathBuf| path.extension().is_some_and(|e| e == "f90" || e == "F90") && !path.ends_with("cohort_c.f90");
    let sources: Vec<String> = folder.filter(is_source).map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let mut missing = Vec::new();
    let mut described = 0;
    for name in names.iter().filter(|name| name.starts_with("cohort_")) {
        let begins = |line: &str| {
            let line = line.trim().trim_start_matches("recursive ").trim_start_matches("pure ");
            ["subroutine ", "function ", "interface ", "type, bind(C) :: ", "type :: "]
                .iter()
                .any(|word| line.strip_prefix(word).is_some_and(|rest| rest == name || rest.starts_with(&format!("{name}("))))
        };
        let place = sources.iter().find_map(|text| {
            let lines: Vec<&str> = text.lines().collect();
            let at = lines.iter().position(|line| begins(line))?;
            Some(lines[..at].iter().rev().find(|line| !line.trim_start().starts_with("abstract interface")).is_some_and(|line| line.trim().starts_with("!>")))
        });
        match place {
            Some(true) => described += 1,
            Some(false) => missing.push(name.clone()),
            None => panic!("{name} is public and not found"),
        }
    }
    // Handles are described together.
    missing.retain(|name| !["runtime", "context", "index_space", "field_space", "region", "partition", "task", "future", "handshake", "halo", "mapping"].contains(&name.trim_start_matches("cohort_")));
    assert!(missing.is_empty(), "no description: {missing:?}");
    assert!(described > 60, "{described}");
}

/// gfortran keeps the length of such a result in a static variable of the caller, where threads that call at the same time overwrite
/// it: a text then has the length of another.
#[test]
fn no_function_has_a_result_of_deferred_length() {
    let mut functions = 0;
    for entry in std::fs::read_dir(Path::new(ROOT).join("fortran")).unwrap() {
        let path = entry.unwrap().path();
        let source = std::fs::read_to_string(&path).unwrap();
        let mut result = String::new();
        for line in source.lines().map(str::trim) {
            if let Some((_, name)) = line.split_once("result(").filter(|_| line.contains("function ")) {
                result = name.trim_end_matches(')').to_string();
                functions += 1;
            }
            let deferred = line.starts_with("character(len=:)") && line.ends_with(&format!(":: {result}"));
            assert!(result.is_empty() || !deferred, "{}: {line}", path.display());
            if line.starts_with("end function") {
                result.clear();
            }
        }
    }
    assert!(functions > 30, "{functions} functions found");
}

/// Free form has 132 characters in a line, comments too (Fortran 2018, 6.3.2.1); compilers cut what is longer, with a warning at most.
#[test]
fn no_line_is_longer_than_the_standard_allows() {
    const FOLDERS: [&str; 11] = [
        "fortran",
        "c-examples",
        "tests/fortran",
        "tests/consumer",
        "tests/directives",
        "benches/peers",
        "s3d-mini/checks",
        "s3d-mini/device",
        "s3d-mini/driver",
        "s3d-mini/kernels",
        "s3d-mini/tests",
    ];
    let mut lines = 0;
    for folder in FOLDERS {
        for entry in std::fs::read_dir(Path::new(ROOT).join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if !["f90", "F90", "cuf", "inc"].iter().any(|fortran| path.extension().is_some_and(|extension| extension == *fortran)) {
                continue;
            }
            for (number, line) in std::fs::read_to_string(&path).unwrap().lines().enumerate() {
                assert!(line.chars().count() <= 132, "{}:{}", path.display(), number + 1);
                lines += 1;
            }
        }
    }
    assert!(lines > 1000, "{lines} lines found");
}
