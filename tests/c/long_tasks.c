/* Tasks that turn out to take long get a worker from the default mapper, the one that had their data, if there are several; others are not worth the question.
 * A mapper that is asked after it sees what it chose. */
#include "testing.h"
#include <stdatomic.h>
#include <string.h>
#include <time.h>

enum { POINTS = 64, BLOCKS = 4, STEPS = 100 };
static cohort_field_t field;
static atomic_int chosen_for_long, chosen_for_short, asked_for_short;

static double now(void)
{
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static int32_t add(cohort_context_t task)
{
  cohort_view_t view;
  TRY(cohort_view(task, 0, field, COHORT_READ_WRITE, &view));
  for (int64_t i = view.lo[0]; i <= view.hi[0]; i++)
    ((double *)view.base)[i - view.lo[0]] += 1;
  return 0;
}

static int32_t long_task(cohort_context_t task, void *user)
{
  const double start = now();
  (void)user;
  while (now() < start + 300e-6)
    ;
  return add(task);
}

static int32_t short_task(cohort_context_t task, void *user)
{
  (void)user;
  return add(task);
}

static int32_t see(const cohort_task_info_t *task, cohort_task_mapping_t *mapping, void *user)
{
  const bool is_long = strcmp(task->name, "long") == 0;
  (void)user;
  if (!is_long)
    asked_for_short++;
  if (mapping->worker >= 0)
    *(is_long ? &chosen_for_long : &chosen_for_short) += 1;
  return 0;
}

int main(void)
{
  const bool off = getenv("COHORT_AFFINITY") && strcmp(getenv("COHORT_AFFINITY"), "0") == 0;
  static double value[POINTS];
  const int64_t lo = 0, hi = POINTS - 1, stride = sizeof(double), count = BLOCKS;
  cohort_mapper_t mapper = COHORT_MAPPER_INIT;
  cohort_mapper_handle_t handle;
  cohort_runtime_t rt;
  cohort_context_t root;
  cohort_index_space_t space;
  cohort_field_space_t fields;
  cohort_region_t region;
  cohort_partition_t blocks;
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  cohort_task_t tasks[2];
  int32_t workers;
  TRY(cohort_init(NULL, &rt));
  TRY(cohort_workers(rt, &workers));
  TRY(cohort_root_context(rt, &root));
  TRY(cohort_index_space_create(rt, 1, &lo, &hi, &space));
  TRY(cohort_field_space_create(rt, &fields));
  TRY(cohort_field_allocate(fields, sizeof(double), "value", &field));
  TRY(cohort_region_create(rt, space, fields, &region));
  TRY(cohort_partition_blocks(region, &count, &blocks));
  TRY(cohort_attach(root, region, 1, &field, value, &stride, 0));
  TRY(cohort_task_register(rt, "long", long_task, NULL, COHORT_TASK_LEAF, &tasks[0]));
  TRY(cohort_task_register(rt, "short", short_task, NULL, COHORT_TASK_LEAF, &tasks[1]));
  mapper.map_task = see;
  TRY(cohort_mapper_register(rt, &mapper, "sees", &handle));
  TRY(cohort_mapper_use(handle, NULL, 0));
  cohort_requirement_t need = {.partition = blocks, .fields = &field, .field_count = 1, .privilege = COHORT_READ_WRITE};
  launch.requirements = &need;
  launch.requirement_count = 1;
  for (int step = 0; step < STEPS; step++)
    for (int kind = 0; kind < 2; kind++) {
      launch.task = tasks[kind];
      TRY(cohort_index_launch(root, &launch, BLOCKS, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
    }
  TRY(cohort_wait_all(root));
  TRY(cohort_detach(root, region, 1, &field));
  TRY(cohort_finalize(&rt));
  for (int i = 0; i < POINTS; i++)
    CHECK(value[i] == 2 * STEPS);
  CHECK(asked_for_short == STEPS * BLOCKS && chosen_for_short == 0);
  CHECK(off || workers == 1 ? chosen_for_long == 0 : chosen_for_long > 0);
  printf("PASSED, %d of %d long tasks had a worker chosen\n", (int)chosen_for_long, STEPS * BLOCKS);
  return 0;
}
