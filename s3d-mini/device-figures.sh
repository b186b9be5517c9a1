#!/usr/bin/env bash
# What a right-hand side costs on a device, for h2o2 and gri30 with 64^3 and 96^3 points: time a point, share lost between kernels, and
# of each kernel bytes and operations from the formulas beside the measured bandwidth of the device's memory.
# usage: device-figures.sh [BUILD [POINTS...]]   (default: the build that run.sh makes; 64 96)
# COHORT_DEVICES chooses the device (docs/guide/devices.md), MECHANISMS the mechanisms, TRIAD_POINTS the length of the arrays that the
# bandwidth is measured with.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build/s3d-mini-build}
[ $# -gt 0 ] && shift
sizes=("${@:-64 96}")
read -ra sizes <<<"${sizes[*]}"
read -ra mechanisms <<<"${MECHANISMS:-h2o2 gri30}"
if [ ! -x "$build/s3d-device-figures" ]; then
  echo "device-figures.sh: $build has no s3d-device-figures; build first, with s3d-mini/run.sh or by cmake -S s3d-mini -B $build -DS3D_WITH_COHORT=ON" >&2
  exit 2
fi
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

count_operations() { # count_operations MECHANISM: a line for each kernel
  "$build/s3d-device-sources" "$1" "$work"
  for kernel in primitives chemistry fluxes divergence update rates filter; do
    "${CXX:-c++}" -std=c++17 -O0 -w -Iinclude -include s3d-mini/tests/counted.h -include "$work/$kernel.c" "-DCOUNT_$kernel" \
      s3d-mini/tests/count_operations.cpp -o "$work/count"
    echo "$kernel $("$work/count")"
  done
}

for name in "${mechanisms[@]}"; do
  mechanism=s3d-mini/mechanisms/$name
  count_operations "$mechanism" >"$work/operations"
  fuel=H2
  [ "$name" = h2o2 ] || fuel=CH4
  for n in "${sizes[@]}"; do
    cat >"$work/input.nml" <<INPUT
&run
  case_name = 'ignition_h2', method = 'direct', mapper = 'device', mechanism = '$mechanism', points = 3*$n, length = 3*1d-3
/
&initial
  fuel = '$fuel', phi = 1.0, temperature = 1000.0, hot_temperature = 1800.0, hot_radius = 0.2, turbulence = 20.0
/
INPUT
    "$build/s3d-device-figures" "$work/input.nml" "$work/operations" "${TRIAD_POINTS:-16777216}"
    echo
  done
done
