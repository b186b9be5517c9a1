/* Mappers: what they are told and what they choose; that no choice changes a result; what becomes of nonsense. */
#include "testing.h"
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

enum { POINTS = 64, BLOCKS = 8, STEPS = 10 };
static cohort_field_t field;
static cohort_runtime_t rt;
static cohort_context_t root;
static cohort_region_t region;
static cohort_partition_t blocks;
static cohort_task_t add_one, other_task;
static double value[POINTS], total;
static pthread_t main_thread;
static atomic_int on_main, asked, reported, inside;

static int32_t body(cohort_context_t task, void *user)
{
  cohort_view_t view;
  (void)user;
  if (pthread_equal(pthread_self(), main_thread))
    on_main++;
  TRY(cohort_view(task, 0, field, COHORT_READ_WRITE, &view));
  for (int64_t i = view.lo[0]; i <= view.hi[0]; i++)
    ((double *)view.base)[i - view.lo[0]] += 1;
  return 0;
}

/* Adds one to every point, STEPS times, and checks that it did. */
static void run(cohort_task_t task)
{
  cohort_requirement_t need = {.partition = blocks, .fields = &field, .field_count = 1, .privilege = COHORT_READ_WRITE};
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  double args[2] = {3, 4};
  launch.task = task;
  launch.requirements = &need;
  launch.requirement_count = 1;
  launch.args = args;
  launch.args_size = sizeof args;
  on_main = 0;
  for (int step = 0; step < STEPS; step++)
    TRY(cohort_index_launch(root, &launch, BLOCKS, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
  TRY(cohort_wait_all(root));
  total += STEPS;
  for (int i = 0; i < POINTS; i++)
    CHECK(value[i] == total);
}

static cohort_mapper_handle_t use(cohort_mapper_t *mapper, const char *name)
{
  cohort_mapper_handle_t handle;
  TRY(cohort_mapper_register(rt, mapper, name, &handle));
  TRY(cohort_mapper_use(handle, NULL, 0));
  return handle;
}

static void use_none(void)
{
  cohort_mapper_handle_t none = {0};
  TRY(cohort_mapper_use(none, NULL, 0));
}

static void check_info(const cohort_task_info_t *task)
{
  const cohort_requirement_info_t *need = task->requirements;
  CHECK(task->task.id == add_one.id && !strcmp(task->name, "add one") && task->points == BLOCKS && task->point < BLOCKS);
  CHECK(task->args_size == 2 * sizeof(double) && ((const double *)task->args)[1] == 4);
  CHECK(task->leaf && task->processor == COHORT_PROC_CPU && task->variants == 1u << COHORT_PROC_CPU);
  CHECK(task->requirement_count == 1 && need->dim == 1 && need->field_count == 1 && need->fields[0] == field);
  CHECK(need->privilege == COHORT_READ_WRITE && need->coherence == COHORT_EXCLUSIVE && need->worker >= -1);
  CHECK(need->volume == POINTS / BLOCKS && need->bytes == need->volume * sizeof(double));
  CHECK(need->lo[0] == (int64_t)task->point * POINTS / BLOCKS && need->hi[0] == need->lo[0] + POINTS / BLOCKS - 1);
}

static int32_t all_on_main(const cohort_task_info_t *task, cohort_task_options_t *options, void *user)
{
  check_info(task);
  CHECK(user == &asked && options->processor == COHORT_PROC_CPU && options->priority == 0 && options->run_inline == 0);
  asked++;
  options->processor = COHORT_PROC_MPI;
  return 0;
}

static int32_t all_inline(const cohort_task_info_t *task, cohort_task_options_t *options, void *user)
{
  (void)task;
  (void)user;
  options->run_inline = 1;
  return 0;
}

static int32_t by_point(const cohort_task_info_t *task, cohort_task_options_t *options, void *user)
{
  (void)user;
  options->priority = (int32_t)(task->point % 15) - 7;
  return 0;
}

static int32_t to_worker_one(const cohort_task_info_t *task, cohort_task_mapping_t *mapping, void *user)
{
  (void)user;
  check_info(task);
  CHECK(mapping->requirement_count == 1 && mapping->requirements[0].memory == -1 && mapping->requirements[0].rank == 0);
  asked++;
  mapping->worker = 1;
  mapping->requirements[0].memory = 0;
  return 0;
}

static int32_t two_halves(const cohort_task_info_t *task, cohort_slices_t *slices, void *user)
{
  (void)user;
  CHECK(slices->count == 1 && slices->capacity >= task->points && slices->slices[0].count == task->points);
  CHECK(task->requirements[0].volume == POINTS);
  asked++;
  slices->count = 2;
  slices->slices[0] = (cohort_slice_t){0, task->points / 2, 0};
  slices->slices[1] = (cohort_slice_t){task->points / 2, task->points - task->points / 2, 1};
  return 0;
}

static void report(const cohort_report_t *times, void *user)
{
  (void)user;
  CHECK(times->stop >= times->start && times->start > 0 && !strcmp(times->name, "add one") && times->point < BLOCKS);
  CHECK(times->processor == COHORT_PROC_CPU && times->worker >= 0 && times->worker <= 1);
  reported++;
}

/* Where the calls overlap if nothing keeps them apart. */
static int32_t alone(const cohort_task_info_t *task, cohort_task_mapping_t *mapping, void *user)
{
  const struct timespec while_others_may_come = {0, 100000};
  (void)task;
  (void)mapping;
  (void)user;
  CHECK(inside++ == 0);
  nanosleep(&while_others_may_come, NULL);
  inside--;
  return 0;
}

static void choices(void)
{
  {
    cohort_mapper_t mapper = COHORT_MAPPER_INIT;
    cohort_mapper_handle_t handle;
    uint64_t refused;
    mapper.user = &asked;
    mapper.select_task_options = all_on_main;
    handle = use(&mapper, "main");
    asked = 0;
    run(add_one);
    CHECK(asked == STEPS * BLOCKS && on_main == STEPS * BLOCKS);
    TRY(cohort_mapper_refusals(handle, &refused, NULL, 0));
    CHECK(refused == 0);
    /* For one task only, and then for none. */
    use_none();
    TRY(cohort_mapper_use(handle, &add_one, 1));
    asked = 0;
    run(other_task);
    CHECK(asked == 0);
    run(add_one);
    CHECK(asked == STEPS * BLOCKS);
    use_none();
    run(add_one);
    CHECK(asked == STEPS * BLOCKS);
  }
  {
    cohort_mapper_t mapper = COHORT_MAPPER_INIT;
    mapper.select_task_options = all_inline;
    use(&mapper, "inline");
    run(add_one);
    CHECK(on_main == STEPS * BLOCKS);
  }
  {
    cohort_mapper_t mapper = COHORT_MAPPER_INIT;
    mapper.select_task_options = by_point;
    mapper.map_task = to_worker_one;
    mapper.slice_index_launch = two_halves;
    mapper.report = report;
    use(&mapper, "everything");
    asked = reported = 0;
    run(add_one);
    CHECK(asked == STEPS * (BLOCKS + 1) && reported == STEPS * BLOCKS);
  }
  {
    cohort_mapper_t mapper = COHORT_MAPPER_INIT;
    mapper.flags = COHORT_MAPPER_SERIALISED;
    mapper.map_task = alone;
    use(&mapper, "one at a time");
    run(add_one);
  }
  use_none();
}

/* Nonsense: which kind, and a part of what is said of it. */
static int nonsense;

static int32_t bad_options(const cohort_task_info_t *task, cohort_task_options_t *options, void *user)
{
  (void)task;
  (void)user;
  switch (nonsense) {
    case 0: options->processor = 77; break;
    case 1: options->priority = -8; break;
    case 2: options->run_inline = 5; break;
    case 3: return 13;
    case 4: EXPECT(cohort_wait_all(root), COHORT_ERROR_WRONG_ORDER, "in a callback of a mapper"); return -1;
    case 5: {
      cohort_launch_t launch = COHORT_LAUNCH_INIT;
      launch.task = add_one;
      EXPECT(cohort_launch(root, &launch, NULL), COHORT_ERROR_WRONG_ORDER, "it launches nothing");
      EXPECT(cohort_finalize(&rt), COHORT_ERROR_WRONG_ORDER, "in a callback of a mapper");
      return -1;
    }
  }
  return 0;
}

static int32_t bad_mapping(const cohort_task_info_t *task, cohort_task_mapping_t *mapping, void *user)
{
  (void)task;
  (void)user;
  switch (nonsense) {
    case 0: mapping->processor = -3; break;
    case 1: mapping->worker = 2; break;
    case 2: mapping->worker = -2; break;
    case 3: mapping->priority = 100; break;
    case 4: mapping->requirement_count = 2; break;
    case 5: mapping->requirements[0].memory = 9; break;
    case 6: mapping->requirements[0].rank = 1; break;
    case 7: return 1;
  }
  return 0;
}

static int32_t bad_slices(const cohort_task_info_t *task, cohort_slices_t *slices, void *user)
{
  (void)user;
  switch (nonsense) {
    case 0: slices->count = 0; break;
    case 1: slices->slices[0].count = task->points - 1; break;
    case 2: slices->slices[0].first = 1; slices->slices[0].count = task->points - 1; break;
    case 3: slices->count = 2; slices->slices[1] = (cohort_slice_t){task->points - 1, 1, -1}; break;
    case 4: slices->count = slices->capacity + 1; break;
    case 5: slices->slices[0].worker = 64; break;
    case 6: slices->slices[0].count = 0; break;
    case 7: return 7;
  }
  return 0;
}

static void refused(cohort_mapper_t mapper, const char *callback, const char *const *texts, int count)
{
  for (nonsense = 0; nonsense < count; nonsense++) {
    cohort_mapper_handle_t handle = use(&mapper, "nonsense");
    uint64_t times;
    char text[400], small[8];
    run(add_one);
    TRY(cohort_mapper_refusals(handle, &times, text, sizeof text));
    CHECK(times == (strcmp(callback, "slice_index_launch") ? STEPS * BLOCKS : STEPS));
    if (!strstr(text, texts[nonsense]) || !strstr(text, "mapper \"nonsense\"") || !strstr(text, callback) ||
        !strstr(text, "task \"add one\"") || !strstr(text, "the default is used"))
      FAIL_HERE("%s, case %d: \"%s\"; expected \"%s\"", callback, nonsense, text, texts[nonsense]);
    TRY(cohort_mapper_refusals(handle, &times, small, sizeof small));
    CHECK(strlen(small) == 7 && !strncmp(small, text, 7));
  }
}

static void all_nonsense(void)
{
  static const char *const options[] = {"processor is 77", "priority is -8; priorities are -7 to 7", "run_inline is 5", "returned 13", "returned -1", "returned -1"};
  static const char *const mappings[] = {"processor is -3", "worker is 2; workers are 0 to 1", "worker is -2", "priority is 100",
                                         "requirement_count is 2; the task has 1", "memory 9", "memory of rank 1; this is rank 0", "returned 1"};
  static const char *const slices[] = {"launch has 8 points", "end before point 7", "points 0 to 0 are in no slice", "point 7 is in two slices",
                                       "count is 9; there is room for 8", "worker is 64", "0 points", "returned 7"};
  cohort_mapper_t a = COHORT_MAPPER_INIT, b = COHORT_MAPPER_INIT, c = COHORT_MAPPER_INIT;
  a.select_task_options = bad_options;
  refused(a, "select_task_options", options, 6);
  b.map_task = bad_mapping;
  refused(b, "map_task", mappings, 8);
  c.slice_index_launch = bad_slices;
  refused(c, "slice_index_launch", slices, 8);
  use_none();
}

/* A launch that names a processor gets it, whatever a mapper says. */
static void fixed_processor(void)
{
  cohort_mapper_t mapper = COHORT_MAPPER_INIT;
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  cohort_requirement_t need = {.region = region, .fields = &field, .field_count = 1, .privilege = COHORT_READ_WRITE};
  cohort_mapper_handle_t handle;
  uint64_t times;
  char text[400];
  nonsense = 0;
  mapper.map_task = bad_mapping;
  handle = use(&mapper, "fixed");
  launch.task = add_one;
  launch.processor = COHORT_PROC_MPI;
  launch.requirements = &need;
  launch.requirement_count = 1;
  on_main = 0;
  TRY(cohort_launch(root, &launch, NULL));
  TRY(cohort_wait_all(root));
  total += 1;
  CHECK(on_main == 1);
  TRY(cohort_mapper_refusals(handle, &times, text, sizeof text));
  CHECK(times == 1);
  use_none();
}

static void wrong_calls(void)
{
  cohort_mapper_t mapper = COHORT_MAPPER_INIT;
  cohort_mapper_handle_t handle, stale = {0x123};
  cohort_task_t none = {0};
  uint64_t count;
  EXPECT(cohort_mapper_register(rt, NULL, "m", &handle), COHORT_ERROR_INVALID_ARGUMENT, "mapper is null");
  EXPECT(cohort_mapper_register(rt, &mapper, "m", &handle), COHORT_ERROR_INVALID_ARGUMENT, "no callback");
  mapper.map_task = alone;
  EXPECT(cohort_mapper_register(rt, &mapper, NULL, &handle), COHORT_ERROR_INVALID_ARGUMENT, "name is null");
  EXPECT(cohort_mapper_register(rt, &mapper, "m", NULL), COHORT_ERROR_INVALID_ARGUMENT, "pointer for the result");
  mapper.flags = 4;
  EXPECT(cohort_mapper_register(rt, &mapper, "m", &handle), COHORT_ERROR_INVALID_ARGUMENT, "flags is 0x4");
  mapper.flags = 0;
  mapper.size = 8;
  EXPECT(cohort_mapper_register(rt, &mapper, "m", &handle), COHORT_ERROR_VERSION, "COHORT_MAPPER_INIT");
  EXPECT(cohort_mapper_use(stale, NULL, 0), COHORT_ERROR_INVALID_HANDLE, "a mapper is needed");
  EXPECT(cohort_mapper_refusals(stale, &count, NULL, 0), COHORT_ERROR_INVALID_HANDLE, "a mapper is needed");
  mapper.size = sizeof mapper;
  TRY(cohort_mapper_register(rt, &mapper, "m", &handle));
  EXPECT(cohort_mapper_use(handle, &none, 1), COHORT_ERROR_INVALID_HANDLE, "task is the null handle");
  EXPECT(cohort_mapper_use(handle, NULL, 1), COHORT_ERROR_INVALID_ARGUMENT, "tasks is null");
  EXPECT(cohort_mapper_refusals(handle, NULL, NULL, 0), COHORT_ERROR_INVALID_ARGUMENT, "pointer for the result");
  EXPECT(cohort_tunable(root, NULL, 1, (int64_t *)&count), COHORT_ERROR_INVALID_ARGUMENT, "name is null");
  EXPECT(cohort_tunable(root, "n", 1, NULL), COHORT_ERROR_INVALID_ARGUMENT, "pointer for the result");
}

int main(void)
{
  cohort_config_t config = COHORT_CONFIG_INIT;
  cohort_index_space_t points;
  cohort_field_space_t fields;
  int64_t lo = 0, hi = POINTS - 1, stride = sizeof(double), count = BLOCKS;
  main_thread = pthread_self();
  config.workers = 2;
  config.host_helps = 1;
  TRY(cohort_init(&config, &rt));
  TRY(cohort_root_context(rt, &root));
  TRY(cohort_index_space_create(rt, 1, &lo, &hi, &points));
  TRY(cohort_field_space_create(rt, &fields));
  TRY(cohort_field_allocate(fields, sizeof(double), "v", &field));
  TRY(cohort_region_create(rt, points, fields, &region));
  TRY(cohort_partition_blocks(region, &count, &blocks));
  TRY(cohort_attach(root, region, 1, &field, value, &stride, 0));
  TRY(cohort_task_register(rt, "add one", body, NULL, COHORT_TASK_LEAF, &add_one));
  TRY(cohort_task_register(rt, "other", body, NULL, COHORT_TASK_LEAF, &other_task));
  run(add_one);
  choices();
  all_nonsense();
  fixed_processor();
  wrong_calls();
  run(add_one);
  TRY(cohort_finalize(&rt));
  puts("PASSED");
  return 0;
}
