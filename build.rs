//! Compiles the MPI shim with the mpicc chosen at configure time (`MPICC`, else `mpicc`), and names the shared library.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libcohort.so.0");
    if std::env::var_os("CARGO_FEATURE_MPI").is_some() {
        mpi();
    }
}

fn mpi() {
    println!("cargo:rerun-if-changed=src/transport/mpi_shim.c");
    println!("cargo:rerun-if-env-changed=MPICC");
    let mpicc = std::env::var("MPICC").unwrap_or_else(|_| "mpicc".into());
    let mut build = cc::Build::new();
    let mut libraries = Vec::new();
    // `-show` prints the command that the wrapper would run, in Open MPI and in MPICH.
    for word in shown(&mpicc, "-show").split_whitespace() {
        match (word.get(..2), word.get(2..)) {
            (Some("-I"), Some(path)) => drop(build.include(path)),
            (Some("-L"), Some(path)) => println!("cargo:rustc-link-search=native={path}"),
            (Some("-l"), Some(name)) => libraries.push(name.to_string()),
            _ => {}
        }
    }
    build.file("src/transport/mpi_shim.c").warnings(true).extra_warnings(true).compile("cohort_mpi_shim");
    // After the shim, which needs them.
    for name in libraries {
        println!("cargo:rustc-link-lib={name}");
    }
}

fn shown(mpicc: &str, option: &str) -> String {
    let output = Command::new(mpicc).arg(option).output();
    match output {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).into_owned(),
        Ok(output) => panic!("`{mpicc} {option}` failed: {}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => panic!(
            "cannot run `{mpicc}`: {error}. Install an MPI (Debian: libopenmpi-dev or libmpich-dev), name its compiler \
             wrapper in MPICC, or build without MPI (--no-default-features)"
        ),
    }
}
