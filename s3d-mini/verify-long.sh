#!/usr/bin/env bash
# The checks too long for every day: vortex to 96 points and the whole right-hand side to 64 points. Needs a build by run.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
build=build/s3d-mini-build
mechanism=s3d-mini/mechanisms/h2o2
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
mpirun -n 2 "$build/s3d_flow_check" "$mechanism" 1
for variant in full_last_species_closure full_correction_velocity; do
  python3 s3d-mini/tests/rhs_reference.py "$build/s3d-rhs" "$mechanism" s3d-mini/tests/reference/rhs_reference_h2.json \
    "$variant" mpi mpirun -n 2 -- 16 24 32 48 64
done
