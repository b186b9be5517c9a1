#!/usr/bin/env bash
# Workers stay within the processors that the launcher gave, and each rank says which they are: under taskset, under mpirun
# with and without binding, and in a cgroup with some of the processors where one can be made.
# usage: tests/binding/run.sh PREFIX WORK-FOLDER
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../lib.sh"
mkdir -p "$2"
program=$2/placement
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 COHORT_VERBOSE=1 COHORT_HOST_HELPS=0

check "binding compile" mpicc.openmpi -std=gnu11 -Wall -Wextra -Werror "$here/placement.c" -o "$program" -I"$1/include" -L"$1/lib" -lcohort \
    -Wl,-rpath,"$1/lib"
# The first two processors that this machine lets us use.
read -r -a allowed < <(python3 -c 'import os; print(*sorted(os.sched_getaffinity(0)))')
first=${allowed[0]}
says "binding of one processor by taskset" "1 worker, each bound to one of processors $first of $first" "ran on $first, threads of at most 1" \
    -- taskset -c "$first" "$program"
if [ ${#allowed[@]} -ge 2 ]; then
    second=${allowed[1]}
    both="$first,$second"
    [ $((first + 1)) -ne "$second" ] || both="$first-$second"
    says "binding of the second processor by taskset" "bound to one of processors $second of $second" "ran on $second, threads of at most 1" \
        -- taskset -c "$second" "$program"
    says "binding asked for" "2 workers, each bound to one of processors $both of $both" "ran on $first,$second, threads of at most 1" \
        -- taskset -c "$first,$second" env COHORT_BIND=1 "$program"
    says "binding turned off" "not bound, on processors $second" -- taskset -c "$second" env COHORT_BIND=0 "$program"
    says "binding of more workers than processors" "3 workers, not bound, on processors $second" "ran on $second" \
        -- taskset -c "$second" env COHORT_WORKERS=3 "$program"
    says "binding by mpirun to cores" "rank 0 ran on $first, threads of at most 1" "rank 1 ran on $second, threads of at most 1" \
        -- mpirun.openmpi --bind-to core -n 2 "$program"
    says "binding shared out where mpirun binds nothing" "rank 0 of 2: 1 worker, each bound to one of processors $first of $both" \
        "rank 1 of 2: 1 worker, each bound to one of processors $second of $both" \
        "rank 0 ran on $first, threads of at most 1" "rank 1 ran on $second, threads of at most 1" \
        -- taskset -c "$first,$second" mpirun.openmpi --bind-to none -n 2 env COHORT_BIND=1 "$program"
    # Version 1 of cgroups has a tree of its own for processors, and asks for memory nodes too.
    root=/sys/fs/cgroup
    [ ! -d $root/cpuset ] || root=$root/cpuset
    group=$root/cohort-test-$$
    if mkdir "$group" 2>/dev/null && echo "$second" 2>/dev/null >"$group/cpuset.cpus"; then
        cat "$root/cpuset.mems" >"$group/cpuset.mems" 2>/dev/null
        says "binding in a cgroup of one processor" "bound to one of processors $second of $second" "ran on $second, threads of at most 1" \
            -- sh -c 'echo $$ >"$1/cgroup.procs" && exec "$2"' sh "$group" "$program"
    else
        echo "no cgroup can be made here: not tested in one"
    fi
    [ ! -d "$group" ] || rmdir "$group"
fi
exit "$((failed > 0))"
