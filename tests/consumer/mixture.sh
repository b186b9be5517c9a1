#!/usr/bin/env bash
# A library built for one MPI says so when it runs under the other, in each of the ways that users mix them.
# usage: tests/consumer/mixture.sh PREFIX-OPENMPI PREFIX-MPICH WORK-FOLDER
set -uo pipefail
source=$(cd "$(dirname "$0")" && pwd)/ranks.c
failed=0

refused() { # refused NAME WANTED COMMAND...: the command fails and prints a text that contains WANTED
    local name=$1 wanted=$2 output status=0
    shift 2
    output=$(timeout 120 "$@" 2>&1) || status=$?
    if [ "$status" -ne 0 ] && [ "$status" -ne 124 ] && [[ $output == *"$wanted"* ]]; then
        echo "ok mixture $name"
    else
        echo "FAILED mixture $name (status $status, wanted: $wanted)"
        printf '%s\n' "$output" | tail -n 20
        failed=1
    fi
}

build() { # build PREFIX MPICC PROGRAM
    "$2" "$source" -o "$3" -I"$1/include" -L"$1/lib" -lcohort -Wl,-rpath,"$1/lib"
}

build "$1" mpicc.openmpi "$3/ranks-openmpi" || exit 1
build "$2" mpicc.openmpi "$3/openmpi-with-mpich-library" 2>/dev/null || exit 1
build "$1" mpicc.mpich "$3/mpich-with-openmpi-library" 2>/dev/null || exit 1

export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
refused "program for Open MPI, library for MPICH" "compiled for Open MPI, and this libcohort for MPICH" \
    "$3/openmpi-with-mpich-library"
refused "program for MPICH, library for Open MPI" "compiled for MPICH, and this libcohort for Open MPI" \
    "$3/mpich-with-openmpi-library"
refused "program for Open MPI, mpiexec of MPICH" "started by the mpiexec of MPICH with 2 processes" \
    mpiexec.mpich -n 2 "$3/ranks-openmpi"
exit $failed
