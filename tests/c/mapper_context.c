/* Mappers, beyond tasks of index launches: the order that priorities give, tunables, windows, copies, must epochs, and tasks that the
 * launching thread is to run itself. One background worker, so that the order shows. */
#include "testing.h"
#include <stdatomic.h>

enum { ORDERED = 15, WINDOW = 8, CHILDREN = 100, POINTS = 10 };
static cohort_runtime_t rt;
static cohort_context_t root;
static cohort_task_t noted, holding, parent_task, child_task;
static atomic_int go, running, noted_count, order[ORDERED], completed, most_ahead, inline_runs;
static int nonsense;

static cohort_mapper_handle_t use(cohort_mapper_t *mapper)
{
  cohort_mapper_handle_t handle;
  TRY(cohort_mapper_register(rt, mapper, "test", &handle));
  TRY(cohort_mapper_use(handle, NULL, 0));
  return handle;
}

/* So many choices were refused, and this was said of the last. */
static void check_refusals(cohort_mapper_handle_t handle, uint64_t times, const char *part)
{
  char text[400];
  uint64_t count;
  TRY(cohort_mapper_refusals(handle, &count, text, sizeof text));
  if (count != times || !strstr(text, part))
    FAIL_HERE("%d refused, \"%s\"; expected %d, \"%s\"", (int)count, text, (int)times, part);
}

static int32_t hold(cohort_context_t task, void *user)
{
  (void)task; (void)user;
  running = 1;
  while (!go)
    ;
  return 0;
}

static int32_t note(cohort_context_t task, void *user)
{
  uint32_t point;
  (void)user;
  TRY(cohort_task_point(task, &point));
  order[noted_count++] = (int)point;
  return 0;
}

static int32_t priority_by_point(const cohort_task_info_t *task, cohort_task_options_t *options, void *user)
{
  (void)user;
  if (task->points == ORDERED)
    options->priority = (int32_t)(task->point * 4 % ORDERED) - 7;
  return 0;
}

