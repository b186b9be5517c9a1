// Before every source that the stand-in for NVRTC compiles: CUDA C for one thread of the host at a time, without what threads of a block do
// together.
#pragma once
#include <math.h>
#include <utility>

#define __global__ __attribute__((__noinline__, __used__, __nothrow__))
#define __device__
#define __host__
#define __constant__ static
#define __forceinline__ inline __attribute__((__always_inline__))
#define __launch_bounds__(...)

struct uint3 {
  unsigned x, y, z;
};
using dim3 = uint3;
static thread_local uint3 threadIdx, blockIdx, blockDim, gridDim;

#define STAND_IN_ATOMICS(type)                                                                                                             \
  static inline type atomicCAS(type *at, type compare, type value) { return __sync_val_compare_and_swap(at, compare, value); }             \
  static inline type atomicAdd(type *at, type value) { return __sync_fetch_and_add(at, value); }                                           \
  static inline type atomicExch(type *at, type value) { return __atomic_exchange_n(at, value, __ATOMIC_SEQ_CST); }
STAND_IN_ATOMICS(int)
STAND_IN_ATOMICS(unsigned)
STAND_IN_ATOMICS(unsigned long long)

// What the stand-in for the driver launches: see `Described` in api.h.
struct stand_in_described {
  const std::size_t *sizes;
  std::size_t count;
  void (*run)(const unsigned *grid, const unsigned *block, void **parameters);
};

template <typename Function, Function *function> struct stand_in_kernel;
template <typename... Parameters, void (*function)(Parameters...)> struct stand_in_kernel<void(Parameters...), function> {
  static constexpr std::size_t sizes[] = {sizeof(Parameters)..., 0};

  template <std::size_t... I> static void each(const unsigned *grid, const unsigned *block, void **parameters, std::index_sequence<I...>)
  {
    (void)parameters;
    gridDim = {grid[0], grid[1], grid[2]};
    blockDim = {block[0], block[1], block[2]};
    for (blockIdx.z = 0; blockIdx.z < grid[2]; blockIdx.z++)
      for (blockIdx.y = 0; blockIdx.y < grid[1]; blockIdx.y++)
        for (blockIdx.x = 0; blockIdx.x < grid[0]; blockIdx.x++)
          for (threadIdx.z = 0; threadIdx.z < block[2]; threadIdx.z++)
            for (threadIdx.y = 0; threadIdx.y < block[1]; threadIdx.y++)
              for (threadIdx.x = 0; threadIdx.x < block[0]; threadIdx.x++)
                function(*static_cast<Parameters *>(parameters[I])...);
  }

  static void run(const unsigned *grid, const unsigned *block, void **parameters) { each(grid, block, parameters, std::index_sequence_for<Parameters...>()); }
};
template <typename... Parameters, void (*function)(Parameters...)> constexpr std::size_t stand_in_kernel<void(Parameters...), function>::sizes[];
