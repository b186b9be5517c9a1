//! include/cohort.h is what src/ffi says, and compiles without a warning as C99 and as C++17. tests/abi/bindings.rs is what
//! bindgen reads in it: the type of every function, the value of every constant, the size of every struct and the place of
//! every field. A difference there is one that programs compiled earlier would feel: it changes COHORT_ABI (src/ffi/abi.rs,
//! fortran/cohort_types.f90), by which they are told. python/cohort/abi.py is the same for Python's ctypes.
//! `COHORT_UPDATE_HEADERS=1 cargo test --test headers` writes all of them anew.

#[path = "abi/number.rs"]
mod number;
#[path = "abi/python.rs"]
mod python;
#[path = "abi/reading.rs"]
mod reading;
mod scratch;

use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn is_update() -> bool {
    std::env::var_os("COHORT_UPDATE_HEADERS").is_some()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(format!("{ROOT}/{path}")).unwrap_or_default()
}

fn write(path: &str, text: &str) {
    std::fs::write(format!("{ROOT}/{path}"), text).unwrap();
}

/// The header, the first time after COHORT_ABI, which is in it, was written anew if that was asked for.
fn generated() -> String {
    static NUMBER: LazyLock<()> = LazyLock::new(|| {
        if is_update() {
            let source = current_number();
            let types = read("fortran/cohort_types.f90");
            let (head, rest) = types.split_once("COHORT_ABI = ").unwrap();
            let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            write("fortran/cohort_types.f90", &format!("{head}COHORT_ABI = {}{rest}", number::numbers(&source).last().unwrap()));
            write("src/ffi/abi.rs", &source);
        }
    });
    LazyLock::force(&NUMBER);
    header()
}

/// src/ffi/abi.rs for the declarations as they are.
fn current_number() -> String {
    let (before, now) = (number::declarations(&read("tests/abi/bindings.rs")), number::declarations(&bindings(&header())));
    number::source(&number::served(&number::numbers(&read("src/ffi/abi.rs")), &before, &now))
}

fn header() -> String {
    let config = cbindgen::Config::from_file(format!("{ROOT}/cbindgen.toml")).expect("cbindgen.toml is well formed");
    // The sections are found through the module's own `mod` lines.
    let builder = cbindgen::Builder::new().with_config(config).with_src(format!("{ROOT}/src/ffi/mod.rs"));
    let mut text = Vec::new();
    builder.generate().expect("src/ffi is a C interface").write(&mut text);
    String::from_utf8(text).unwrap()
}

/// Bindgen's reading of a header with this text.
fn bindings(header: &str) -> String {
    let builder = bindgen::builder().header_contents("cohort.h", header).allowlist_item("(?i)cohort_.*");
    let builder = builder.default_macro_constant_type(bindgen::MacroTypeVariation::Signed);
    let builder = builder.generate_comments(false).use_core().layout_tests(true);
    builder.generate().expect("bindgen reads the header").to_string()
}

/// What is committed at `path`, written anew first when that was asked for.
fn committed(path: &str, current: &str) -> String {
    if is_update() {
        write(path, current);
    }
    read(path)
}

#[test]
fn the_number_of_the_interface_is_that_of_its_declarations() {
    generated();
    assert!(
        read("src/ffi/abi.rs") == current_number(),
        "declarations have changed and COHORT_ABI has not, so that programs compiled before would not be told: \
         COHORT_UPDATE_HEADERS=1 cargo test --test headers"
    );
}

