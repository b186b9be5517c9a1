/* What one kernel text needs to be CUDA C, OpenCL C and C. Cohort puts it before every kernel source that it compiles; a
 * kernel that is compiled otherwise includes it.
 *
 *   COHORT_KERNEL axpy(COHORT_GLOBAL double *x, cohort_extent of_x, COHORT_GLOBAL double *y, cohort_extent of_y, double a)
 *   {
 *       COHORT_POINT(of_x, i, j, k)
 *       COHORT_AT(y, of_y, i, j, k) += a * COHORT_AT(x, of_x, i, j, k);
 *   }
 *
 * Arguments of a kernel: for each requirement a pointer and a cohort_extent, then the launch's argument bytes, if there are any, as one
 * struct or scalar by value. In C a kernel is a function for one work item; cohort_items says which. */
#ifndef COHORT_KERNEL_H
#define COHORT_KERNEL_H

#if defined(__OPENCL_VERSION__)
#if __OPENCL_VERSION__ < 120
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#endif
#define COHORT_KERNEL __kernel void
#define COHORT_FUNCTION static inline
#define COHORT_GLOBAL __global
#define COHORT_CONSTANT __constant
#define COHORT_RESTRICT restrict
#define COHORT_INDEX(d) ((long)get_global_id(d))
typedef long cohort_long;
#elif defined(__CUDACC__)
#define COHORT_KERNEL extern "C" __global__ void
#define COHORT_FUNCTION static __device__ __forceinline__
#define COHORT_GLOBAL
#define COHORT_CONSTANT static __device__ const
#define COHORT_RESTRICT __restrict__
#define COHORT_INDEX(d) \
    ((d) == 0   ? (cohort_long)blockIdx.x * blockDim.x + threadIdx.x \
     : (d) == 1 ? (cohort_long)blockIdx.y * blockDim.y + threadIdx.y \
                : (cohort_long)blockIdx.z * blockDim.z + threadIdx.z)
typedef long long cohort_long;
#else
#include <math.h>
#define COHORT_KERNEL void
#define COHORT_FUNCTION static inline
#define COHORT_GLOBAL
#define COHORT_CONSTANT static const
#define COHORT_RESTRICT
#define COHORT_INDEX(d) (cohort_items[d])
typedef long long cohort_long;
/* The work item, set by the loop that calls the kernel. */
#if defined(__cplusplus)
static thread_local cohort_long cohort_items[3];
#else
static _Thread_local cohort_long cohort_items[3];
#endif
#endif

/* Where a requirement's data lies in the memory that its pointer names; all in elements. */
typedef struct {
    cohort_long lo[3], hi[3]; /* bounds, inclusive */
    cohort_long stride[3];    /* from a point to the next in each dimension */
    cohort_long offset;       /* of the point lo */
    cohort_long field;        /* from a field to the next, in ascending order of the requirement's fields */
} cohort_extent;

/* The element of a point; of a requirement with several fields that of the first. */
#define COHORT_AT(base, extent, i, j, k) COHORT_FIELD(base, extent, 0, i, j, k)

/* The element of a point in field f of the requirement, counted from 0. */
#define COHORT_FIELD(base, extent, f, i, j, k) \
    ((base)[(extent).offset + (f) * (extent).field + ((i) - (extent).lo[0]) * (extent).stride[0] + \
            ((j) - (extent).lo[1]) * (extent).stride[1] + ((k) - (extent).lo[2]) * (extent).stride[2]])

/* Whether a point lies within the bounds. */
#define COHORT_INSIDE(extent, i, j, k) \
    ((i) >= (extent).lo[0] && (i) <= (extent).hi[0] && (j) >= (extent).lo[1] && (j) <= (extent).hi[1] && \
     (k) >= (extent).lo[2] && (k) <= (extent).hi[2])

/* Begins a kernel whose grid are the points of an extent: declares the work item's point; those beyond the bounds end. */
#define COHORT_POINT(extent, i, j, k) \
    const cohort_long i = (extent).lo[0] + COHORT_INDEX(0); \
    const cohort_long j = (extent).lo[1] + COHORT_INDEX(1); \
    const cohort_long k = (extent).lo[2] + COHORT_INDEX(2); \
    if (!COHORT_INSIDE(extent, i, j, k)) return;

#endif
