#!/bin/sh
# Runs a program on ranks of which the even ones share memory and the odd ones do not, as if they ran on nodes of their own.
# usage, under mpirun: tests/c/mixed.sh PROGRAM [ARGUMENT...]
COHORT_FORCE_MESSAGES=$((${OMPI_COMM_WORLD_RANK:-$PMI_RANK} % 2))
export COHORT_FORCE_MESSAGES
exec "$@"
