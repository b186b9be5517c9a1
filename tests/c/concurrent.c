/* Index launches whose points run at once: they wait for each other, by barriers and collectives; what cannot run at once is refused. */
#include "testing.h"

enum { ROUNDS = 20 };

static cohort_runtime_t rt;
static cohort_context_t ctx;
static cohort_field_t field;
static cohort_region_t region;
static cohort_partition_t halves;
static cohort_task_t meet, sum_up, nothing_much, parent_task;
static cohort_phase_barrier_t all_here;

/* Every point arrives, and none goes on before all have. */
static int32_t meeting(cohort_context_t task, void *user)
{
  cohort_phase_barrier_t phase = all_here;
  (void)user;
  for (int round = 0; round < ROUNDS; ++round) {
    TRY(cohort_phase_barrier_arrive(phase, 1));
    TRY(cohort_phase_barrier_advance(phase, &phase));
    TRY(cohort_phase_barrier_wait(task, phase));
  }
  return 0;
}

static int32_t summing(cohort_context_t task, void *user)
{
  const cohort_collective_t *given;
  cohort_collective_t next;
  cohort_future_t future;
  uint32_t point;
  int64_t value, sum;
  (void)user;
  TRY(cohort_task_args(task, (const void **)&given, NULL));
  TRY(cohort_task_point(task, &point));
  value = 10 + point;
  TRY(cohort_collective_arrive_bytes(*given, &value, sizeof value));
  TRY(cohort_collective_advance(*given, &next));
  TRY(cohort_collective_future(task, next, &future));
  TRY(cohort_future_get(future, &sum, sizeof sum));
  TRY(cohort_future_destroy(&future));
  return cohort_task_result(task, &sum, sizeof sum);
}

static int32_t nothing(cohort_context_t task, void *user)
{
  (void)task;
  (void)user;
  return 0;
}

static cohort_launch_t at_once(cohort_task_t task, const cohort_requirement_t *needs, uint32_t count)
{
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  launch.task = task;
  launch.requirements = needs;
  launch.requirement_count = count;
  launch.flags = COHORT_LAUNCH_CONCURRENT;
  return launch;
}

/* The points of a launch of its own run at once as well. */
static int32_t parenting(cohort_context_t task, void *user)
{
  cohort_launch_t launch = at_once(meet, NULL, 0);
  TRY(cohort_index_launch(task, &launch, *(uint32_t *)user, 0, 0, NULL));
  return 0;
}

static void points_meet(uint32_t points)
{
  cohort_launch_t launch = at_once(meet, NULL, 0);
  TRY(cohort_phase_barrier_create(rt, points, &all_here));
  TRY(cohort_index_launch(ctx, &launch, points, 0, 0, NULL));
  TRY(cohort_wait_all(ctx));
  TRY(cohort_phase_barrier_destroy(&all_here));
}

static void points_add_up(uint32_t points)
{
  cohort_launch_t launch = at_once(sum_up, NULL, 0);
  cohort_collective_t sum;
  cohort_future_map_t sums;
  int64_t value;
  TRY(cohort_collective_create(rt, points, COHORT_SUM, COHORT_INT64, &sum));
  launch.args = &sum;
  launch.args_size = sizeof sum;
  TRY(cohort_index_launch_map(ctx, &launch, points, &sums));
  for (uint32_t p = 0; p < points; ++p) {
    TRY(cohort_future_map_get(sums, p, &value, sizeof value));
    CHECK(value == 10 * points + points * (points - 1) / 2);
  }
  TRY(cohort_wait_all(ctx));
  TRY(cohort_future_map_destroy(&sums));
  TRY(cohort_collective_destroy(&sum));
}

static int64_t other_half(uint32_t point, uint32_t points, void *user)
{
  return (point + *(const uint32_t *)user) % points;
}

