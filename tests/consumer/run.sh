#!/usr/bin/env bash
# Builds and runs programs against the installation PREFIX in every way that users do, after moving it: an installed
# package that works only where it was built is no package. One line for each program.
# usage: tests/consumer/run.sh PREFIX WORK-FOLDER openmpi|mpich
set -uo pipefail
source=$(cd "$(dirname "$0")" && pwd)
prefix=$2/moved
work=$2/build
mpi=$3
source "$source/../lib.sh"

rm -rf "$prefix" "$work"
mkdir -p "$work"
cp -a "$1" "$prefix"

check "consumer $mpi cmake configure" cmake -S "$source" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$prefix" \
    -DMPI_C_COMPILER="mpicc.$mpi" -DMPI_Fortran_COMPILER="mpifort.$mpi"
check "consumer $mpi cmake build" cmake --build "$work/cmake"
# Each in a folder of its own, as the compilers write their module files where they run.
for target in make_shared make_static make_fortran make_fortran_static pkg_shared pkg_static pkg_fortran; do
    mkdir "$work/$target"
    check "consumer $mpi $target" make -s -C "$work/$target" -f "$source/Makefile" PREFIX="$prefix" SOURCE="$source" MPI="$mpi" "$target"
done

launch=("mpirun.$mpi")
[ "$mpi" != openmpi ] || launch+=(--oversubscribe)
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
for program in cmake/ranks_shared cmake/ranks_static cmake/ranks_fortran cmake/ranks_fortran_static cmake/ranks_fortran_integer \
    make_shared/make_shared make_static/make_static make_fortran/make_fortran make_fortran_static/make_fortran_static \
    pkg_shared/pkg_shared pkg_static/pkg_static pkg_fortran/pkg_fortran; do
    for ranks in 1 2; do
        check "consumer $mpi ${program#*/} on $ranks ranks" "${launch[@]}" -n "$ranks" "$work/$program"
    done
done
for program in cmake/ranks_static cmake/ranks_fortran_static make_static/make_static make_fortran_static/make_fortran_static \
    pkg_static/pkg_static; do
    check "consumer $mpi ${program#*/} needs no libcohort.so" sh -c '! readelf -d "$1" | grep "NEEDED.*libcohort"' sh "$work/$program"
done

functions=$(sed -n 's/^ *pub fn \(cohort_[a-z0-9_]*\).*/\1/p' "$source/../abi/bindings.rs" | sort)
shows() { # shows FILE NM-OPTION: the functions of the header, and no other name
    diff <(echo "$functions") <(nm "$2" --defined-only "$prefix/lib/$1" | awk 'NF == 3 { print $3 }' | sort)
}
for pair in "libcohort.so --dynamic" "libcohort.a --extern-only"; do
    read -r library option <<<"$pair"
    if difference=$(shows "$library" "$option"); then
        ok "consumer $mpi $library shows what the header declares, and nothing else"
    else
        not_ok "consumer $mpi $library shows what the header declares, and nothing else" "$difference"
    fi
done
check "consumer $mpi SONAME" sh -c 'readelf -d "$1" | grep "SONAME.*\[libcohort\.so\.0\]"' sh "$prefix/lib/libcohort.so"
exit "$((failed > 0))"
