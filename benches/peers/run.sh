#!/usr/bin/env bash
# Builds the library and the benchmarks, and runs each next to its peer. usage: benches/peers/run.sh [BUILD-FOLDER]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${1:-$root/build/benches}

"$root/cmake/dependencies.sh" build mpi fortran benches
cmake -S "$root" -B "$build/cohort" -DCMAKE_INSTALL_PREFIX="$build/prefix" >/dev/null
cmake --build "$build/cohort" >/dev/null
cmake --install "$build/cohort" >/dev/null
read -ra starpu <<<"$(pkg-config --cflags --libs starpu-1.3)"
for name in handshake empty_tasks; do
    cc -O2 -std=gnu11 -fopenmp -Wall -Wextra "$here/$name.c" -o "$build/$name" -I"$build/prefix/include" -L"$build/prefix/lib" -lcohort \
        "${starpu[@]}" -lpthread -Wl,-rpath,"$build/prefix/lib"
    echo "== $name"
    "$build/$name"
done

for name in ghost_exchange barriers; do
    mpicc -O3 -march=native -std=gnu11 -Wall -Wextra "$here/$name.c" -o "$build/$name" -I"$build/prefix/include" \
        -L"$build/prefix/lib" -lcohort -Wl,-rpath,"$build/prefix/lib"
    echo "== $name"
    OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 mpirun --oversubscribe -n 2 "$build/$name"
done
