#!/usr/bin/env bash
# Builds and runs programs against the installation PREFIX in every way that users do, after moving it: an installed
# package that works only where it was built is no package. One line for each program.
# usage: tests/consumer/run.sh PREFIX WORK-FOLDER openmpi|mpich
set -uo pipefail
source=$(cd "$(dirname "$0")" && pwd)
prefix=$2/moved
work=$2/build
mpi=$3
failed=0

rm -rf "$prefix" "$work"
mkdir -p "$work"
cp -a "$1" "$prefix"

report() { # report NAME COMMAND...: runs the command quietly, says ok or FAILED with its output
    local name=$1 output
    shift
    if output=$(timeout 300 "$@" 2>&1); then
        echo "ok consumer $mpi $name"
    else
        echo "FAILED consumer $mpi $name"
        printf '%s\n' "$output" | tail -n 30
        failed=1
    fi
}

report "cmake configure" cmake -S "$source" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$prefix" \
    -DMPI_C_COMPILER="mpicc.$mpi" -DMPI_Fortran_COMPILER="mpifort.$mpi"
report "cmake build" cmake --build "$work/cmake"
# Each in a folder of its own, as the compilers write their module files where they run.
for target in make_shared make_static make_fortran make_fortran_static pkg_shared pkg_static pkg_fortran; do
    mkdir "$work/$target"
    report "$target" make -s -C "$work/$target" -f "$source/Makefile" PREFIX="$prefix" SOURCE="$source" MPI="$mpi" "$target"
done

launch=("mpirun.$mpi")
[ "$mpi" != openmpi ] || launch+=(--oversubscribe)
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
for program in cmake/ranks_shared cmake/ranks_static cmake/ranks_fortran cmake/ranks_fortran_static cmake/ranks_fortran_integer \
    make_shared/make_shared make_static/make_static make_fortran/make_fortran make_fortran_static/make_fortran_static \
    pkg_shared/pkg_shared pkg_static/pkg_static pkg_fortran/pkg_fortran; do
    for ranks in 1 2; do
        report "${program#*/} on $ranks ranks" "${launch[@]}" -n "$ranks" "$work/$program"
    done
done
for program in cmake/ranks_static cmake/ranks_fortran_static make_static/make_static make_fortran_static/make_fortran_static \
    pkg_static/pkg_static; do
    report "${program#*/} needs no libcohort.so" sh -c '! readelf -d "$1" | grep "NEEDED.*libcohort"' sh "$work/$program"
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