/* The worker is held while tasks of all priorities become ready; then it runs them from the highest down. */
static void priorities(void)
{
  cohort_mapper_t mapper = COHORT_MAPPER_INIT;
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  mapper.select_task_options = priority_by_point;
  use(&mapper);
  launch.task = holding;
  go = running = noted_count = 0;
  TRY(cohort_launch(root, &launch, NULL));
  while (!running)
    ;
  launch.task = noted;
  TRY(cohort_index_launch(root, &launch, ORDERED, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
  go = 1;
  TRY(cohort_wait_all(root));
  for (int i = 0; i < ORDERED; i++)
    CHECK(order[i] * 4 % ORDERED == ORDERED - 1 - i);
}

static int32_t tune(const cohort_context_info_t *context, const char *name, int64_t *value, void *user)
{
  if (nonsense)
    return 3;
  if (!strcmp(name, "tile"))
    *value = context->task.id == 0 ? 16 : 32;
  CHECK(user == &nonsense && (context->task.id == 0) == (*context->name == 0));
  return 0;
}

static int32_t asks(cohort_context_t task, void *user)
{
  int64_t value;
  (void)user;
  TRY(cohort_tunable(task, "tile", 4, &value));
  CHECK(value == 32);
  return 0;
}

static void tunables(void)
{
  cohort_mapper_t mapper = COHORT_MAPPER_INIT;
  cohort_mapper_handle_t handle, none = {0};
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  int64_t value;
  TRY(cohort_mapper_use(none, NULL, 0));
  TRY(cohort_tunable(root, "tile", 4, &value));
  CHECK(value == 4);
  mapper.select_tunable = tune;
  mapper.user = &nonsense;
  handle = use(&mapper);
  TRY(cohort_task_register(rt, "asks", asks, NULL, COHORT_TASK_LEAF, &launch.task));
  TRY(cohort_tunable(root, "tile", 4, &value));
  CHECK(value == 16);
  TRY(cohort_tunable(root, "other", -5, &value));
  CHECK(value == -5);
  TRY(cohort_launch(root, &launch, NULL));
  TRY(cohort_wait_all(root));
  nonsense = 1;
  TRY(cohort_tunable(root, "tile", 4, &value));
  CHECK(value == 4);
  check_refusals(handle, 1, "select_tunable, tunable \"tile\": it returned 3");
  nonsense = 0;
}

static int32_t count(cohort_context_t task, void *user)
{
  (void)task; (void)user;
  completed++;
  return 0;
}

static int32_t parent(cohort_context_t task, void *user)
{
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  (void)user;
  launch.task = child_task;
  for (int i = 0; i < CHILDREN; i++) {
    TRY(cohort_launch(task, &launch, NULL));
    if (i + 1 - completed > most_ahead)
      most_ahead = i + 1 - completed;
  }
  return 0;
}

static int32_t small_window(const cohort_context_info_t *context, int64_t *window, void *user)
{
  (void)user;
  CHECK(*window == 1024);
  if (!strcmp(context->name, "parent"))
    *window = nonsense ? 1 : WINDOW;
  return 0;
}

/* The window is the parent's own, of its only worker: without one it would be all its children ahead. */
static void windows(void)
{
  cohort_mapper_t mapper = COHORT_MAPPER_INIT;
  cohort_mapper_handle_t handle;
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  mapper.configure_context = small_window;
  handle = use(&mapper);
  launch.task = parent_task;
  for (nonsense = 0; nonsense < 2; nonsense++) {
    completed = most_ahead = 0;
    TRY(cohort_launch(root, &launch, NULL));
    TRY(cohort_wait_all(root));
    CHECK(completed == CHILDREN);
    CHECK(nonsense ? most_ahead == CHILDREN : most_ahead <= WINDOW);
  }
  nonsense = 0;
  check_refusals(handle, 1, "configure_context, task \"parent\": window is 1; use 4 to 1000000");
}

static int32_t map_copy(const cohort_copy_info_t *copy, cohort_copy_mapping_t *mapping, void *user)
{
  (void)user;
  CHECK(copy->source.privilege == COHORT_READ_ONLY && copy->destination.privilege == COHORT_WRITE_DISCARD);
  CHECK(copy->source.volume == POINTS && copy->source.bytes == POINTS * 8 && copy->destination.fields[0] == 1);
  CHECK(mapping->worker == -1 && mapping->priority == 0);
  mapping->worker = nonsense ? 0 : 1;
  mapping->priority = 2;
  return 0;
}

static void copies(cohort_region_t region, double *array)
{
  cohort_mapper_t mapper = COHORT_MAPPER_INIT;
  cohort_mapper_handle_t handle;
  cohort_copy_t copy = COHORT_COPY_INIT;
  cohort_field_t from = 0, to = 1;
  mapper.map_copy = map_copy;
  handle = use(&mapper);
  copy.source = copy.destination = region;
  copy.source_fields = &from;
  copy.destination_fields = &to;
  copy.field_count = 1;
  for (nonsense = 0; nonsense < 2; nonsense++) {
    for (int i = 0; i < POINTS; i++)
      array[i] = i + nonsense;
    TRY(cohort_copy(root, &copy));
    TRY(cohort_wait_all(root));
    for (int i = 0; i < POINTS; i++)
      CHECK(array[POINTS + i] == i + nonsense);
  }
  nonsense = 0;
  /* This rank's MPI thread runs no tasks. */
  check_refusals(handle, 1, "worker is 0; workers are 1 to 1");
}

static int32_t to_another_rank(const cohort_task_info_t *members, uint32_t number, cohort_member_mapping_t *mapping, void *user)
{
  (void)user;
  CHECK(number == 1 && !strcmp(members[0].name, "noted") && mapping[0].rank == 0);
  mapping[0].rank = 1;
  return 0;
}

static void must_epoch(void)
{
  cohort_mapper_t mapper = COHORT_MAPPER_INIT;
  cohort_mapper_handle_t handle;
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  mapper.map_must_epoch = to_another_rank;
  handle = use(&mapper);
  launch.task = noted;
  noted_count = 0;
  TRY(cohort_must_epoch(root, 1, &launch, NULL));
  TRY(cohort_must_epoch_wait(root));
  CHECK(noted_count == 1);
  check_refusals(handle, 1, "point 0 is put on rank 1; it belongs to rank 0, and would write another's ghost data");
}

static int32_t map_inline(const cohort_context_info_t *context, const cohort_requirement_info_t *need, cohort_requirement_mapping_t *mapping,
                          void *user)
{
  (void)user;
  CHECK(context->task.id == 0 && need->volume == POINTS && need->privilege == COHORT_READ_WRITE && need->fields[0] == 1);
  CHECK(mapping->memory == -1 && mapping->rank == 0);
  mapping->memory = nonsense ? -2 : 0;
  return 0;
}

static void inline_mappings(cohort_region_t region, const double *array)
{
  cohort_mapper_t mapper = COHORT_MAPPER_INIT;
  cohort_mapper_handle_t handle;
  cohort_field_t field = 1;
  cohort_requirement_t need = {.region = region, .fields = &field, .field_count = 1, .privilege = COHORT_READ_WRITE};
  mapper.map_inline = map_inline;
  handle = use(&mapper);
  for (nonsense = 0; nonsense < 2; nonsense++) {
    cohort_mapping_t mapping;
    cohort_view_t view;
    TRY(cohort_inline_map(root, &need, &mapping));
    TRY(cohort_inline_view(mapping, field, COHORT_READ_WRITE, &view));
    CHECK(view.base == array + POINTS);
    TRY(cohort_inline_unmap(&mapping));
  }
  nonsense = 0;
  check_refusals(handle, 1, "map_inline, task \"\": the mapping is put into memory -2; processors of the host");
}

static cohort_layout_t layout = COHORT_LAYOUT_INIT;
static int64_t seen_stride;
static uint64_t copies_made;

static int32_t strided(cohort_context_t task, void *user)
{
  cohort_view_t view;
  cohort_copied_t copied;
  (void)user;
  TRY(cohort_view(task, 0, 1, COHORT_READ_WRITE, &view));
  TRY(cohort_task_copied(task, 0, &copied));
  seen_stride = view.stride[0];
  copies_made = copied.copies;
  for (int64_t i = view.lo[0]; i <= view.hi[0]; i++)
    *(double *)((char *)view.base + (i - view.lo[0]) * view.stride[0]) += 1;
  return 0;
}

static int32_t map_layout(const cohort_task_info_t *task, cohort_task_mapping_t *mapping, void *user)
{
  CHECK(mapping->requirements[0].layout == NULL && task->requirements[0].layout_is_open == (user != NULL));
  mapping->requirements[0].layout = &layout;
  return 0;
}

/* The task works on records of both fields, copied back after it; where a layout makes no sense it works on the data as it lies. */
static void layouts(cohort_region_t region, const double *array)
{
  const cohort_field_t both[2] = {0, 1};
  cohort_requirement_t need = {.region = region, .fields = both, .field_count = 2, .privilege = COHORT_READ_WRITE};
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  static const struct { uint32_t flags; int32_t coherence, asks; const char *refused; } cases[] = {
    {COHORT_TASK_LEAF, COHORT_EXCLUSIVE, 0, NULL},
    {0, COHORT_EXCLUSIVE, 0, "not a leaf"},
    {COHORT_TASK_LEAF, COHORT_SIMULTANEOUS, 0, "restricted to the data that others use"},
    {COHORT_TASK_LEAF, COHORT_EXCLUSIVE, 1, "asks for one itself"},
    {COHORT_TASK_LEAF, COHORT_EXCLUSIVE, 2, "layout.grouping is 9"},
  };
  launch.requirements = &need;
  launch.requirement_count = 1;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    cohort_mapper_t mapper = COHORT_MAPPER_INIT;
    cohort_mapper_handle_t handle;
    const double before = array[POINTS];
    layout.grouping = COHORT_AOS;
    TRY(cohort_task_register(rt, "strided", strided, NULL, cases[i].flags, &launch.task));
    if (cases[i].asks == 1) {
      const cohort_layout_t own = COHORT_LAYOUT_INIT;
      TRY(cohort_task_layout(launch.task, COHORT_PROC_ANY, 0, &own));
    }
    if (cases[i].asks == 2)
      layout.grouping = 9;
    need.coherence = cases[i].coherence;
    mapper.map_task = map_layout;
    mapper.user = cases[i].refused && cases[i].asks != 2 ? NULL : &layout;
    handle = use(&mapper);
    TRY(cohort_launch(root, &launch, NULL));
    TRY(cohort_wait_all(root));
    CHECK(array[POINTS] == before + 1);
    CHECK(seen_stride == (cases[i].refused ? 8 : 16) && copies_made == (cases[i].refused ? 0 : 1));
    check_refusals(handle, cases[i].refused != NULL, cases[i].refused ? cases[i].refused : "");
  }
}

static int32_t inline_always(const cohort_task_info_t *task, cohort_task_options_t *options, void *user)
{
  (void)user;
  inline_runs += task->may_run_inline;
  options->run_inline = 1;
  return 0;
}

static int32_t launches_in_parent(cohort_context_t task, void *user)
{
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  (void)user;
  /* The root context is in the middle of the launch that runs this task. */
  launch.task = child_task;
  EXPECT(cohort_launch(root, &launch, NULL), COHORT_ERROR_WRONG_THREAD, "another thread");
  TRY(cohort_launch(task, &launch, NULL));
  TRY(cohort_wait_all(task));
  return 0;
}

/* A task that cannot become ready while its launch waits for it: the launch goes on without, and the task runs later. */
static void inline_tasks(cohort_region_t region)
{
  cohort_mapper_t mapper = COHORT_MAPPER_INIT;
  cohort_mapper_handle_t handle;
  cohort_phase_barrier_t gate, open;
  cohort_field_t field = 0;
  cohort_requirement_t need = {.region = region, .fields = &field, .field_count = 1, .privilege = COHORT_READ_WRITE};
  cohort_launch_t launch = COHORT_LAUNCH_INIT, gated;
  mapper.select_task_options = inline_always;
  handle = use(&mapper);
  TRY(cohort_task_register(rt, "launches", launches_in_parent, NULL, 0, &launch.task));
  completed = 0;
  TRY(cohort_launch(root, &launch, NULL));
  CHECK(completed == 1);
  check_refusals(handle, 0, "");

  launch.task = child_task;
  launch.requirements = &need;
  launch.requirement_count = 1;
  gated = launch;
  TRY(cohort_phase_barrier_create(rt, 1, &gate));
  TRY(cohort_phase_barrier_advance(gate, &open));
  gated.wait_barriers = &open;
  gated.wait_barrier_count = 1;
  inline_runs = 0;
  TRY(cohort_launch(root, &gated, NULL));
  CHECK(inline_runs == 0);
  check_refusals(handle, 1, "waits for a barrier or a handshake");
  TRY(cohort_launch(root, &launch, NULL));
  CHECK(completed == 1 && inline_runs == 1);
  check_refusals(handle, 2, "nothing moved while the launching thread waited");
  TRY(cohort_phase_barrier_arrive(gate, 1));
  TRY(cohort_wait_all(root));
  CHECK(completed == 3);
  TRY(cohort_phase_barrier_destroy(&gate));
}

int main(void)
{
  cohort_config_t config = COHORT_CONFIG_INIT;
  cohort_index_space_t points;
  cohort_field_space_t fields;
  cohort_region_t region;
  cohort_field_t both[2];
  cohort_mapper_handle_t none = {0};
  double array[2 * POINTS];
  int64_t lo = 0, hi = POINTS - 1, stride = sizeof(double);
  config.workers = 1;
  config.host_helps = 0;
  config.window = 1024;
  TRY(cohort_init(&config, &rt));
  TRY(cohort_root_context(rt, &root));
  TRY(cohort_task_register(rt, "noted", note, NULL, COHORT_TASK_LEAF, &noted));
  TRY(cohort_task_register(rt, "holding", hold, NULL, COHORT_TASK_LEAF, &holding));
  TRY(cohort_task_register(rt, "parent", parent, NULL, 0, &parent_task));
  TRY(cohort_task_register(rt, "child", count, NULL, COHORT_TASK_LEAF, &child_task));
  TRY(cohort_index_space_create(rt, 1, &lo, &hi, &points));
  TRY(cohort_field_space_create(rt, &fields));
  TRY(cohort_fields_allocate(fields, sizeof(double), 2, &both[0]));
  both[1] = both[0] + 1;
  TRY(cohort_region_create(rt, points, fields, &region));
  TRY(cohort_attach(root, region, 1, &both[0], array, &stride, 0));
  TRY(cohort_attach(root, region, 1, &both[1], array + POINTS, &stride, 0));
  priorities();
  tunables();
  windows();
  copies(region, array);
  must_epoch();
  inline_mappings(region, array);
  layouts(region, array);
  inline_tasks(region);
  TRY(cohort_mapper_use(none, NULL, 0));
  TRY(cohort_finalize(&rt));
  puts("PASSED");
  return 0;
}