static void what_is_refused(int32_t workers)
{
  cohort_requirement_t need = {.region = region, .fields = &field, .field_count = 1, .privilege = COHORT_READ_WRITE};
  cohort_requirement_t two[2];
  cohort_launch_t launch = at_once(nothing_much, &need, 1);
  char text[100];
  snprintf(text, sizeof text, "%d points at once on a rank with %d processors", workers + 1, workers);
  launch.requirement_count = 0;
  EXPECT(cohort_index_launch(ctx, &launch, workers + 1, 0, 0, NULL), COHORT_ERROR_RESOURCES, text);
  EXPECT(cohort_launch(ctx, &launch, NULL), COHORT_ERROR_INVALID_ARGUMENT, "COHORT_LAUNCH_CONCURRENT, in a launch of one task");
  launch.flags = 6;
  EXPECT(cohort_index_launch(ctx, &launch, 1, 0, 0, NULL), COHORT_ERROR_INVALID_ARGUMENT, "flags is 0x6");
  launch.flags = COHORT_LAUNCH_CONCURRENT;
  launch.processor = COHORT_PROC_MPI;
  EXPECT(cohort_index_launch(ctx, &launch, 1, 0, 0, NULL), COHORT_ERROR_INVALID_ARGUMENT, "a concurrent launch on the MPI thread");
  launch.processor = COHORT_PROC_ANY;
  if (workers < 2) return;
  launch.requirement_count = 1;
  EXPECT(cohort_index_launch(ctx, &launch, 2, 0, 0, NULL), COHORT_ERROR_INTERFERENCE, "points of a concurrent launch run at once");
  need.coherence = COHORT_ATOMIC;
  EXPECT(cohort_index_launch(ctx, &launch, 2, 0, 0, NULL), COHORT_ERROR_INTERFERENCE, "would have to wait for the other");
  need.coherence = COHORT_SIMULTANEOUS;
  TRY(cohort_index_launch(ctx, &launch, 2, 0, 0, NULL));
  /* Reductions with one operator are no trouble; a reader beside them is, in order or not. */
  need.coherence = COHORT_EXCLUSIVE;
  need.privilege = COHORT_REDUCE;
  need.reduction = COHORT_SUM;
  need.reduction_type = COHORT_DOUBLE;
  TRY(cohort_index_launch(ctx, &launch, 2, 0, 0, NULL));
  two[0] = need;
  two[0].region.id = 0;
  two[0].partition = halves;
  two[1] = two[0];
  two[1].privilege = COHORT_READ_ONLY;
  two[1].reduction = two[1].reduction_type = 0;
  {
    static const uint32_t turned = 1;
    cohort_projection_t projection;
    TRY(cohort_projection_register(rt, "other half", other_half, (void *)&turned, &projection));
    two[1].projection = projection;
  }
  launch = at_once(nothing_much, two, 2);
  EXPECT(cohort_index_launch(ctx, &launch, 2, 0, 0, NULL), COHORT_ERROR_INTERFERENCE, "requirement 1 of point");
  launch.flags = 0;
  TRY(cohort_index_launch(ctx, &launch, 2, 0, 0, NULL));
  TRY(cohort_wait_all(ctx));
}

int main(void)
{
  const int64_t lo = 0, hi = 9, two = 2;
  const double zero = 0;
  cohort_index_space_t space;
  cohort_field_space_t fields;
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  int32_t workers;
  uint32_t points;
  TRY(cohort_init(NULL, &rt));
  TRY(cohort_root_context(rt, &ctx));
  TRY(cohort_workers(rt, &workers));
  points = (uint32_t)workers;
  TRY(cohort_index_space_create(rt, 1, &lo, &hi, &space));
  TRY(cohort_field_space_create(rt, &fields));
  TRY(cohort_field_allocate(fields, sizeof(double), "f", &field));
  TRY(cohort_region_create(rt, space, fields, &region));
  TRY(cohort_partition_blocks(region, &two, &halves));
  TRY(cohort_fill(ctx, region, 1, &field, &zero, sizeof zero));
  TRY(cohort_task_register(rt, "meet", meeting, NULL, 0, &meet));
  TRY(cohort_task_register(rt, "sum", summing, NULL, 0, &sum_up));
  TRY(cohort_task_register(rt, "nothing", nothing, NULL, COHORT_TASK_LEAF, &nothing_much));
  TRY(cohort_task_register(rt, "parent", parenting, &points, 0, &parent_task));
  for (uint32_t n = 1; n <= points; ++n) points_meet(n);
  points_add_up(points);
  what_is_refused(workers);
  TRY(cohort_phase_barrier_create(rt, points, &all_here));
  launch.task = parent_task;
  TRY(cohort_launch(ctx, &launch, NULL));
  TRY(cohort_wait_all(ctx));
  TRY(cohort_phase_barrier_destroy(&all_here));
  TRY(cohort_finalize(&rt));
  puts("PASSED");
  return 0;
}
