#!/usr/bin/env bash
# The installed cohort-info, alone and under mpirun: every line that a witness made of hwloc, MPI_Comm_split_type and the kernel prints
# is the beginning of one of its lines, and processors and NUMA nodes are as many as lscpu says.
# usage: tests/info/run.sh PREFIX WORK-FOLDER
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../lib.sh"
mkdir -p "$2"
info=$1/bin/cohort-info
witness=$2/witness
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

agrees() { # agrees NAME LAUNCHER...: with the witness, started the same way
    local name=$1 expected
    shift
    mapfile -t expected < <(timeout 120 "$@" "$witness" | grep '^rank ')
    if [ ${#expected[@]} -lt 2 ]; then
        not_ok "cohort-info $name: the witness says nothing" "${expected[*]}"
        return
    fi
    says "cohort-info $name" "${expected[@]/#/^}" -- "$@" "$info" --quick
}

check "cohort-info's witness compiles" mpicc.openmpi -std=gnu11 -Wall -Wextra -Werror "$here/witness.c" -o "$witness" -lhwloc
agrees alone env
for ranks in 1 2 4; do
    agrees "on $ranks ranks" mpirun.openmpi --oversubscribe --bind-to none -n $ranks
done
read -r first _ < <(python3 -c 'import os; print(*sorted(os.sched_getaffinity(0)))')
agrees "on one processor" taskset -c "$first"

says "tells why there are no devices" "cohort: rank 0: OpenCL: " -- \
    env COHORT_VERBOSE=1 COHORT_DEVICES=opencl OCL_ICD_VENDORS="$2" "$info" --quick

cores=$(lscpu --parse=CORE,SOCKET | grep -v '^#' | sort -u | wc -l)
numa_nodes=$(lscpu --parse=NODE | grep -v '^#' | sort -u | wc -l)
if [ "$(python3 -c 'import os; print(len(os.sched_getaffinity(0)))')" -eq "$(nproc --all)" ] && [ "$cores" -le 64 ]; then
    found=$("$info" --quick | grep '^rank 0 processor ' | grep -vc ' device "')
    check "cohort-info has the cores that lscpu counts: $found" test "$found" -eq "$cores"
fi
found=$("$info" --quick | grep -c '^rank 0 memory [0-9]*: system')
check "cohort-info has the NUMA nodes that lscpu counts: $found" test "$found" -ge "$numa_nodes"

says "cohort-info measures" "^rank 0 processor 0 to memory 0: " "^rank 1 processor 0 to memory 1: " \
    -- mpirun.openmpi --oversubscribe --bind-to none -n 2 "$info"
says "cohort-info lists devices" ': OpenCL device "' -- env COHORT_DEVICES=opencl "$info" --quick
says "cohort-info tells why there are no devices" "^rank 0 no device: OpenCL: " -- env COHORT_DEVICES=opencl OCL_ICD_VENDORS="$2" "$info" --quick
says "cohort-info tells its settings" "^setting: COHORT_WORKERS=3" "^rank 0 processor 2: worker" -- env COHORT_WORKERS=3 "$info" --quick
says "cohort-info does not share memory that was given up" "^rank 0: on its node with ranks 0 1; shares memory with ranks"$'\n' \
    "^rank 1: on its node with ranks 0 1; shares memory with ranks"$'\n' \
    -- mpirun.openmpi --oversubscribe -x COHORT_FORCE_MESSAGES=1 -n 2 "$info" --quick
output=$("$info" --what 2>&1)
status=$?
if [ $status -eq 2 ] && [[ $output == usage:* ]]; then ok "cohort-info refuses other options"; else not_ok "cohort-info refuses other options" "$output"; fi
output=$(COHORT_WORKERS=x "$info" 2>&1)
status=$?
if [ $status -eq 1 ] && [[ $output == *"COHORT_WORKERS is \"x\""* ]]; then ok "cohort-info says which setting is wrong"; else not_ok "cohort-info says which setting is wrong" "$output"; fi
exit "$((failed > 0))"
