/* Answers of a mapper that are replayed: how often it is asked, that its choices hold when it is not, and what has it asked again. */
#include "testing.h"
#include <pthread.h>
#include <stdatomic.h>

enum { POINTS = 64, BLOCKS = 8, STEPS = 10 };
static cohort_runtime_t rt;
static cohort_context_t root;
static cohort_field_t fields[2];
static cohort_region_t region;
static cohort_partition_t blocks;
static cohort_task_t add_one, parent_task, asking;
static cohort_mapper_handle_t handle;
static pthread_t main_thread;
static double value[2][POINTS], total;
static atomic_int on_main, options_asked, map_asked;
static int32_t replay = 1;
static cohort_layout_t c_order = COHORT_LAYOUT_INIT;

static int32_t body(cohort_context_t task, void *user)
{
  cohort_view_t view;
  (void)user;
  if (pthread_equal(pthread_self(), main_thread))
    on_main++;
  TRY(cohort_view(task, 0, fields[0], COHORT_READ_WRITE, &view));
  for (int64_t i = view.lo[0]; i <= view.hi[0]; i++)
    *(double *)((char *)view.base + (i - view.lo[0]) * view.stride[0]) += 1;
  return 0;
}

static int32_t options(const cohort_task_info_t *task, cohort_task_options_t *chosen, void *user)
{
  (void)user;
  CHECK(chosen->replay == 0);
  options_asked++;
  if (task->processor_is_open)
    chosen->processor = COHORT_PROC_MPI;
  chosen->replay = replay;
  return 0;
}

static int32_t map_task(const cohort_task_info_t *task, cohort_task_mapping_t *chosen, void *user)
{
  (void)user;
  map_asked++;
  if (task->requirement_count > 0 && task->requirements[0].layout_is_open)
    chosen->requirements[0].layout = &c_order;
  return 0;
}

static cohort_launch_t launch_of(cohort_task_t task, const cohort_requirement_t *needs, uint32_t count)
{
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  launch.task = task;
  launch.requirements = needs;
  launch.requirement_count = count;
  return launch;
}

static cohort_requirement_t need(void)
{
  return (cohort_requirement_t){.partition = blocks, .fields = fields, .field_count = 1, .privilege = COHORT_READ_WRITE};
}

