#!/usr/bin/env bash
# Installs what the mini-app needs, builds Cohort and the mini-app, checks its physics in a few seconds (tests/run.sh runs all its
# tests), and runs the default case on 2 ranks. Pictures and fields lie in build/s3d-mini afterwards. usage: run.sh [INPUT [RANKS]]
set -euo pipefail
cd "$(dirname "$0")/.."
input=${1:-s3d-mini/inputs/ignition_h2.nml}
ranks=${2:-2}
jobs=$(nproc)

cmake/dependencies.sh build mpi fortran mini-app tests
cmake -S . -B build/cohort -DCMAKE_INSTALL_PREFIX="$PWD/build/prefix"
cmake --build build/cohort --parallel "$jobs"
cmake --install build/cohort
cmake -S s3d-mini -B build/s3d-mini-build -DS3D_WITH_COHORT=ON -DCMAKE_PREFIX_PATH="$PWD/build/prefix"
cmake --build build/s3d-mini-build --parallel "$jobs"

# Open MPI refuses root and more ranks than cores unless told; other MPIs ignore these.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
ctest --test-dir build/s3d-mini-build --output-on-failure --no-tests=error -R 's3d\.(points|stencils|rhs\.full_last_species_closure\.1)'
mpirun -n "$ranks" build/s3d-mini-build/s3d-mini "$input"
