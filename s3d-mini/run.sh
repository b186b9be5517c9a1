#!/usr/bin/env bash
# Installs what the mini-app needs, builds it, runs its tests and the default case on 2 ranks (another case: run.sh INPUT RANKS).
set -euo pipefail
cd "$(dirname "$0")/.."
input=${1:-s3d-mini/inputs/ignition_h2.nml}
ranks=${2:-2}

cmake/dependencies.sh mini-app
cmake -S s3d-mini -B build/s3d-mini-build -DCMAKE_BUILD_TYPE=Release
cmake --build build/s3d-mini-build --parallel "$(nproc)"

# Open MPI refuses root and more ranks than cores unless told; other MPIs ignore these.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
ctest --test-dir build/s3d-mini-build --output-on-failure
mpirun -n "$ranks" build/s3d-mini-build/s3d-mini "$input"
