#!/usr/bin/env bash
# Installs what is missing, builds everything, runs all tests, and closes with counts and seconds for each section.
# usage: tests/run.sh [BUILD-FOLDER]   (default: build-tests in the repository)
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
build=${1:-$root/build-tests}
prefix=$build/prefix-openmpi
cd "$root" || exit 1
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
CMAKE_BUILD_PARALLEL_LEVEL=$(nproc)
COHORT_CACHE=$(realpath -m "$build")/kernels
export CMAKE_BUILD_PARALLEL_LEVEL COHORT_CACHE
source "$root/tests/lib.sh"

section "Packages"
if ! "$root/cmake/dependencies.sh" build mpi mpich fortran flang mini-app python tests; then
    echo "0 passed, 1 failed"
    exit 1
fi
count "$root/tests/unprivileged.sh"

section "Rust: unit, property, layer and header tests; models of the concurrent parts, every interleaving"
with_mpi() { count cargo test --locked --no-fail-fast; }
without_mpi() { count cargo test --locked --no-default-features --lib; }
models() { count env RUSTFLAGS="--cfg loom" LOOM_MAX_PREEMPTIONS=3 cargo test --locked --release --lib --target-dir "$build/loom" model; }
together with_mpi without_mpi models

section "Kernel sources, through NVIDIA's compiler"
count "$root/tests/kernel/run.sh" "$build/kernel"

section "C programs under memcheck; devices on a stand-in for CUDA's driver"
memcheck() { count "$root/tests/memcheck.sh" errors nesting saxpy; }
stand_in() { count "$root/tests/cuda_stand_in/run.sh" "$build/cuda"; }
together memcheck stand_in

section "Build and install"
build_and_install() { # build_and_install PRESET [OPTION...]: into prefix-PRESET
    local preset=$1
    shift
    check "configure $preset" cmake --preset "$preset" -B "$build/cmake-$preset" \
        -DCMAKE_INSTALL_PREFIX="$build/prefix-$preset" "$@"
    check "build $preset" cmake --build "$build/cmake-$preset"
    check "install $preset" cmake --install "$build/cmake-$preset"
}
openmpi() { build_and_install openmpi; }
mpich() { build_and_install mpich; }
no_mpi() { build_and_install no-mpi -DCMAKE_Fortran_COMPILER=flang-22; }
together openmpi mpich no_mpi
check "configure debug" cmake --preset debug -B "$build/cmake-debug"
# In the folder where it is compiled already.
check "configure static" cmake --preset static -B "$build/cmake-openmpi" -DCMAKE_INSTALL_PREFIX="$build/prefix-static"
check "install static" cmake --install "$build/cmake-openmpi"

section "The installed package, as users consume it"
consumer_openmpi() { count "$root/tests/consumer/run.sh" "$prefix" "$build/consumer" openmpi; }
consumer_mpich() { count "$root/tests/consumer/run.sh" "$build/prefix-mpich" "$build/consumer-mpich" mpich; }
flang() { count "$root/tests/consumer/flang.sh" "$prefix" "$build/prefix-mpich" "$build/prefix-no-mpi" "$build/flang"; }
together consumer_openmpi consumer_mpich flang
count "$root/tests/consumer/mixture.sh" "$prefix" "$build/prefix-mpich" "$build/mixture"
check "the static library alone" "$root/tests/consumer/static_only.sh" "$build/prefix-static" "$build/static-only"
check "what the static library needs of the system" "$root/tests/consumer/system_libraries.sh" "$prefix" \
    "$build/cmake-openmpi/native-static-libs.txt"

section "Workers on the processors that the launcher gave"
count "$root/tests/binding/run.sh" "$prefix" "$build/binding"
count "$root/tests/info/run.sh" "$prefix" "$build/info"

section "Mapping files"
count "$root/tests/mapping/run.sh" "$prefix" "$build/mapping"

section "Examples, against the installed package"
check "configure the examples" cmake -S "$root/c-examples" -B "$build/examples" -DCMAKE_PREFIX_PATH="$prefix" \
    -DMPIEXEC_PREFLAGS=--oversubscribe -DPython3_EXECUTABLE=/usr/bin/python3
check "build the examples" cmake --build "$build/examples"
check_ctest "$build/examples"

section "The Python module, installed by pip and as it lies"
count "$root/tests/python/run.sh" "$prefix" "$build/python"

section "The Fortran module, against the installed package"
check "configure the Fortran tests" cmake -S "$root/tests/fortran" -B "$build/fortran" -DCMAKE_PREFIX_PATH="$prefix"
check "build the Fortran tests" cmake --build "$build/fortran"
check_ctest "$build/fortran"

section "The mini-app: points, flows, and tasks against MPI"
check "configure the mini-app" cmake -S "$root/s3d-mini" -B "$build/s3d-mini" -DS3D_WITH_COHORT=ON -DCMAKE_PREFIX_PATH="$prefix"
check "build the mini-app" cmake --build "$build/s3d-mini"
check_ctest "$build/s3d-mini"

section "Examples and the mini-app through CUDA's driver interface, on the stand-in"
on_cuda=(env LD_LIBRARY_PATH="$build/cuda" COHORT_DEVICES=cuda COHORT_CACHE="$build/cuda/cache" COHORT_WORKERS=2 CUDA_STAND_IN_ABORTS=1)
for language in c fortran; do
    says "26_device_kernel_$language on the stand-in" "PASSED, 20 of 20 tasks on a device" -- \
        "${on_cuda[@]}" "$build/examples/26_device_kernel_$language"
    says "35_kernel_file_$language on the stand-in" "PASSED, 24 of 24 tasks on a device" -- \
        "${on_cuda[@]}" "$build/examples/35_kernel_file_$language" "$root/c-examples/35_kernel_file.cl"
    says "30_device_mapper_$language on the stand-in" "PASSED, 2 devices" -- \
        "${on_cuda[@]}" CUDA_STAND_IN_DEVICES=2 "$build/examples/30_device_mapper_$language"
