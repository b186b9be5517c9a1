//! include/cohort.h is what src/ffi says, and compiles without a warning as C99 and as C++17.
//! `COHORT_UPDATE_HEADERS=1 cargo test --test headers` writes it anew.

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

#[test]
fn the_committed_header_is_current() {
    let path = format!("{ROOT}/include/cohort.h");
    let text = generated();
    if std::env::var_os("COHORT_UPDATE_HEADERS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == text, "include/cohort.h is out of date: COHORT_UPDATE_HEADERS=1 cargo test --test headers");
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
