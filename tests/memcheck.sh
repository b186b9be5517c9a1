#!/usr/bin/env bash
# The C programs under valgrind's memcheck, the library included: uninitialised values, freed memory, lost memory. tests/run.sh runs
# the quick ones. helgrind and drd are of no use here: they know locks, not atomics, and take each lock-free hand-over for a race;
# those are modelled with loom instead.
# usage: tests/memcheck.sh [PROGRAM]...     (default: errors handshake nesting saxpy waiting)
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
[ $# -gt 0 ] || set -- errors handshake nesting saxpy waiting
work=target/memcheck
mkdir -p "$work"
cargo build --locked --lib || exit 1

failed=0
for name in "$@"; do
    mpicc -g -O1 -std=gnu11 "tests/c/$name.c" -o "$work/$name" -Iinclude target/debug/libcohort.a -lhwloc -lm -lpthread -ldl || exit 1
    for workers in 1 2; do
        if COHORT_WORKERS=$workers valgrind --quiet --error-exitcode=9 --fair-sched=yes --leak-check=full \
            --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect "$work/$name"; then
            echo "ok $name, $workers workers"
        else
            echo "FAILED $name, $workers workers"
            failed=1
        fi
    done
done
exit $failed
