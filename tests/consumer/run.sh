#!/usr/bin/env bash
# Builds and runs programs against the installation PREFIX in every way that users do, after moving it: an installed
# package that works only where it was built is no package. One line for each program.
# usage: tests/consumer/run.sh PREFIX WORK-FOLDER
set -uo pipefail
source=$(cd "$(dirname "$0")" && pwd)
prefix=$2/moved
work=$2/build
failed=0

rm -rf "$prefix" "$work"
mkdir -p "$work"
cp -a "$1" "$prefix"

report() { # report NAME COMMAND...: runs the command quietly, says ok or FAILED with its output
    local name=$1 output
    shift
    if output=$(timeout 300 "$@" 2>&1); then
        echo "ok consumer $name"
    else
        echo "FAILED consumer $name"
        printf '%s\n' "$output" | tail -n 30
        failed=1
    fi
}

launch=(mpirun --oversubscribe)
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

report "cmake configure" cmake -S "$source" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$prefix"
report "cmake build" cmake --build "$work/cmake"
for target in ranks_make ranks_make_fortran ranks_pkg_shared ranks_pkg_static; do
    report "make $target" make -s -C "$work" -f "$source/Makefile" PREFIX="$prefix" SOURCE="$source" "$target"
done
for program in cmake/ranks_shared cmake/ranks_static cmake/ranks_fortran ranks_make ranks_make_fortran ranks_pkg_shared ranks_pkg_static; do
    for ranks in 1 2 4; do
        report "$program on $ranks ranks" "${launch[@]}" -n "$ranks" "$work/$program"
    done
done

if nm -D --defined-only "$prefix/lib/libcohort.so" | awk '{print $3}' | grep -v '^cohort_'; then
    echo "FAILED consumer: the names above are exported"
    failed=1
else
    echo "ok consumer exports cohort_* only"
fi
if readelf -d "$prefix/lib/libcohort.so" | grep -q 'SONAME.*\[libcohort\.so\.0\]'; then
    echo "ok consumer SONAME"
else
    echo "FAILED consumer: SONAME is not libcohort.so.0"
    failed=1
fi
exit $failed