/* Launches over all blocks STEPS times; afterwards each callback was asked so many times more. */
static void run(cohort_context_t context, const cohort_launch_t *launch, int times)
{
  const int asked_before = options_asked, mapped_before = map_asked;
  on_main = 0;
  for (int step = 0; step < STEPS; step++)
    TRY(cohort_index_launch(context, launch, BLOCKS, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
  TRY(cohort_wait_all(context));
  if (options_asked - asked_before != times || map_asked - mapped_before != times)
    FAIL_HERE("asked for options %d times and where %d times, expected %d", options_asked - asked_before, map_asked - mapped_before, times);
  total += STEPS;
}

static void check_values(void)
{
  for (int i = 0; i < POINTS; i++)
    CHECK(value[0][i] == total);
}

static int32_t nested(cohort_context_t task, void *user)
{
  const cohort_requirement_t needs[] = {need()};
  const cohort_launch_t launch = launch_of(add_one, needs, 1);
  (void)user;
  run(task, &launch, BLOCKS);
  return 0;
}

static void looks(void)
{
  cohort_requirement_t needs[2] = {need(), need()};
  cohort_launch_t one = launch_of(add_one, needs, 1), two = launch_of(add_one, needs, 2);
  const double args[1] = {1};
  needs[1].fields = &fields[1];
  needs[1].privilege = COHORT_READ_ONLY;
  run(root, &one, BLOCKS);
  CHECK(on_main == STEPS * BLOCKS);
  run(root, &one, 0);
  CHECK(on_main == STEPS * BLOCKS);
  /* Arguments are not looked at; the number of requirements, fields, privileges and the processor are. */
  one.args = args;
  one.args_size = sizeof args;
  run(root, &one, 0);
  run(root, &two, BLOCKS);
  run(root, &two, 0);
  needs[1].privilege = COHORT_READ_WRITE;
  run(root, &two, BLOCKS);
  needs[0].field_count = 2;
  run(root, &one, BLOCKS);
  needs[0].field_count = 1;
  one.processor = COHORT_PROC_CPU;
  run(root, &one, BLOCKS);
  one.processor = COHORT_PROC_ANY;
  run(root, &one, 0);
  CHECK(on_main == STEPS * BLOCKS);
  check_values();
}

/* Single launches on block after block: an answer for each. */
static void regions(void)
{
  cohort_requirement_t needs[1] = {need()};
  const cohort_launch_t launch = launch_of(add_one, needs, 1);
  const int asked_before = options_asked, mapped_before = map_asked;
  needs[0].partition.id = 0;
  for (int step = 0; step < STEPS; step++)
    for (uint32_t block = 0; block < BLOCKS; block++) {
      TRY(cohort_subregion(blocks, block, &needs[0].region));
      TRY(cohort_launch(root, &launch, NULL));
    }
  TRY(cohort_wait_all(root));
  CHECK(options_asked - asked_before == BLOCKS && map_asked - mapped_before == BLOCKS);
  total += STEPS;
  check_values();
}

/* Each context has answers of its own, for as long as it lasts. */
static void contexts(void)
{
  cohort_requirement_t needs[1] = {need()};
  const cohort_launch_t launch = launch_of(parent_task, needs, 1);
  needs[0].partition.id = 0;
  needs[0].region = region;
  for (int i = 0; i < 2; i++) {
    TRY(cohort_launch(root, &launch, NULL));
    TRY(cohort_wait_all(root));
  }
  check_values();
}

/* What a mapper chose cannot be replayed any more: the task now asks for a layout of its own. */
static void layouts(void)
{
  const cohort_requirement_t needs[1] = {need()};
  const cohort_launch_t launch = launch_of(asking, needs, 1);
  const int asked_before = options_asked;
  run(root, &launch, BLOCKS);
  TRY(cohort_task_layout(asking, COHORT_PROC_ANY, 0, &c_order));
  const int mapped_before = map_asked;
  TRY(cohort_index_launch(root, &launch, BLOCKS, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
  TRY(cohort_wait_all(root));
  CHECK(options_asked - asked_before == BLOCKS && map_asked - mapped_before == BLOCKS);
  total += 1;
  check_values();
}

static void other_answers(void)
{
  const cohort_requirement_t needs[1] = {need()};
  const cohort_launch_t launch = launch_of(add_one, needs, 1);
  uint64_t refused;
  char text[200];
  /* Put to use again: everything is asked anew. */
  TRY(cohort_mapper_use(handle, NULL, 0));
  run(root, &launch, BLOCKS);
  run(root, &launch, 0);
  replay = 0;
  TRY(cohort_mapper_use(handle, NULL, 0));
  run(root, &launch, STEPS * BLOCKS);
  TRY(cohort_mapper_refusals(handle, &refused, text, sizeof text));
  CHECK(refused == 0);
  replay = 2;
  run(root, &launch, STEPS * BLOCKS);
  TRY(cohort_mapper_refusals(handle, &refused, text, sizeof text));
  CHECK(refused == STEPS * BLOCKS && strstr(text, "replay is 2; 0 or 1"));
  CHECK(on_main <= STEPS * BLOCKS);
  check_values();
}

int main(void)
{
  cohort_mapper_t mapper = COHORT_MAPPER_INIT;
  cohort_index_space_t space;
  cohort_field_space_t space_of_fields;
  const int64_t lo = 0, hi = POINTS - 1, count = BLOCKS, stride = sizeof(double);
  main_thread = pthread_self();
  TRY(cohort_init(NULL, &rt));
  TRY(cohort_root_context(rt, &root));
  TRY(cohort_index_space_create(rt, 1, &lo, &hi, &space));
  TRY(cohort_field_space_create(rt, &space_of_fields));
  TRY(cohort_fields_allocate(space_of_fields, sizeof(double), 2, fields));
  fields[1] = fields[0] + 1;
  TRY(cohort_region_create(rt, space, space_of_fields, &region));
  for (int i = 0; i < 2; i++)
    TRY(cohort_attach(root, region, 1, &fields[i], value[i], &stride, 0));
  TRY(cohort_partition_blocks(region, &count, &blocks));
  TRY(cohort_task_register(rt, "add one", body, NULL, COHORT_TASK_LEAF, &add_one));
  TRY(cohort_task_register(rt, "asking", body, NULL, COHORT_TASK_LEAF, &asking));
  TRY(cohort_task_register(rt, "parent", nested, NULL, 0, &parent_task));
  c_order.grouping = COHORT_AOS;
  mapper.select_task_options = options;
  mapper.map_task = map_task;
  TRY(cohort_mapper_register(rt, &mapper, "replaying", &handle));
  TRY(cohort_mapper_use(handle, NULL, 0));
  looks();
  TRY(cohort_mapper_use(handle, NULL, 0));
  regions();
  contexts();
  layouts();
  other_answers();
  TRY(cohort_finalize(&rt));
  puts("PASSED");
  return 0;
}
