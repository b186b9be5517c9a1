/* What one kernel text needs to be CUDA C, OpenCL C (1.2 with doubles) and C. Cohort puts it before every kernel source
 * that it compiles; a kernel that is compiled otherwise includes it.
 *
 *   COHORT_KERNEL void axpy(COHORT_GLOBAL const double *x, cohort_extent of_x, COHORT_GLOBAL double *y, cohort_extent of_y, double a)
 *   {
 *     COHORT_POINT(of_y, i, j, k)
 *     COHORT_AT(y, of_y, i, j, k) += a * COHORT_AT(x, of_x, i, j, k);
 *   }
 *
 * A kernel takes a pointer and a cohort_extent for each requirement, then the launch's argument bytes, if there are any, as
 * one scalar or struct by value. In C it is a function for one work item, which cohort_index names. */
#ifndef COHORT_KERNEL_H
#define COHORT_KERNEL_H

#if defined(__OPENCL_VERSION__)
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#define COHORT_KERNEL __kernel
#define COHORT_GLOBAL __global
#define COHORT_CONSTANT __constant
#define COHORT_TABLE __constant
#define COHORT_FUNCTION static inline
#define COHORT_RESTRICT restrict
#define COHORT_INDEX(d) ((long)get_global_id(d))
#define COHORT_UNROLL _Pragma("unroll")
#define COHORT_UNROLL_2 _Pragma("unroll 2")
#define COHORT_NO_UNROLL _Pragma("nounroll")
#elif defined(__CUDACC__)
#define COHORT_KERNEL extern "C" __global__
#define COHORT_GLOBAL
#define COHORT_CONSTANT
#define COHORT_TABLE static __device__
#define COHORT_FUNCTION static __device__ __forceinline__
#define COHORT_RESTRICT __restrict__
#define COHORT_INDEX_0 ((long)blockIdx.x * blockDim.x + threadIdx.x)
#define COHORT_INDEX_1 ((long)blockIdx.y * blockDim.y + threadIdx.y)
#define COHORT_INDEX_2 ((long)blockIdx.z * blockDim.z + threadIdx.z)
#define COHORT_INDEX(d) COHORT_INDEX_##d
#define COHORT_UNROLL _Pragma("unroll")
#define COHORT_UNROLL_2 _Pragma("unroll 2")
#define COHORT_NO_UNROLL _Pragma("unroll 1")
#else
#include <math.h>
#define COHORT_KERNEL
#define COHORT_GLOBAL
#define COHORT_CONSTANT
#define COHORT_TABLE static
#define COHORT_FUNCTION static inline
#define COHORT_RESTRICT restrict
/* Who calls a kernel as a function sets the work item's index first. */
static _Thread_local long cohort_index[3];
#define COHORT_INDEX(d) cohort_index[d]
#define COHORT_UNROLL
#define COHORT_UNROLL_2
#define COHORT_NO_UNROLL
#endif

/* Where the data of a requirement lies in the memory that its pointer names, all in elements: the bounds (inclusive), from a
 * point to the next in each direction, the point lo of the first field, and from a field to the next, in ascending order. Without access to the data: no points, and a null pointer. */
typedef struct {
  long lo[3], hi[3], stride[3];
  long offset, field;
} cohort_extent;

#define COHORT_INSIDE(extent, i, j, k) \
  ((i) >= (extent).lo[0] && (i) <= (extent).hi[0] && (j) >= (extent).lo[1] && (j) <= (extent).hi[1] && \
   (k) >= (extent).lo[2] && (k) <= (extent).hi[2])

/* Where a point lies in the first field. */
#define COHORT_ELEMENT(extent, i, j, k) \
  ((extent).offset + ((i) - (extent).lo[0]) * (extent).stride[0] + ((j) - (extent).lo[1]) * (extent).stride[1] + \
   ((k) - (extent).lo[2]) * (extent).stride[2])

