/* The samples as C: a loop over work items around each kernel, with more of them than there are points. */
#include "cohort_kernel.h"
#include "samples.c"

#define ITEMS(extent, d) ((extent).hi[d] - (extent).lo[d] + 3)
#define FOR_ALL(extent)                                                              \
  for (cohort_index[2] = 0; cohort_index[2] < ITEMS(extent, 2); cohort_index[2]++)   \
    for (cohort_index[1] = 0; cohort_index[1] < ITEMS(extent, 1); cohort_index[1]++) \
      for (cohort_index[0] = 0; cohort_index[0] < ITEMS(extent, 0); cohort_index[0]++)

void run_axpy(const double *x, const cohort_extent *of_x, double *y, const cohort_extent *of_y, const how *args)
{
  FOR_ALL(*of_y) axpy(x, *of_x, y, *of_y, *args);
}

void run_fold_all(const double *x, const cohort_extent *of_x, double *d, float *f, long *l, long bins)
{
  FOR_ALL(*of_x) fold_all(x, *of_x, d, f, l, bins);
}

void run_stencil(const double *u, const cohort_extent *of_u, double *v, const cohort_extent *of_v)
{
  FOR_ALL(*of_v) stencil(u, *of_u, v, *of_v);
}
