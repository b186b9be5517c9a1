/* Tasks that launch themselves, deep and wide: with a wait at every level, without one, and with what a parent does not hold. */
#include "testing.h"

enum { DEEP = 50000, DEEP_WAITS = 10000, N = 16, FIBONACCI = 14 };

static cohort_runtime_t rt;
static cohort_task_t down, down_and_wait, fibonacci_task, add_all;
static cohort_field_t field, forbidden;

static cohort_launch_t with_number(cohort_task_t task, const int64_t *number)
{
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  launch.task = task;
  launch.args = number;
  launch.args_size = sizeof *number;
  return launch;
}

/* Returns before what it launched has begun. */
static int32_t descend(cohort_context_t task, void *user)
{
  int64_t left;
  (void)user;
  TRY(cohort_task_args_get(task, &left, sizeof left));
  if (left-- > 0) {
    cohort_launch_t launch = with_number(down, &left);
    TRY(cohort_launch(task, &launch, NULL));
  }
  return 0;
}

static int64_t value_of(cohort_context_t ctx, cohort_task_t task, int64_t number)
{
  cohort_launch_t launch = with_number(task, &number);
  cohort_future_t future;
  int64_t value;
  TRY(cohort_launch(ctx, &launch, &future));
  TRY(cohort_future_get(future, &value, sizeof value));
  TRY(cohort_future_destroy(&future));
  return value;
}

static int32_t descend_and_wait(cohort_context_t task, void *user)
{
  int64_t left, levels = 1;
  (void)user;
  TRY(cohort_task_args_get(task, &left, sizeof left));
  if (left > 0) levels += value_of(task, down_and_wait, left - 1);
  return cohort_task_result(task, &levels, sizeof levels);
}

static int32_t fibonacci(cohort_context_t task, void *user)
{
  int64_t n, both[2], sum;
  cohort_future_t futures[2];
  (void)user;
  TRY(cohort_task_args_get(task, &n, sizeof n));
  if (n < 2) return cohort_task_result(task, &n, sizeof n);
  for (int i = 0; i < 2; ++i) {
    const int64_t before = n - 1 - i;
    cohort_launch_t launch = with_number(fibonacci_task, &before);
    TRY(cohort_launch(task, &launch, &futures[i]));
  }
  for (int i = 0; i < 2; ++i) {
    TRY(cohort_future_get(futures[i], &both[i], sizeof both[i]));
    TRY(cohort_future_destroy(&futures[i]));
  }
  sum = both[0] + both[1];
  return cohort_task_result(task, &sum, sizeof sum);
}

/* Adds one to its points, halved until there is one; at each level, what its parent does not hold is refused. */
static int32_t adding(cohort_context_t task, void *user)
{
  cohort_region_t region;
  cohort_partition_t halves;
  cohort_requirement_t need = {.fields = &field, .field_count = 1, .privilege = COHORT_READ_WRITE};
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  const int64_t two = 2;
  int64_t lo, hi;
  int32_t dim;
  const cohort_region_t whole = *(cohort_region_t *)user;
  TRY(cohort_task_region(task, 0, &region));
  TRY(cohort_region_bounds(region, &dim, &lo, &hi));
  launch.task = add_all;
  launch.requirements = &need;
  launch.requirement_count = 1;
  if (hi - lo + 1 < N) {
    need.region = whole;
    EXPECT(cohort_launch(task, &launch, NULL), COHORT_ERROR_PRIVILEGE, "does not hold");
  }
  need.region = region;
  need.fields = &forbidden;
  EXPECT(cohort_launch(task, &launch, NULL), COHORT_ERROR_PRIVILEGE, "does not hold");
  need.fields = &field;
  if (lo == hi) {
    cohort_view_t v;
    TRY(cohort_view(task, 0, field, COHORT_READ_WRITE, &v));
    *(double *)v.base += 1;
    return 0;
  }
  TRY(cohort_partition_blocks(region, &two, &halves));
  need.region.id = 0;
  need.partition = halves;
  TRY(cohort_index_launch(task, &launch, 2, 0, 0, NULL));
  return cohort_partition_destroy(&halves);
}

int main(void)
{
  const int64_t lo = 0, hi = N - 1, stride = sizeof(double), deep = DEEP;
  double q[N] = {0};
  cohort_context_t ctx;
  cohort_index_space_t space;
  cohort_field_space_t fields;
  cohort_region_t region;
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  cohort_requirement_t need = {.fields = &field, .field_count = 1, .privilege = COHORT_READ_WRITE};
  TRY(cohort_init(NULL, &rt));
  TRY(cohort_root_context(rt, &ctx));
  TRY(cohort_task_register(rt, "down", descend, NULL, 0, &down));
  TRY(cohort_task_register(rt, "down and wait", descend_and_wait, NULL, 0, &down_and_wait));
  TRY(cohort_task_register(rt, "fibonacci", fibonacci, NULL, 0, &fibonacci_task));
  TRY(cohort_task_register(rt, "add", adding, &region, 0, &add_all));
  launch = with_number(down, &deep);
  TRY(cohort_launch(ctx, &launch, NULL));
  TRY(cohort_wait_all(ctx));
  CHECK(value_of(ctx, down_and_wait, DEEP_WAITS) == DEEP_WAITS + 1);
  CHECK(value_of(ctx, fibonacci_task, FIBONACCI) == 377);
  TRY(cohort_index_space_create(rt, 1, &lo, &hi, &space));
  TRY(cohort_field_space_create(rt, &fields));
  TRY(cohort_field_allocate(fields, sizeof(double), "f", &field));
  TRY(cohort_field_allocate(fields, sizeof(double), "g", &forbidden));
  TRY(cohort_region_create(rt, space, fields, &region));
  TRY(cohort_attach(ctx, region, 1, &field, q, &stride, 0));
  need.region = region;
  launch = (cohort_launch_t)COHORT_LAUNCH_INIT;
  launch.task = add_all;
  launch.requirements = &need;
  launch.requirement_count = 1;
  for (int round = 0; round < 3; ++round) TRY(cohort_launch(ctx, &launch, NULL));
  TRY(cohort_detach(ctx, region, 1, &field));
  for (int i = 0; i < N; ++i) CHECK(q[i] == 3);
  TRY(cohort_finalize(&rt));
  puts("PASSED");
  return 0;
}
