#!/usr/bin/env bash
# The kernel header, and the library's own kernels, through NVIDIA's compiler, which comes from PyPI into a virtual environment; no GPU is needed.
# usage: tests/kernel/run.sh FOLDER
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
nvrtc=$(python3 "$root/tests/kernel/nvrtc.py" "$(realpath -m "$1")") || [ $? -eq 77 ]
cd "$root"
COHORT_NVRTC=$nvrtc cargo test --locked --test kernel_header -- ${nvrtc:+--include-ignored}
COHORT_NVRTC=$nvrtc cargo test --locked --lib -- devices::fold devices::indirect_kernels ${nvrtc:+--include-ignored}
