#!/usr/bin/env bash
# The Fortran module with LLVM's flang, in programs with and without MPI, by CMake and by hand.
# usage: tests/consumer/flang.sh PREFIX-OPENMPI PREFIX-MPICH PREFIX-WITHOUT-MPI WORK-FOLDER
set -uo pipefail
source=$(cd "$(dirname "$0")" && pwd)
work=$4
flang=${FLANG:-flang-22}
source "$source/../lib.sh"
rm -rf "$work"
mkdir -p "$work/include"

check "flang examples configure" cmake -S "$source/../../c-examples" -B "$work/examples" -DCMAKE_PREFIX_PATH="$3" \
    -DCMAKE_Fortran_COMPILER="$flang"
check "flang examples build" cmake --build "$work/examples"
check "flang examples run" ctest --test-dir "$work/examples" --no-tests=error --output-on-failure --parallel "$(nproc)"
check "flang takes the recipe for CUDA Fortran" "$flang" -x cuda -fsyntax-only -I"$work/examples/cohort_fortran_modules" \
    "$source/../directives/cuda_fortran.cuf"

# The .mod files of Debian's MPIs are gfortran's, so that flang is left with mpif.h. In Open MPI's, MPI_Sizeof is declared for
# 16-byte reals, which Debian's flang has not.
grep -v mpif-sizeof "$(mpicc.openmpi --showme:incdirs | cut -d' ' -f1)/mpif.h" >"$work/include/mpif.h"
ranks() { # ranks MPI PREFIX MPI-FLAGS LAUNCHER...
    local mpi=$1 prefix=$2 flags=$3
    shift 3
    mkdir "$work/$mpi"
    check "flang compile for $mpi" make -s -C "$work/$mpi" -f "$source/Makefile" PREFIX="$prefix" SOURCE="$source" MPI="$mpi" \
        FC="$flang $flags" CPPFLAGS="-I$(dirname "$(dirname "$(readlink -f "$(command -v "$flang")")")")/include/flang" pkg_fortran
    check "flang $mpi on 2 ranks" "$@" -n 2 "$work/$mpi/pkg_fortran"
}
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
ranks openmpi "$1" "-I$work/include $(mpicc.openmpi --showme:compile) $(mpicc.openmpi --showme:link) -lmpi_mpifh" \
    mpirun.openmpi --oversubscribe
ranks mpich "$2" "-I$(dirname "$(find /usr/include -path '*/mpich/mpif.h')") -lmpichfort -lmpich" mpirun.mpich
exit "$((failed > 0))"
