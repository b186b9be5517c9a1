#!/usr/bin/env bash
# The CUDA half of the library, executed on a stand-in for CUDA's driver in the host's memory; with "gpu" on a GPU with its driver and NVRTC,
# as far as the tests ask for one device. First what the stand-in itself finds wrong.
# usage: tests/cuda_stand_in/run.sh FOLDER [gpu]
set -uo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
status=0
export COHORT_TEST_DEVICES=cuda COHORT_CACHE=$folder/cache
programs=(tasks_on_devices fields_used_in_place working_sets_larger_than_the_device reductions_on_devices gathers_and_scatters_on_devices)
cd "$root" || exit 1
if [ "${2:-}" = gpu ]; then
    cargo test --locked --no-fail-fast --test device --test device_runtime || status=1
    cargo test --locked --test c_programs -- "${programs[@]}" || status=1
    exit $status
fi
"$root/tests/cuda_stand_in/build.sh" "$folder" || exit 1
"${CXX:-g++}" -std=c++17 -Wall -Wextra -Werror -g "$root/tests/cuda_stand_in/catches.cpp" -o "$folder/catches" \
    -L"$folder" -lcuda -lnvrtc -Wl,-rpath,"$folder" || exit 1
"$folder/catches" || status=1
programs+=(mappers_choose_among_devices_and_memories copies_from_and_to_devices)
# Every misuse of the driver ends the program; work begins late by chance, so that a wait that is missing shows.
export LD_LIBRARY_PATH=$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} CUDA_STAND_IN_ABORTS=1 CUDA_STAND_IN_DELAY=200
CUDA_STAND_IN_DEVICES=2 cargo test --locked --no-fail-fast --test device --test device_pair --test device_runtime || status=1
# A device without pools, which takes no large pitches and gets PTX.
CUDA_STAND_IN_POOLS=0 CUDA_STAND_IN_PITCH=100 CUDA_STAND_IN_CAPABILITY=89 cargo test --locked --test device || status=1
cargo test --locked --test c_programs -- "${programs[@]}" || status=1
CUDA_STAND_IN_DEVICES=2 CUDA_STAND_IN_HOST_ACCESS=1 COHORT_TEST_PROGRAMS=200 \
    cargo test --locked --test property_runtime random_programs_with_devices || status=1
exit $status
