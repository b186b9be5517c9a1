#!/usr/bin/env bash
# A library built for one MPI says so when it runs under the other, in each of the ways that users mix them.
# usage: tests/consumer/mixture.sh PREFIX-OPENMPI PREFIX-MPICH WORK-FOLDER
set -uo pipefail
source=$(cd "$(dirname "$0")" && pwd)
source "$source/../lib.sh"

refused() { # refused NAME WANTED COMMAND...: the command fails and prints a text that contains WANTED
    local name=$1 wanted=$2 output status=0
    shift 2
    output=$(timeout 120 "$@" 2>&1) || status=$?
    if [ "$status" -ne 0 ] && [ "$status" -ne 124 ] && [[ $output == *"$wanted"* ]]; then
        ok "mixture $name"
    else
        not_ok "mixture $name (status $status, wanted: $wanted)" "$output"
    fi
}

build() { # build PREFIX MPI PROGRAM: PROGRAM in C, PROGRAM-fortran in Fortran
    local folder=$3-modules
    "mpicc.$2" "$source/ranks.c" -o "$3" -I"$1/include" -L"$1/lib" -lcohort -Wl,-rpath,"$1/lib" 2>"$3.log" || return 1
    mkdir -p "$folder"
    make -s -C "$folder" -f "$source/Makefile" PREFIX="$1" SOURCE="$source" MPI="$2" make_fortran 2>"$3.log" || return 1
    mv "$folder/make_fortran" "$3-fortran"
}

mkdir -p "$3"
build "$1" openmpi "$3/openmpi" && build "$2" openmpi "$3/openmpi-with-mpich-library" &&
    build "$1" mpich "$3/mpich-with-openmpi-library" || { cat "$3"/*.log; exit 1; }

export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
refused "C program for Open MPI, library for MPICH" "compiled for Open MPI, and this libcohort for MPICH" \
    "$3/openmpi-with-mpich-library"
refused "C program for MPICH, library for Open MPI" "compiled for MPICH, and this libcohort for Open MPI" \
    "$3/mpich-with-openmpi-library"
refused "Fortran program for Open MPI, library for MPICH" "built for MPICH, but the program is linked with Open MPI" \
    "$3/openmpi-with-mpich-library-fortran"
refused "Fortran program for MPICH, library for Open MPI" "built for Open MPI, but the program is linked with MPICH" \
    "$3/mpich-with-openmpi-library-fortran"
for program in openmpi openmpi-fortran; do
    refused "$program, mpiexec of MPICH" "started by the mpiexec of MPICH with 2 processes" mpiexec.mpich -n 2 "$3/$program"
done
exit "$((failed > 0))"