/* The element of a point in the first field, and in field f, counted from 0. */
#define COHORT_AT(base, extent, i, j, k) ((base)[COHORT_ELEMENT(extent, i, j, k)])
#define COHORT_FIELD(base, extent, f, i, j, k) ((base)[COHORT_ELEMENT(extent, i, j, k) + (f) * (extent).field])

/* Folds a value into an element that other work items fold into, too: cohort_atomic_sum_double(&COHORT_AT(x, of_x, i, j, k), value), and so on
 * for sum, product, min and max of double, float and long, with the library's own operators, by which a NaN wins over any number. They
 * come in any order, so that rounded sums and products may differ from run to run. In OpenCL those of 64 bits need
 * cl_khr_int64_base_atomics; without it they are not there. */
#if defined(__OPENCL_VERSION__)
#ifdef cl_khr_int64_base_atomics
#pragma OPENCL EXTENSION cl_khr_int64_base_atomics : enable
#define COHORT_ATOMICS_64
#endif
typedef int cohort_word_32;
typedef long cohort_word_64;
#define COHORT_EXCHANGE_32(at, old, value) atomic_cmpxchg(at, old, value)
#define COHORT_EXCHANGE_64(at, old, value) atom_cmpxchg(at, old, value)
#elif defined(__CUDACC__)
#define COHORT_ATOMICS_64
typedef int cohort_word_32;
typedef unsigned long long cohort_word_64;
#define COHORT_EXCHANGE_32(at, old, value) atomicCAS((int *)(at), old, value)
#define COHORT_EXCHANGE_64(at, old, value) atomicCAS((unsigned long long *)(at), old, value)
#else
#define COHORT_ATOMICS_64
typedef int __attribute__((may_alias)) cohort_word_32;
typedef long __attribute__((may_alias)) cohort_word_64;
#define COHORT_EXCHANGE_32(at, old, value) __sync_val_compare_and_swap(at, old, value)
#define COHORT_EXCHANGE_64(at, old, value) __sync_val_compare_and_swap(at, old, value)
#endif

#define COHORT_ATOMIC_FOLD(name, type, bits, folded)                                        \
  COHORT_FUNCTION void cohort_atomic_##name##_##type(COHORT_GLOBAL type *at, type value)    \
  {                                                                                         \
    volatile COHORT_GLOBAL cohort_word_##bits *word = (volatile COHORT_GLOBAL cohort_word_##bits *)at; \
    union { cohort_word_##bits word; type value; } seen, next;                              \
    cohort_word_##bits before;                                                              \
    seen.word = *word;                                                                      \
    do {                                                                                    \
      const type old = seen.value;                                                          \
      before = seen.word;                                                                   \
      next.value = folded;                                                                  \
      seen.word = COHORT_EXCHANGE_##bits(word, before, next.word);                          \
    } while (seen.word != before);                                                          \
  }
/* Whole numbers wrap around, which C knows of unsigned ones alone. */
#define COHORT_ATOMIC_FOLDS(type, bits, wrapping)                                           \
  COHORT_ATOMIC_FOLD(sum, type, bits, (type)((wrapping)old + (wrapping)value))              \
  COHORT_ATOMIC_FOLD(product, type, bits, (type)((wrapping)old * (wrapping)value))          \
  COHORT_ATOMIC_FOLD(min, type, bits, old != old || old < value ? old : value)              \
  COHORT_ATOMIC_FOLD(max, type, bits, old != old || old > value ? old : value)

COHORT_ATOMIC_FOLDS(float, 32, float)
#ifdef COHORT_ATOMICS_64
COHORT_ATOMIC_FOLDS(double, 64, double)
COHORT_ATOMIC_FOLDS(long, 64, unsigned long)
#endif

/* Begins a kernel that has a work item for each point of an extent: declares its point; items beyond the bounds end here. */
#define COHORT_POINT(extent, i, j, k) \
  const long i = (extent).lo[0] + COHORT_INDEX(0); \
  const long j = (extent).lo[1] + COHORT_INDEX(1); \
  const long k = (extent).lo[2] + COHORT_INDEX(2); \
  if (!COHORT_INSIDE(extent, i, j, k)) return;

#endif
