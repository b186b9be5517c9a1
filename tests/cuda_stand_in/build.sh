#!/usr/bin/env bash
# Builds the stand-ins for CUDA's driver and for NVRTC: libcuda.so.1 and libnvrtc.so. What is new enough is left.
# usage: tests/cuda_stand_in/build.sh FOLDER
# Programs run on them with LD_LIBRARY_PATH=FOLDER COHORT_DEVICES=cuda; docs/testing.md has the variables CUDA_STAND_IN_... that steer them.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
exec 9>"$folder/lock"
flock 9
build() { # build LIBRARY OPTION-OR-SOURCE...
    local library=$folder/$1
    shift
    if [ -e "$library" ] && [ -z "$(find "$here" -newer "$library" -type f)" ]; then
        return
    fi
    "${CXX:-g++}" -std=c++17 -Wall -Wextra -Werror -O1 -g -fPIC -fvisibility=hidden -shared -pthread "$@" -o "$library.part"
    mv "$library.part" "$library"
}
cd "$here"
cp prelude.h "$folder/prelude.h"
build libnvrtc.so -Wl,-soname,libnvrtc.so -DPRELUDE="\"$folder/prelude.h\"" nvrtc.cpp
build libcuda.so.1 -Wl,-soname,libcuda.so.1 memory.cpp world.cpp driver.cpp copies.cpp module.cpp -ldl
# The first name that is looked for.
ln -sf libcuda.so.1 "$folder/libcuda.so"
