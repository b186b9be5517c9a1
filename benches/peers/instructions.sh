#!/usr/bin/env bash
# Counts the instructions of a launch with two requirements, its analysis and its empty task: the difference between a long and a
# short run under callgrind, so that start and end do not count; the same under mappers. usage: benches/peers/instructions.sh [BUILD-FOLDER]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${1:-$root/build/benches}
few=10000
many=50000

"$root/cmake/dependencies.sh" build tests
cmake -S "$root" -B "$build/cohort" -DCMAKE_INSTALL_PREFIX="$build/prefix" >/dev/null
cmake --build "$build/cohort" >/dev/null
cmake --install "$build/cohort" >/dev/null
cc -O2 -std=c11 -Wall -Wextra "$here/launch_instructions.c" -o "$build/launch_instructions" -I"$build/prefix/include" \
    -L"$build/prefix/lib" -lcohort -Wl,-rpath,"$build/prefix/lib"

executed() { # executed TASKS REGIONS RESULTS DEVICES [MAPPER]
    valgrind --tool=callgrind --callgrind-out-file="$build/callgrind.out" "$build/launch_instructions" "$@" 2>&1 |
        awk '/Collected/ { print $4 }'
}

count() { # count TEXT REGIONS RESULTS DEVICES [MAPPER]
    local text=$1
    shift
    echo "$text: $((($(executed "$many" "$@") - $(executed "$few" "$@")) / (many - few)))"
}

count "64 sub-regions in turn" 64 0 0
count "one sub-region" 1 0 0
count "one sub-region, with a result" 1 1 0
COHORT_DEVICES=opencl count "64 sub-regions in turn, devices are there" 64 0 1
for mapper in other options map replay report; do
    count "64 sub-regions in turn, mapper in C: $mapper" 64 0 0 "$mapper"
done
printf '[task *]\npriority = 1\n' >"$build/priority.map"
printf '[task *]\npriority = 1\nworker = any\n' >"$build/worker.map"
printf '[task *]\npriority = 1\nworker = any\nreplay = yes\n' >"$build/replay.map"
for file in priority worker replay; do
    COHORT_MAPPING="$build/$file.map" count "64 sub-regions in turn, mapping file: $file" 64 0 0
done
COHORT_AFFINITY=1 count "64 sub-regions in turn, COHORT_AFFINITY=1" 64 0 0
COHORT_PRIORITIES=1 count "64 sub-regions in turn, COHORT_PRIORITIES=1" 64 0 0
