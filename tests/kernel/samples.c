/* Kernels for the test of cohort_kernel.h: as CUDA C, as OpenCL C and as C. */

typedef struct {
  double factor;
  long field;
} how;

/* y's field `how.field` += factor * x */
COHORT_KERNEL void axpy(COHORT_GLOBAL const double *x, cohort_extent of_x, COHORT_GLOBAL double *y, cohort_extent of_y, how args)
{
  COHORT_POINT(of_y, i, j, k)
  COHORT_FIELD(y, of_y, args.field, i, j, k) += args.factor * COHORT_AT(x, of_x, i, j, k);
}

COHORT_TABLE double weights[2] = {0.5, 0.125};

COHORT_FUNCTION double both(double low, double high)
{
  return low + high;
}

/* A stencil over the six neighbours; where one lies outside of what is given, the point's own value stands for it. */
COHORT_KERNEL void stencil(COHORT_GLOBAL const double *u, cohort_extent of_u, COHORT_GLOBAL double *v, cohort_extent of_v)
{
  COHORT_POINT(of_v, i, j, k)
  const double own = COHORT_AT(u, of_u, i, j, k);
  double sum = 0;
#define NEIGHBOUR(di, dj, dk) \
  (COHORT_INSIDE(of_u, i + (di), j + (dj), k + (dk)) ? COHORT_AT(u, of_u, i + (di), j + (dj), k + (dk)) : own)
  COHORT_UNROLL
  for (int d = 0; d < 3; d++)
    sum += both(NEIGHBOUR(-(d == 0), -(d == 1), -(d == 2)), NEIGHBOUR(d == 0, d == 1, d == 2));
  COHORT_AT(v, of_v, i, j, k) = weights[0] * own + weights[1] * sum;
}

/* All points of x into a few elements of each type: those that belong to a bin, folded in any order. Sums are of whole numbers, products of
 * signs, which no order rounds. */
COHORT_KERNEL void fold_all(COHORT_GLOBAL const double *x, cohort_extent of_x, COHORT_GLOBAL double *d, COHORT_GLOBAL float *f,
                            COHORT_GLOBAL long *l, long bins)
{
  COHORT_POINT(of_x, i, j, k)
  const double value = COHORT_AT(x, of_x, i, j, k);
  const long bin = (i + j + k - of_x.lo[0] - of_x.lo[1] - of_x.lo[2]) % bins, whole = (long)(64 * value);
  const double sign = whole % 2 ? -1 : 1;
  cohort_atomic_sum_double(&d[bin], (double)whole);
  cohort_atomic_product_double(&d[bins + bin], sign);
  cohort_atomic_min_double(&d[2 * bins + bin], value);
  cohort_atomic_max_double(&d[3 * bins + bin], value);
  cohort_atomic_sum_float(&f[bin], (float)(whole % 16));
  cohort_atomic_product_float(&f[bins + bin], (float)sign);
  cohort_atomic_min_float(&f[2 * bins + bin], (float)value);
  cohort_atomic_max_float(&f[3 * bins + bin], (float)value);
  cohort_atomic_sum_long(&l[bin], whole);
  cohort_atomic_product_long(&l[bins + bin], 2 * whole + 1);
  cohort_atomic_min_long(&l[2 * bins + bin], whole);
  cohort_atomic_max_long(&l[3 * bins + bin], whole);
}
