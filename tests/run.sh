#!/usr/bin/env bash
# Installs what is missing, builds everything, runs all tests, and closes with `N passed, N failed`.
# usage: tests/run.sh [BUILD-FOLDER]   (default: build-tests in the repository)
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
build=${1:-$root/build-tests}
prefix=$build/prefix
cd "$root" || exit 1
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
passed=0
failed=0

section() { printf '\n== %s\n' "$*"; }

check() { # check NAME COMMAND...: one test; its output shows only when it fails
    local name=$1 output
    shift
    if output=$(timeout 600 "$@" 2>&1); then
        echo "ok $name"
        passed=$((passed + 1))
    else
        echo "FAILED $name"
        printf '%s\n' "$output" | tail -n 40
        failed=$((failed + 1))
    fi
}

count() { # count COMMAND...: many tests, counted by cargo's summaries or by lines that begin with ok and FAILED
    local output status=0 good bad
    output=$(timeout 1500 "$@" 2>&1) || status=$?
    read -r good bad < <(printf '%s\n' "$output" | awk '
        /^test result:/ { good += $4; bad += $6 }
        /^ok / { good++ }
        /^FAILED / { bad++ }
        END { print good + 0, bad + 0 }')
    # A command that fails without a failed test did not come to its tests, and none at all is no success.
    if [ "$bad" -eq 0 ] && { [ "$status" -ne 0 ] || [ "$good" -eq 0 ]; }; then
        bad=1
    fi
    if [ "$bad" -gt 0 ]; then
        printf '%s\n' "$output" | tail -n 80
    fi
    echo "$good passed, $bad failed: $*"
    passed=$((passed + good))
    failed=$((failed + bad))
}

check_ctest() { # check_ctest FOLDER: each test of a CMake build
    local name names
    names=$(ctest --test-dir "$1" --show-only 2>/dev/null | awk '/Test +#/ { print $3 }')
    check "tests in $(basename "$1")" test -n "$names"
    for name in $names; do
        check "$name" ctest --test-dir "$1" --output-on-failure --tests-regex "^${name//./\\.}\$"
    done
}

section "Packages"
if ! "$root/cmake/dependencies.sh" build mpi mpich fortran flang mini-app tests; then
    echo "0 passed, 1 failed"
    exit 1
fi

section "Rust: unit, property, layer and header tests"
count cargo test --locked --no-fail-fast
count cargo test --locked --no-default-features --lib

section "Rust: models of the concurrent parts, every interleaving"
count env RUSTFLAGS="--cfg loom" LOOM_MAX_PREEMPTIONS=3 cargo test --locked --release --lib --target-dir "$build/loom" model

section "Build and install"
check "configure" cmake -S "$root" -B "$build/cmake" -DCMAKE_INSTALL_PREFIX="$prefix"
check "build" cmake --build "$build/cmake"
check "install" cmake --install "$build/cmake"
check "configure for MPICH" cmake -S "$root" -B "$build/cmake-mpich" -DCMAKE_INSTALL_PREFIX="$build/prefix-mpich" \
    -DMPI_C_COMPILER=mpicc.mpich -DMPI_Fortran_COMPILER=mpifort.mpich
check "build for MPICH" cmake --build "$build/cmake-mpich"
check "install for MPICH" cmake --install "$build/cmake-mpich"
check "configure without MPI, with flang" cmake -S "$root" -B "$build/cmake-alone" -DCMAKE_INSTALL_PREFIX="$build/prefix-alone" \
    -DCOHORT_WITH_MPI=OFF -DCMAKE_Fortran_COMPILER=flang-22
check "build without MPI, with flang" cmake --build "$build/cmake-alone"
check "install without MPI" cmake --install "$build/cmake-alone"

section "The installed package, as users consume it"
count "$root/tests/consumer/run.sh" "$prefix" "$build/consumer" openmpi
count "$root/tests/consumer/run.sh" "$build/prefix-mpich" "$build/consumer-mpich" mpich
count "$root/tests/consumer/flang.sh" "$prefix" "$build/prefix-mpich" "$build/prefix-alone" "$build/flang"
count "$root/tests/consumer/mixture.sh" "$prefix" "$build/prefix-mpich" "$build/mixture"

section "Examples, against the installed package"
check "configure the examples" cmake -S "$root/c-examples" -B "$build/examples" -DCMAKE_PREFIX_PATH="$prefix" \
    -DMPIEXEC_PREFLAGS=--oversubscribe
check "build the examples" cmake --build "$build/examples"
check_ctest "$build/examples"

section "The Fortran module, against the installed package"
check "configure the Fortran tests" cmake -S "$root/tests/fortran" -B "$build/fortran" -DCMAKE_PREFIX_PATH="$prefix"
check "build the Fortran tests" cmake --build "$build/fortran"
check_ctest "$build/fortran"

section "The mini-app: points, flows, and tasks against MPI"
check "configure the mini-app" cmake -S "$root/s3d-mini" -B "$build/s3d-mini" -DS3D_WITH_COHORT=ON -DCMAKE_PREFIX_PATH="$prefix"
check "build the mini-app" cmake --build "$build/s3d-mini"
check_ctest "$build/s3d-mini"

section "C programs; those of several ranks by shared memory and by messages"
mkdir -p "$build/c"
for source in "$root"/tests/c/*.c; do
    name=$(basename "$source" .c)
    check "compile $name" mpicc -std=gnu11 -Wall -Wextra -Werror "$source" -o "$build/c/$name" \
        -I"$prefix/include" -L"$prefix/lib" -lcohort -lm -lpthread -Wl,-rpath,"$prefix/lib"
    case $name in
        *_mpi) counts="1 2 4" ;;
        *) counts=1 ;;
    esac
    for ranks in $counts; do
        for workers in 1 2; do
            check "$name on $ranks ranks, $workers workers" env COHORT_WORKERS=$workers mpirun --oversubscribe -n "$ranks" "$build/c/$name"
            if [ "$ranks" -gt 1 ]; then
                check "$name on $ranks ranks, $workers workers, by messages" env COHORT_FORCE_MESSAGES=1 COHORT_WORKERS=$workers \
                    mpirun --oversubscribe -n "$ranks" "$build/c/$name"
            fi
        done
    done
done

section "Thread levels of MPI: the program's messages and tasks at the same time"
levels() { # levels NAME LAUNCHER...: every level, by shared memory and by messages
    local name=$1 level
    shift
    for level in single funneled serialized multiple; do
        check "$name at $level" env COHORT_TEST_LEVEL=$level COHORT_WORKERS=2 "$@"
        check "$name at $level, by messages" env COHORT_TEST_LEVEL=$level COHORT_WORKERS=2 COHORT_FORCE_MESSAGES=1 "$@"
    done
}
# Ranks that wait inside MPI leave the processor to the others.
levels "Open MPI" env OMPI_MCA_mpi_yield_when_idle=1 mpirun --oversubscribe -n 2 "$build/c/levels_mpi"
check "compile levels_mpi with MPICH" mpicc.mpich -std=gnu11 -Wall -Wextra -Werror "$root/tests/c/levels_mpi.c" -o "$build/levels-mpich" \
    -I"$build/prefix-mpich/include" -L"$build/prefix-mpich/lib" -lcohort -lpthread -Wl,-rpath,"$build/prefix-mpich/lib"
levels "MPICH" mpirun.mpich -n 2 "$build/levels-mpich"

printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