#[test]
fn any_change_of_a_declaration_is_another_number_and_additions_keep_the_old_ones() {
    let text = bindings(&header());
    let now = number::declarations(&text);
    let served = |changed: &str| number::served(&[7, number::number(&now)], &now, &number::declarations(changed));
    assert_eq!(served(&text), [7, number::number(&now)]);
    let version = text.replace("COHORT_VERSION: i32 = ", "COHORT_VERSION: i32 = 1");
    assert_eq!(served(&version), served(&text));

    let added = format!("{text}\npub const COHORT_NEW: i32 = 1;\nextern \"C\" {{\n    pub fn cohort_new() -> cohort_status_t;\n}}\n");
    let with_added = served(&added);
    assert_eq!(with_added[..2], [7, number::number(&now)]);
    assert_eq!(with_added.len(), 3);
    let merged = number::served(&[7, 8], &now, &now);
    assert_eq!(merged, [number::number(&now)]);

    for (from, to) in [
        // Another member, another type of one, another argument, another value, a function that is gone.
        ("pub scatter_field: cohort_field_t,", "pub scatter_field: cohort_field_t, pub more: i32,"),
        ("pub scatter_field: cohort_field_t,", "pub scatter_field: i64,"),
        ("pub fn cohort_rank(", "pub fn cohort_rank(more: i32, "),
        ("pub const COHORT_READ_WRITE: i32 = 2;", "pub const COHORT_READ_WRITE: i32 = 5;"),
        ("pub fn cohort_rank(", "pub fn cohort_place("),
    ] {
        assert!(text.contains(from), "{from}");
        let changed = served(&text.replace(from, to));
        assert!(changed.len() == 1 && changed[0] != number::number(&now), "{from}: {changed:?}");
    }
}

#[test]
fn the_committed_header_is_current() {
    let text = generated();
    let header = committed("include/cohort.h", &text);
    assert!(header == text, "include/cohort.h is out of date: COHORT_UPDATE_HEADERS=1 cargo test --test headers");
}

#[test]
fn the_binary_interface_is_the_committed_one() {
    let current = bindings(&generated());
    let before = committed("tests/abi/bindings.rs", &current);
    let gone: Vec<&str> = before.lines().filter(|line| !current.contains(line.trim())).collect();
    assert!(
        before == current,
        "the binary interface is not that of tests/abi/bindings.rs; gone: {gone:#?}\n\
         Programs compiled before may break: if these were in a release, say so in CHANGELOG.md and raise the version; \
         then COHORT_UPDATE_HEADERS=1 cargo test --test headers"
    );
}

#[test]
fn the_declarations_of_python_are_the_binary_interface() {
    let header = generated();
    let text = python::declarations(&header, &bindings(&header));
    let declared = committed("python/cohort/abi.py", &text);
    assert!(declared == text, "python/cohort/abi.py is out of date: COHORT_UPDATE_HEADERS=1 cargo test --test headers");
}

#[test]
fn python_lays_structs_out_as_the_compiler_does() {
    let header = generated();
    let folder = scratch::folder("python");
    std::fs::write(folder.join("abi.py"), python::declarations(&header, &bindings(&header))).unwrap();
    std::fs::write(folder.join("checks.py"), python::layout_checks(&bindings(&header))).unwrap();
    let output = Command::new("python3").arg(folder.join("checks.py")).output().expect("python3 runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "agree\n", "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn headers_compile_as_c99_and_cxx17_without_warnings() {
    let folder = scratch::folder("headers");
    let mut headers = vec!["cohort.h"];
    if cfg!(feature = "mpi") {
        headers.push("cohort_mpi.h");
    }
    for header in headers {
        let wrapper = |c: &str, mpi: &str| if header == "cohort.h" { c.to_string() } else { mpi.to_string() };
        for (compiler, standard, suffix) in [(wrapper("cc", "mpicc"), "c99", "c"), (wrapper("c++", "mpicxx"), "c++17", "cc")] {
            let source = folder.join(format!("use.{suffix}"));
            // Twice, as happens through other headers, and with the initialisers used.
            let program = format!(
                "#include <{header}>\n#include <{header}>\n\
                 int main(void) {{ cohort_config_t config = COHORT_CONFIG_INIT; cohort_launch_t launch = COHORT_LAUNCH_INIT;\n\
                 return config.size == launch.size; }}\n"
            );
            std::fs::write(&source, program).unwrap();
            let output = Command::new(&compiler)
                .args([&format!("-std={standard}"), "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"])
                // MPI's C++ headers of old are not ours to mend.
                .args(["-DOMPI_SKIP_MPICXX", "-DMPICH_SKIP_MPICXX", &format!("-I{ROOT}/include")])
                .arg(Path::new(&source))
                .output()
                .unwrap();
            assert!(output.status.success(), "{compiler} {header}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
}
