#!/usr/bin/env bash
# One of four ranks is killed outright. Where mpirun lets the others go on, all three are told and end; where it does not, it ends
# them, and nobody hangs.
# usage: tests/c/lost.sh told|ended PROGRAM
set -uo pipefail
case $1 in
    told) [ "$(timeout 60 mpirun.openmpi --oversubscribe --enable-recovery -n 4 "$2" | grep -c 'was told')" = 3 ] ;;
    ended)
        timeout 60 mpirun.openmpi --oversubscribe -n 4 "$2"
        status=$?
        [ $status -ne 0 ] && [ $status -ne 124 ]
        ;;
esac
