#!/usr/bin/env bash
# Installs the Debian packages that are missing for the groups named; without root says which.
# usage: cmake/dependencies.sh [build] [mpi] [mpich] [fortran] [flang] [mini-app] [benches] [python] [tests]   (default: build mpi fortran)
set -euo pipefail

packages_of() {
    case $1 in
        build) echo gcc g++ make cmake pkg-config libc6-dev binutils libhwloc-dev libudev-dev ;;
        mpi) echo libopenmpi-dev openmpi-bin ;;
        mpich) echo libmpich-dev mpich ;;
        fortran) echo gfortran ;;
        flang) echo flang-22 ;;
        mini-app) echo zlib1g-dev ;;
        python) echo python3-numpy python3-mpi4py ;;
        benches) echo libstarpu-dev ;;
        tests) echo python3 python3-venv python3-mypy libclang-dev util-linux valgrind ocl-icd-opencl-dev pocl-opencl-icd ;;
        *) echo "dependencies.sh: unknown group '$1'; groups are build, mpi, mpich, fortran, flang, mini-app, python, benches, tests" >&2; return 2 ;;
    esac
}

update() {
    apt-get -qq -o DPkg::Lock::Timeout=300 update
}

install() {
    if [ "$(id -u)" -ne 0 ]; then
        echo "These Debian packages are missing; install them as root: apt-get install $*" >&2
        exit 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    update
    apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@" >/dev/null
}

[ $# -gt 0 ] || set -- build mpi fortran
wanted=()
for group in "$@"; do
    names=$(packages_of "$group")
    read -ra names <<<"$names"
    wanted+=("${names[@]}")
done

missing=()
for package in "${wanted[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done

if [ ${#missing[@]} -gt 0 ]; then
    install "${missing[@]}"
fi

# Debian 12's own Rust is older than this crate needs; the one that Debian keeps current for its browsers is not.
needed=1.88
new_enough() { [ -n "$1" ] && [ "$(printf '%s\n' "$needed" "$1" | sort -V | head -n1)" = "$needed" ]; }
found() { (rustc --version && cargo --version >/dev/null) 2>/dev/null | cut -d' ' -f2; }
if ! new_enough "$(found)"; then
    [ "$(id -u)" -ne 0 ] || update
    for suffix in '' -web; do
        candidate=$(apt-cache policy "rustc$suffix" | sed -n 's/^ *Candidate: \([0-9.]*\).*/\1/p')
        if new_enough "$candidate"; then
            install "rustc$suffix" "cargo$suffix"
            break
        fi
    done
fi
rust=$(found)
if ! new_enough "$rust"; then
    echo "Rust $needed or newer is needed (found: ${rust:-none}); this Debian has none, so install it with rustup" >&2
    exit 1
fi
