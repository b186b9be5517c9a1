/* The kernel of 35_kernel_file.c and .f90: CUDA C, OpenCL C and C at once, by cohort_kernel.h, which the library puts before it. SHARE is
 * an option that the program gives. */

/* Heat from the four neighbours; through the plate's edge, where t ends, none flows. */
COHORT_KERNEL void spread(COHORT_GLOBAL const double *t, cohort_extent of_t, COHORT_GLOBAL double *next, cohort_extent of_next)
{
    COHORT_POINT(of_next, i, j, k)
    const double here = COHORT_AT(t, of_t, i, j, k);
    double flow = 0;
    if (COHORT_INSIDE(of_t, i - 1, j, k)) flow += COHORT_AT(t, of_t, i - 1, j, k) - here;
    if (COHORT_INSIDE(of_t, i + 1, j, k)) flow += COHORT_AT(t, of_t, i + 1, j, k) - here;
    if (COHORT_INSIDE(of_t, i, j - 1, k)) flow += COHORT_AT(t, of_t, i, j - 1, k) - here;
    if (COHORT_INSIDE(of_t, i, j + 1, k)) flow += COHORT_AT(t, of_t, i, j + 1, k) - here;
    COHORT_AT(next, of_next, i, j, k) = here + SHARE * flow;
}
