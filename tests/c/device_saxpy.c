/* y = a*x + y on a device: a kernel from text, data that stays there between launches, and comes back when the program looks. */
#include "cohort.h"
#include <stdio.h>
#include <stdlib.h>
#include "testing.h"
enum { N = 1000, BLOCKS = 7, STEPS = 5 };

static const char *const text =
  "COHORT_KERNEL void axpy(COHORT_GLOBAL double *x, cohort_extent ex, COHORT_GLOBAL double *y, cohort_extent ey, double a)\n"
  "{\n"
  "  COHORT_POINT(ey, i, j, k)\n"
  "  COHORT_AT(y, ey, i, j, k) += a * COHORT_AT(x, ex, i, j, k);\n"
  "}\n";
static int on_host;

static int32_t saxpy(cohort_context_t task, void *user) {
  double a; cohort_view_t x, y;
  (void)user;
  TRY(cohort_task_args_get(task, &a, sizeof a));
  TRY(cohort_view(task, 0, 0, COHORT_READ_ONLY, &x));
  TRY(cohort_view(task, 1, 1, COHORT_READ_WRITE, &y));
  for (int64_t i = 0; i <= x.hi[0] - x.lo[0]; i++) ((double *)y.base)[i] += a * ((double *)x.base)[i];
  __atomic_fetch_add(&on_host, 1, __ATOMIC_RELAXED);
  return 0;
}

int main(void) {
  cohort_runtime_t rt; cohort_context_t ctx; cohort_index_space_t is; cohort_field_space_t fs;
  cohort_region_t region; cohort_partition_t blocks; cohort_task_t task; cohort_field_t f[2] = {0, 1};
  static double x[N], y[N];
  double a = 2;
  int64_t lo = 1, hi = N, stride = sizeof(double), count = BLOCKS;
  for (int i = 0; i < N; i++) { x[i] = i; y[i] = 1; }
  TRY(cohort_init(NULL, &rt)); TRY(cohort_root_context(rt, &ctx));
  TRY(cohort_index_space_create(rt, 1, &lo, &hi, &is)); TRY(cohort_field_space_create(rt, &fs));
  TRY(cohort_fields_allocate(fs, sizeof(double), 2, &f[0]));
  TRY(cohort_region_create(rt, is, fs, &region)); TRY(cohort_partition_blocks(region, &count, &blocks));
  TRY(cohort_attach(ctx, region, 1, &f[0], x, &stride, 0)); TRY(cohort_attach(ctx, region, 1, &f[1], y, &stride, 0));
  TRY(cohort_task_register(rt, "saxpy", saxpy, NULL, COHORT_TASK_LEAF, &task));
  cohort_kernel_t kernel = COHORT_KERNEL_INIT;
  kernel.source = text; kernel.name = "axpy"; kernel.grid_requirement = 1;
  TRY(cohort_task_kernel(task, &kernel));
  cohort_requirement_t needs[2] = {{.partition = blocks, .fields = &f[0], .field_count = 1, .privilege = COHORT_READ_ONLY},
                                   {.partition = blocks, .fields = &f[1], .field_count = 1, .privilege = COHORT_READ_WRITE}};
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  launch.task = task; launch.args = &a; launch.args_size = sizeof a; launch.requirements = needs; launch.requirement_count = 2;
  for (int step = 0; step < STEPS; step++) {
    TRY(cohort_index_launch(ctx, &launch, BLOCKS, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
  }
  TRY(cohort_wait_all(ctx));
  /* The program may look now, and change its arrays. */
  for (int i = 0; i < N; i++) {
    if (y[i] != 1 + 2.0 * STEPS * i) { printf("FAILED at %d after the wait: %g\n", i, y[i]); return 1; }
    x[i] = 1;
  }
  TRY(cohort_index_launch(ctx, &launch, BLOCKS, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
  launch.processor = COHORT_PROC_CPU;
  TRY(cohort_index_launch(ctx, &launch, BLOCKS, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
  launch.processor = COHORT_PROC_DEVICE;
  TRY(cohort_index_launch(ctx, &launch, BLOCKS, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
  TRY(cohort_detach(ctx, region, 2, f)); TRY(cohort_finalize(&rt));
  for (int i = 0; i < N; i++) if (y[i] != 1 + 2.0 * STEPS * i + 6) { printf("FAILED at %d: %g\n", i, y[i]); return 1; }
  const char *devices = getenv("COHORT_DEVICES");
  int expected = devices && strcmp(devices, "none") != 0 ? BLOCKS : (STEPS + 3) * BLOCKS;
  if (on_host != expected) { printf("FAILED: %d tasks ran on the host, %d were to\n", on_host, expected); return 1; }
  printf("PASSED\n");
  return 0;
}
