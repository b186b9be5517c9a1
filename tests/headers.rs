//! include/cohort.h is what src/ffi says, and compiles without a warning as C99 and as C++17. tests/abi/bindings.rs is what
//! bindgen reads in it: the type of every function, the value of every constant, the size of every struct and the place of
//! every field. A difference there is one that programs compiled earlier would feel.
//! python/cohort/abi.py is the same for Python's ctypes.
//! `COHORT_UPDATE_HEADERS=1 cargo test --test headers` writes all three anew.

#[path = "abi/python.rs"]
mod python;
#[path = "abi/reading.rs"]
mod reading;

use std::path::Path;
use std::process::Command;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn generated() -> String {
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
    let path = format!("{ROOT}/{path}");
    if std::env::var_os("COHORT_UPDATE_HEADERS").is_some() {
        std::fs::write(&path, current).unwrap();
    }
    std::fs::read_to_string(&path).unwrap_or_default()
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
    let folder = std::env::temp_dir().join(format!("cohort-abi-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("abi.py"), python::declarations(&header, &bindings(&header))).unwrap();
    std::fs::write(folder.join("checks.py"), python::layout_checks(&bindings(&header))).unwrap();
    let output = Command::new("python3").arg(folder.join("checks.py")).output().expect("python3 runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "agree\n", "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn headers_compile_as_c99_and_cxx17_without_warnings() {
    let folder = std::env::temp_dir().join(format!("cohort-headers-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
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
    std::fs::remove_dir_all(&folder).unwrap();
}
