#!/usr/bin/env bash
# Ghost exchange by messages that take points from device to device, on the stand-in for CUDA's driver, whose device memory is the host's: an ordinary
# MPI sends from it like a GPU-aware one where the stand-in lets the host touch it, and ends by a fault where not.
# usage: tests/c/gpu_aware.sh openmpi|mpich PREFIX STAND_IN FOLDER      (STAND_IN: where tests/cuda_stand_in/build.sh put it)
set -uo pipefail
mpi=$1 prefix=$2 stand_in=$3 folder=$4
sources=$(dirname "$0")
launch=("mpirun.$mpi" -n)
[ "$mpi" = openmpi ] && launch=(mpirun.openmpi --oversubscribe -n)
mkdir -p "$folder"
export COHORT_DEVICES=cuda COHORT_FORCE_MESSAGES=1 COHORT_WORKERS=2 COHORT_CACHE=$folder/cache
export CUDA_STAND_IN_ABORTS=1 CUDA_STAND_IN_DELAY=100 LD_LIBRARY_PATH=$stand_in${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
status=0

run() { # run NAME RANKS VARIABLE=VALUE...: its lines are in $said
    local name=$1 ranks=$2
    shift 2
    said=$(timeout 120 env "$@" "${launch[@]}" "$ranks" "$folder/$name" 2>&1)
}

passes() { # passes WHAT NAME RANKS VARIABLE=VALUE...
    local what=$1
    shift
    if run "$@" && [ "$(grep -c PASSED <<<"$said")" -ge 1 ]; then
        echo "ok $1 with $mpi, $2 ranks: $what"
    else
        printf 'FAILED %s with %s, %s ranks: %s\n%s\n' "$1" "$mpi" "$2" "$what" "$said"
        status=1
    fi
}

for name in device_ghost_reads_mpi device_ghosts_mpi; do
    "mpicc.$mpi" -std=gnu11 -Wall -Wextra -Werror "$sources/$name.c" -o "$folder/$name" -I"$prefix/include" -L"$prefix/lib" -lcohort -lm -lpthread \
        -Wl,-rpath,"$prefix/lib" || exit 1
    passes "MPI is given no address of a device, as it does not say that it takes any" "$name" 2
    for ranks in 2 4; do
        passes "MPI is given addresses" "$name" "$ranks" COHORT_GPU_AWARE_MPI=1 CUDA_STAND_IN_HOST_ACCESS=1
    done
    passes "MPI is given addresses, in little device memory" "$name" 2 COHORT_GPU_AWARE_MPI=1 CUDA_STAND_IN_HOST_ACCESS=1 COHORT_DEVICE_MEMORY=8K
    if ! run "$name" 2 COHORT_GPU_AWARE_MPI=1 && grep -qi "segmentation fault" <<<"$said"; then
        echo "ok $name with $mpi: the addresses are those of devices"
    else
        printf 'FAILED %s with %s: no device address came to MPI\n%s\n' "$name" "$mpi" "$said"
        status=1
    fi
done
exit $status
