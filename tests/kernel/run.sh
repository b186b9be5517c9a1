#!/usr/bin/env bash
# The kernel header through NVIDIA's compiler, which comes from PyPI into a virtual environment; no GPU is needed.
# usage: tests/kernel/run.sh FOLDER
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$1
package=nvidia-cuda-nvrtc-cu12==12.9.86

library() {
    find "$folder/venv/lib" -name 'libnvrtc.so.12' 2>/dev/null | head -n 1
}

mkdir -p "$folder"
if [ -z "$(library)" ]; then
    python3 -m venv "$folder/venv"
    "$folder/venv/bin/pip" install --quiet --disable-pip-version-check "$package" ||
        echo "skipped: nothing is compiled as CUDA C, since $package cannot be had"
fi
cd "$root"
nvrtc=$(library)
COHORT_NVRTC=$nvrtc cargo test --locked --test kernel_header -- ${nvrtc:+--include-ignored}