done
# A difference of nothing would mean that no device was used.
for ranks in 1 2; do
    check "the mini-app on the stand-in, $ranks ranks" bash -c '"$@" | grep -E "differs by +[1-9]" && [ "${PIPESTATUS[0]}" -eq 0 ]' - \
        "${on_cuda[@]}" mpirun.openmpi --oversubscribe -n "$ranks" "$build/s3d-mini/s3d-mini" \
        "$build/s3d-mini/tests/device_h2o2_tasks_tasks_device_3.nml"
done

section "Loops of OpenMP and OpenACC in functions for CUDA's devices, on the stand-in"
check "configure the loops" cmake -S "$root/tests/directives" -B "$build/directives" -DCMAKE_PREFIX_PATH="$prefix" -DSTAND_IN="$build/cuda"
check "build the loops" cmake --build "$build/directives"
check_ctest "$build/directives"

section "C programs; those of several ranks by shared memory and by messages"
mkdir -p "$build/c"
on_workers() { # on_workers WORKERS: the program `name` on its numbers of ranks, in every way
    local workers=$1 ranks
    if [ "$name" = device_mapping ]; then
        local -x COHORT_MAPPING=$build/c/device_mapping.$workers.map # which it writes
    fi
    for ranks in $counts; do
        check "$name on $ranks ranks, $workers workers" env COHORT_WORKERS="$workers" mpirun.openmpi --oversubscribe -n "$ranks" "$build/c/$name"
        if [ "$ranks" -gt 1 ]; then
            check "$name on $ranks ranks, $workers workers, by messages" env COHORT_FORCE_MESSAGES=1 COHORT_WORKERS="$workers" \
                mpirun.openmpi --oversubscribe -n "$ranks" "$build/c/$name"
        fi
        case $name in
            device_*_mpi)
                check "$name on $ranks ranks, $workers workers, in little device memory" env COHORT_DEVICE_MEMORY=8K COHORT_WORKERS="$workers" \
                    mpirun.openmpi --oversubscribe -n "$ranks" "$build/c/$name"
                ;;
        esac
        if [ "$ranks" -gt 2 ]; then
            check "$name on $ranks ranks, $workers workers, half of them by messages" env COHORT_WORKERS="$workers" \
                mpirun.openmpi --oversubscribe -n "$ranks" "$root/tests/c/mixed.sh" "$build/c/$name"
        fi
    done
}
one_worker() { on_workers 1; }
two_workers() { on_workers 2; }
for source in "$root"/tests/c/*.c; do
    name=$(basename "$source" .c)
    check "compile $name" mpicc.openmpi -std=gnu11 -Wall -Wextra -Werror "$source" -o "$build/c/$name" \
        -I"$prefix/include" -L"$prefix/lib" -lcohort -lm -lpthread -Wl,-rpath,"$prefix/lib"
    case $name in
        device_sources | device_mapping) export COHORT_DEVICES=opencl POCL_DEVICES="pthread pthread" ;; # two devices of one processor
        device_*) export COHORT_DEVICES=opencl && unset POCL_DEVICES ;;
        *) unset COHORT_DEVICES POCL_DEVICES ;;
    esac
    case $name in
        *_mpi)
            counts="1 2 4"
            one_worker
            two_workers
            ;;
        *)
            counts=1
            together one_worker two_workers
            ;;
    esac
done
unset COHORT_DEVICES POCL_DEVICES

section "Messages from device to device, with addresses given to MPI and without"
gpu_aware() { count "$root/tests/c/gpu_aware.sh" "$1" "$build/prefix-$1" "$build/cuda" "$build/gpu-aware-$1"; }
gpu_aware_openmpi() { gpu_aware openmpi; }
gpu_aware_mpich() { gpu_aware mpich; }
together gpu_aware_openmpi gpu_aware_mpich

section "A rank killed outright"
check "the three others are told" "$root/tests/c/lost.sh" told "$build/c/lost"
check "mpirun ends the others where it does not let them go on" "$root/tests/c/lost.sh" ended "$build/c/lost"

section "Thread levels of MPI: the program's messages and tasks at the same time"
levels() { # levels NAME LAUNCHER...: every level, by shared memory and by messages
    local name=$1 level
    shift
    for level in single funneled serialized multiple; do
        check "$name at $level" env COHORT_TEST_LEVEL=$level COHORT_WORKERS=2 "$@"
        check "$name at $level, by messages" env COHORT_TEST_LEVEL=$level COHORT_WORKERS=2 COHORT_FORCE_MESSAGES=1 "$@"
    done
}
# Ranks that wait inside MPI leave the processor to the others.
levels "Open MPI" env OMPI_MCA_mpi_yield_when_idle=1 mpirun.openmpi --oversubscribe -n 2 "$build/c/levels_mpi"
check "compile levels_mpi with MPICH" mpicc.mpich -std=gnu11 -Wall -Wextra -Werror "$root/tests/c/levels_mpi.c" -o "$build/levels-mpich" \
    -I"$build/prefix-mpich/include" -L"$build/prefix-mpich/lib" -lcohort -lpthread -Wl,-rpath,"$build/prefix-mpich/lib"
levels "MPICH" mpirun.mpich -n 2 "$build/levels-mpich"

close_sections
