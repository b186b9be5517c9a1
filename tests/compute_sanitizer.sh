#!/usr/bin/env bash
# Runs a program that uses a CUDA device under each of NVIDIA's compute-sanitizer's tools that its kernels can offend: memory out of
# bounds, memory read before it was written, races in shared memory.
# usage: tests/compute_sanitizer.sh COMMAND...
# Without compute-sanitizer (part of the CUDA toolkit) or without a CUDA device the exit status is 77: skipped.
set -euo pipefail
if [ $# -eq 0 ]; then
    echo "usage: compute_sanitizer.sh COMMAND..." >&2
    exit 2
fi
if ! command -v compute-sanitizer >/dev/null; then
    echo "skipped: there is no compute-sanitizer in PATH"
    exit 77
fi
if ! nvidia-smi --list-gpus 2>/dev/null | grep -q .; then
    echo "skipped: nvidia-smi lists no GPU"
    exit 77
fi
export COHORT_DEVICES=cuda
for tool in memcheck initcheck racecheck; do
    echo "compute-sanitizer, tool $tool"
    # Under MPI's launcher the ranks are its children.
    compute-sanitizer --tool "$tool" --target-processes all --error-exitcode 1 "$@"
done
echo PASSED
