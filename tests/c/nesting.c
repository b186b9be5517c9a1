/* Tasks that launch tasks; reductions; futures; failures that poison; the window; what a parent may pass on. */
#include "cohort.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "testing.h"
enum { N = 100, BLOCKS = 4, STEPS = 300 };
static cohort_task_t add_one, parent_task, sum_task, number_task, failing_task;
static cohort_partition_t blocks;
static cohort_region_t total;
static cohort_field_t f0 = 0, f1 = 1;

static cohort_launch_t launch_of(cohort_task_t task, const cohort_requirement_t *needs, uint32_t count) {
  cohort_launch_t l = COHORT_LAUNCH_INIT;
  l.task = task; l.requirements = needs; l.requirement_count = count;
  return l;
}

static int32_t add(cohort_context_t task, void *user) {
  cohort_view_t v;
  (void)user;
  TRY(cohort_view(task, 0, f0, COHORT_READ_WRITE, &v));
  for (int64_t i = 0; i <= v.hi[0] - v.lo[0]; i++) ((double *)v.base)[i] += 1;
  return 0;
}

/* Returns before its children are complete. */
static int32_t parent(cohort_context_t task, void *user) {
  cohort_requirement_t q = {.partition = blocks, .fields = &f0, .field_count = 1, .privilege = COHORT_READ_WRITE};
  cohort_requirement_t more = {.partition = blocks, .fields = &f1, .field_count = 1, .privilege = COHORT_READ_WRITE};
  cohort_launch_t l = launch_of(add_one, &q, 1), denied = launch_of(add_one, &more, 1);
  (void)user;
  for (int step = 0; step < STEPS; step++) TRY(cohort_index_launch(task, &l, BLOCKS, 0, 0, NULL));
  CHECK(cohort_index_launch(task, &denied, BLOCKS, 0, 0, NULL) == COHORT_ERROR_PRIVILEGE && strstr(cohort_last_error(), "does not hold"));
  return 0;
}

static int32_t sum(cohort_context_t task, void *user) {
  cohort_view_t v, t;
  (void)user;
  TRY(cohort_view(task, 0, f0, COHORT_READ_ONLY, &v));
  TRY(cohort_view(task, 1, f0, COHORT_REDUCE, &t));
  for (int64_t i = 0; i <= v.hi[0] - v.lo[0]; i++) *(double *)t.base += ((double *)v.base)[i];
  return 0;
}

static int32_t number(cohort_context_t task, void *user) {
  uint32_t point;
  int64_t value;
  (void)user;
  TRY(cohort_task_point(task, &point));
  value = 10 + point;
  TRY(cohort_task_result(task, &value, sizeof value));
  return 0;
}

static int32_t failing(cohort_context_t task, void *user) {
  (void)user;
  TRY(cohort_task_fail(task, "out of fuel"));
  return 0;
}

int main(void) {
  cohort_runtime_t rt; cohort_context_t ctx; cohort_index_space_t is, one; cohort_field_space_t fs; cohort_region_t r;
  cohort_future_t future;
  double q[N] = {0}, t = 0, expected = N * (double)STEPS;
  int64_t lo = 1, hi = N, stride = 8, count = BLOCKS, value;
  cohort_config_t config = COHORT_CONFIG_INIT;
  config.window = 16;
  TRY(cohort_init(&config, &rt)); TRY(cohort_root_context(rt, &ctx));
  TRY(cohort_index_space_create(rt, 1, &lo, &hi, &is)); TRY(cohort_index_space_create(rt, 1, &lo, &lo, &one));
  TRY(cohort_field_space_create(rt, &fs)); TRY(cohort_fields_allocate(fs, 8, 2, &f0));
  TRY(cohort_region_create(rt, is, fs, &r)); TRY(cohort_region_create(rt, one, fs, &total));
  TRY(cohort_partition_blocks(r, &count, &blocks));
  TRY(cohort_attach(ctx, r, 1, &f0, q, &stride, 0)); TRY(cohort_attach(ctx, total, 1, &f0, &t, &stride, 0));
  TRY(cohort_task_register(rt, "add", add, NULL, COHORT_TASK_LEAF, &add_one));
  TRY(cohort_task_register(rt, "parent", parent, NULL, 0, &parent_task));
  TRY(cohort_task_register(rt, "sum", sum, NULL, COHORT_TASK_LEAF, &sum_task));
  TRY(cohort_task_register(rt, "number", number, NULL, COHORT_TASK_LEAF, &number_task));
  TRY(cohort_task_register(rt, "failing", failing, NULL, COHORT_TASK_LEAF, &failing_task));
  cohort_requirement_t whole = {.region = r, .fields = &f0, .field_count = 1, .privilege = COHORT_READ_WRITE};
  cohort_requirement_t reduce[2] = {{.partition = blocks, .fields = &f0, .field_count = 1, .privilege = COHORT_READ_ONLY},
                                    {.region = total, .fields = &f0, .field_count = 1, .privilege = COHORT_REDUCE, .reduction = COHORT_SUM, .reduction_type = COHORT_DOUBLE}};
  cohort_launch_t p = launch_of(parent_task, &whole, 1), s = launch_of(sum_task, reduce, 2);
  cohort_launch_t n = launch_of(number_task, NULL, 0), bad = launch_of(failing_task, &whole, 1);
  TRY(cohort_launch(ctx, &p, NULL)); TRY(cohort_index_launch(ctx, &s, BLOCKS, 0, 0, NULL)); TRY(cohort_wait_all(ctx));
  CHECK(t == expected);
  TRY(cohort_index_launch(ctx, &n, 5, COHORT_SUM, COHORT_INT64, &future));
  TRY(cohort_future_get(future, &value, sizeof value)); CHECK(value == 60); TRY(cohort_future_destroy(&future));
  /* A failure keeps what depends on it from running, and the next wait tells. */
  TRY(cohort_launch(ctx, &bad, NULL)); TRY(cohort_launch(ctx, &p, NULL));
  CHECK(cohort_wait_all(ctx) == COHORT_ERROR_TASK_FAILED && strstr(cohort_last_error(), "task \"failing\" failed on rank 0: out of fuel"));
  CHECK(q[0] == STEPS);
  TRY(cohort_launch(ctx, &p, NULL)); TRY(cohort_wait_all(ctx)); CHECK(q[N - 1] == 2 * STEPS);
  TRY(cohort_finalize(&rt));
  printf("PASSED\n");
  return 0;
}
