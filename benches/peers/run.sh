#!/usr/bin/env bash
# Builds the library and the benchmarks, and runs each next to its peer. usage: benches/peers/run.sh [BUILD-FOLDER]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${1:-$root/build/benches}
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

compile() { # compile NAME COMPILER [OPTIONS]
    local name=$1 compiler=$2
    shift 2
    "$compiler" -O3 -march=native -std=gnu11 -Wall -Wextra "$here/$name.c" -o "$build/$name" -I"$build/prefix/include" \
        -L"$build/prefix/lib" -lcohort -lpthread -Wl,-rpath,"$build/prefix/lib" "$@"
    echo "== $name"
}

"$root/cmake/dependencies.sh" build mpi fortran mini-app benches
cmake -S "$root" -B "$build/cohort" -DCMAKE_INSTALL_PREFIX="$build/prefix" >/dev/null
cmake --build "$build/cohort" >/dev/null
cmake --install "$build/cohort" >/dev/null

compile handshake cc
"$build/handshake"
read -ra starpu <<<"$(pkg-config --cflags --libs starpu-1.3)"
compile empty_tasks cc -fopenmp "${starpu[@]}"
"$build/empty_tasks"
compile launch_curves cc
"$build/launch_curves"
compile reductions cc -fopenmp
"$build/reductions"
compile mapping cc
"$build/mapping"
gfortran -O3 -march=native -c "$here/partition_loops.f90" -o "$build/partition_loops.o"
compile partition_image cc "$build/partition_loops.o" -lgfortran
"$build/partition_image"
gfortran -O3 -march=native -c "$here/convert_loops.f90" -o "$build/convert_loops.o"
compile convert_layouts cc "$build/convert_loops.o" -lgfortran
"$build/convert_layouts"
for name in ghost_exchange barriers; do
    compile "$name" mpicc
    mpirun --oversubscribe -n 2 "$build/$name"
done

# The mini-app's right-hand side by each method, 2 ranks with a core each.
cmake -S "$root/s3d-mini" -B "$build/s3d-mini" -DS3D_WITH_COHORT=ON -DBUILD_TESTING=OFF \
    -DCMAKE_PREFIX_PATH="$build/prefix" >/dev/null
cmake --build "$build/s3d-mini" --target s3d-methods >/dev/null
for n in 32 48; do
    echo "== right_hand_side, $n^3 points a rank"
    sed "s/@points@/$((2 * n)), $n, $n/; s|@root@|$root|" "$here/right_hand_side.nml.in" >"$build/right_hand_side_$n.nml"
    COHORT_WORKERS=1 mpirun --map-by core --bind-to core -n 2 "$build/s3d-mini/s3d-methods" "$build/right_hand_side_$n.nml"
done
