#!/usr/bin/env bash
# The checks too long for every day, about ten minutes on two cores: the methods on 8 ranks, vortex to 128 points, vessels to
# their last state, the speed of a flame. usage: verify-long.sh [BUILD]   (default: the build that run.sh makes)
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build/s3d-mini-build}
mechanism=s3d-mini/mechanisms/h2o2
tests=s3d-mini/tests
reference=$tests/reference
if [ ! -x "$build/s3d_flow_check" ]; then
  echo "verify-long.sh: $build has no s3d_flow_check; build first, with s3d-mini/run.sh or by cmake -S s3d-mini -B $build" >&2
  exit 2
fi
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
mkdir -p build

ctest --test-dir "$build" -C Long --tests-regex 8_ranks --no-tests=error --output-on-failure
mpirun -n 2 "$build/s3d_flow_check" "$mechanism" 128
python3 "$tests/ignition_reference.py" "$build/s3d-ignition" "$mechanism" "$reference/ignition_h2.json" --whole \
  T1100_p1_phi1 T1200_p1_phi1 T1500_p1_phi1 T1500_p10_phi1
# Asked for: 2 %; met: 0.02 % to 0.2 %.
python3 "$tests/flame_reference.py" "$reference/flames_h2.json" 0.7 2e-3 \
  mpirun -n 2 "$build/s3d-flame" s3d-mini/inputs/flame_h2.nml
echo "all long checks PASSED"
