/* One text as CUDA C, OpenCL C (1.2 with doubles) and C: what the three call differently, and how kernels find their data. */
#if defined(__OPENCL_VERSION__)
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#define COHORT_KERNEL __kernel
#define COHORT_GLOBAL __global
#define COHORT_CONSTANT __constant
#define COHORT_TABLE __constant
#define COHORT_FUNCTION static inline
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
/* Who calls a kernel as a function sets the work item's index first. */
static _Thread_local long cohort_index[3];
#define COHORT_INDEX(d) cohort_index[d]
#define COHORT_UNROLL
#define COHORT_UNROLL_2
#define COHORT_NO_UNROLL
#endif

/* Where the fields of a requirement lie: points lo to hi of the first field, elements from point to point in each direction,
 * the element of point lo, and the elements from a field to the next. Not to be used: null and an extent without points. */
typedef struct {
  long lo[3], hi[3], stride[3];
  long offset, field;
} cohort_extent;

#define COHORT_INSIDE(extent, i, j, k) \
  ((i) >= (extent).lo[0] && (i) <= (extent).hi[0] && (j) >= (extent).lo[1] && (j) <= (extent).hi[1] && \
   (k) >= (extent).lo[2] && (k) <= (extent).hi[2])
/* The element of a point in the first field. */
#define COHORT_ELEMENT(extent, i, j, k) \
  ((extent).offset + ((i) - (extent).lo[0]) * (extent).stride[0] + ((j) - (extent).lo[1]) * (extent).stride[1] + \
   ((k) - (extent).lo[2]) * (extent).stride[2])
