#!/usr/bin/env bash
# An installation with the static library alone: the same words as ever link it.
# usage: tests/consumer/static_only.sh PREFIX WORK-FOLDER
set -euo pipefail
source=$(cd "$(dirname "$0")" && pwd)
prefix=$1
work=$2
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
rm -rf "$work"
mkdir -p "$work"

[ ! -e "$prefix/lib/libcohort.so" ]
cmake -S "$source" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$prefix" -DMPI_C_COMPILER=mpicc.openmpi \
    -DMPI_Fortran_COMPILER=mpifort.openmpi
cmake --build "$work/cmake"
make -s -C "$work" -f "$source/Makefile" PREFIX="$prefix" SOURCE="$source" MPI=openmpi pkg_shared pkg_fortran
for program in cmake/ranks_shared cmake/ranks_fortran pkg_shared pkg_fortran; do
    mpirun.openmpi --oversubscribe -n 2 "$work/$program"
done
