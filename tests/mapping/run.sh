#!/usr/bin/env bash
# A program under mapping files: what they say happens, mistakes are told with line and column on every rank, and what nothing was meant
# by is told at the end.
# usage: tests/mapping/run.sh PREFIX WORK-FOLDER
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../lib.sh"
mkdir -p "$2"
program=$2/where
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 COHORT_WORKERS=1 COHORT_HOST_HELPS=0

says() { # says NAME FILE-TEXT WANTED... -- LAUNCHER...: under that mapping the program succeeds and prints each text wanted
    local name=$1 file=$2.map wanted=() output text
    file=$work/$(tr -c 'a-z0-9\n' _ <<<"$name").map
    printf '%s\n' "$2" >"$file"
    shift 2
    while [ "$1" != -- ]; do
        wanted+=("$1")
        shift
    done
    shift
    if ! output=$(COHORT_MAPPING=$file timeout 120 "$@" "$program" 2>&1); then
        not_ok "mapping file $name" "$output"
        return
    fi
    for text in "${wanted[@]}"; do
        if [[ $output != *"${text//FILE/$file}"* ]]; then
            not_ok "mapping file $name: \"$text\" is not in the output" "$output"
            return
        fi
    done
    if [[ ${wanted[0]} == rank* && $output == *cohort:* ]]; then
        not_ok "mapping file $name: something was told" "$output"
        return
    fi
    ok "mapping file $name"
}
work=$2
two=(mpirun.openmpi --oversubscribe -n 2)

check "mapping file's program compiles" mpicc.openmpi -std=gnu11 -Wall -Wextra -Werror "$here/where.c" -o "$program" -I"$1/include" \
    -L"$1/lib" -lcohort -lpthread -Wl,-rpath,"$1/lib"

says "of nothing" "" "rank 0: on the MPI thread 0 and 0, inside launches 0 and 0, even first: no, depth 3" -- env
says "to the MPI thread" $'[task *]\nprocessor = mpi' "rank 0: on the MPI thread 20 and 20, inside" -- env COHORT_WORKERS=3
says "to the MPI thread for some" $'[task odd*]\nprocessor = mpi' "rank 0: on the MPI thread 0 and 20, inside" \
    -- env COHORT_WORKERS=3
says "inside the launch" $'[task odd task]\ninline = yes' "rank 0: on the MPI thread 0 and 20, inside launches 0 and 20" -- env
says "of the evens first" $'[task even]\npriority = 3\n[task odd*]\npriority = -3' "rank 0: on the MPI thread 0 and 0, inside launches 0 and 0, even first: yes" -- env
says "that the later section overrules" $'[task *]\npriority = -7\ninline = yes\n[task *]\ninline = no\n[task e*]\npriority = 7' \
    "rank 0: on the MPI thread 0 and 0, inside launches 0 and 0, even first: yes" -- env
says "with a tunable" $'[tunables]\ndepth = -12' "rank 0:" "depth -12" -- env
says "on two ranks" $'[tunables]\ndepth = 5\n[task o*]\ninline = yes' "rank 0: on the MPI thread 0 and 20, inside launches 0 and 20" \
    "rank 1: on the MPI thread 0 and 20, inside launches 0 and 20" "depth 5" -- "${two[@]}"

# Two NUMA nodes, by hwloc's description of the machine; whether the second is there makes no difference to what is copied.
two_nodes=(env COHORT_VERBOSE=1 HWLOC_THISSYSTEM=1 "HWLOC_SYNTHETIC=numa:2(memory=1073741824) core:128 pu:1")
says "with data in another memory" $'[task data]\nmemory = 1' \
    'task "data" worked on 1 copies, 32000 bytes in and 32000 out; first: memory 1 (NUMA node 1) is asked for: the data lies in NUMA node 0' -- "${two_nodes[@]}"
says "with a memory that is not there" $'[task data]\nmemory = 1' 'refused: cohort_init_mpi: FILE:2:10: "1" is not a whole number from 0 to 0, any, device, or zero-copy' \
    -- env HWLOC_THISSYSTEM=1 "HWLOC_SYNTHETIC=numa:1(memory=1073741824) core:128 pu:1"
says "with a device that is a processor" $'[task data]\ndevice = 0' 'refused: cohort_init_mpi: FILE:2:10: "0" is no device; they are numbered as processors, here from 2 on' -- env

says "with mistakes" $'[task even]\n\n  priority = high\nworkers = 2\n' \
    'refused: cohort_init_mpi: FILE:3:14: "high" is not a whole number from -7 to 7' 'FILE:4:1: unknown key "workers"; keys are' -- env
says "with mistakes on two ranks" $'[task even]\nworker = 9' 'refused: cohort_init_mpi: FILE:2:10: "9" is not' -- "${two[@]}"
says "that a rank lacks" $'[tunables]\ndepth = 5' "refused: cohort_init_mpi: the mapping files of ranks 0 and 1 differ (rank 0 has one, rank 1 has none)" \
    -- "${two[@]}" bash -c '[ "$OMPI_COMM_WORLD_RANK" -eq 0 ] || unset COHORT_MAPPING; exec "$1"' bash
says "that a rank cannot read" $'[tunables]\ndepth = 5' "refused: cohort_init_mpi: rank 1 cannot use its mapping file" 'names the mapping file "/dev/null/x"' \
    -- "${two[@]}" bash -c '[ "$OMPI_COMM_WORLD_RANK" -eq 0 ] || export COHORT_MAPPING=/dev/null/x; exec "$1"' bash
says "of nothing that there is" $'[tunables]\nwidth = 1\n[task evn]\npriority = 1' \
    'cohort: FILE:3:7: no task was launched that matches "evn"; tasks were "data", "even", "keeper", "odd task"' \
    'cohort: FILE:2:1: the program asked for no tunable "width"' -- "${two[@]}"
exit "$((failed > 0))"
