/* Sets of points for which the system has no memory, of data that lies on devices: what would have to take such a set apart, or to copy each of
 * its parts, fails with a text that says so, and the program goes on. */
#include "kernel_task.h"
#include "limited_memory.h"
#include <malloc.h>

/* As in memory_sets.c, and so many that no set finds room where data lay that was copied; and so few that only copies of all of them find none. */
enum { RUNS = 1000000, FEW = 20000 };
static const size_t ROOM = (size_t)8 << 20, BLOCK = (size_t)64 << 10;
static int32_t parity[2 * RUNS];

static cohort_runtime_t rt;
static cohort_context_t ctx;
static cohort_task_t bump, touch, look;
static cohort_field_t fields[3];
/* All points, and every other one. */
typedef struct {
  cohort_region_t line, even;
} points_t;
static points_t many, few;
static bool limited;

static const char text[] =
  "COHORT_KERNEL void bump(COHORT_GLOBAL int *data, cohort_extent e, int value)\n"
  "{\n"
  "  COHORT_POINT(e, i, j, k)\n"
  "  COHORT_AT(data, e, i, j, k) += 1;\n"
  "}\n";

static int32_t bump_here(cohort_context_t task, void *user)
{
  cohort_view_t view;
  (void)user;
  TRY(cohort_view(task, 0, fields[1], COHORT_READ_WRITE, &view));
  for (int64_t i = 0; i <= view.hi[0]; i++)
    ((int32_t *)view.base)[i] += 1;
  return 0;
}

/* Sees the value in its argument. */
static int32_t look_here(cohort_context_t task, void *user)
{
  int32_t value;
  cohort_view_t view;
  (void)user;
  TRY(cohort_task_args_get(task, &value, sizeof value));
  TRY(cohort_view(task, 0, fields[1], COHORT_READ_ONLY, &view));
  for (int64_t i = 0; i <= view.hi[0]; i += 2)
    CHECK(((int32_t *)view.base)[i] == value);
  return 0;
}

static void limit_again(void)
{
  if (limited)
    limit_memory(ROOM);
}

/* Enqueues nothing. */
static int32_t do_nothing(cohort_context_t task, const cohort_device_t *device, void *user)
{
  (void)task;
  (void)device;
  (void)user;
  return 0;
}

/* Kernels take rectangles, functions whatever there is. */
static cohort_task_t task_with_function(const char *name, cohort_task_function_t here)
{
  cohort_task_t task;
  TRY(cohort_task_register(rt, name, here, NULL, COHORT_TASK_LEAF, &task));
  TRY(cohort_task_device_callback(task, COHORT_DEVICE_ANY, do_nothing, NULL));
  return task;
}

/* It ended well, or failed with this text. */
static void ends(const char *failed)
{
  const cohort_status_t status = cohort_wait_all(ctx);
  if (failed)
    CHECK(status != COHORT_OK && strstr(cohort_last_error(), failed));
  else
    TRY(status);
}

static void run(cohort_task_t task, cohort_region_t region, int32_t processor, int32_t value, const char *failed)
{
  const cohort_privilege_t privilege = task.id == look.id ? COHORT_READ_ONLY : COHORT_READ_WRITE;
  cohort_requirement_t need = {.region = region, .fields = &fields[1], .field_count = 1, .privilege = privilege};
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  launch.task = task;
  launch.processor = processor;
  launch.requirements = &need;
  launch.requirement_count = 1;
  launch.args = &value;
  launch.args_size = sizeof value;
  limit_again();
  TRY(cohort_launch(ctx, &launch, NULL));
  ends(failed);
}

static void on_host(cohort_task_t task, cohort_region_t region, int32_t value, const char *failed)
{
  run(task, region, COHORT_PROC_CPU, value, failed);
}

static void on_device(cohort_task_t task, cohort_region_t region, const char *failed)
{
  run(task, region, COHORT_PROC_DEVICE, 0, failed);
}

static void copy(cohort_region_t region, const char *failed)
{
  cohort_copy_t what = COHORT_COPY_INIT;
  what.source = what.destination = region;
  what.source_fields = &fields[1];
  what.destination_fields = &fields[2];
  what.field_count = 1;
  limit_again();
  TRY(cohort_copy(ctx, &what));
  ends(failed);
}

static void fill(points_t points, int32_t value)
{
  TRY(cohort_fill(ctx, points.line, 2, &fields[1], &value, sizeof value));
  TRY(cohort_wait_all(ctx));
}

static points_t make_points(cohort_field_space_t space, int runs)
{
  const int64_t zero = 0, end = 2 * runs - 1, stride = sizeof *parity;
  points_t points;
  cohort_index_space_t all;
  cohort_partition_t by_parity;
  TRY(cohort_index_space_create(rt, 1, &zero, &end, &all));
  TRY(cohort_region_create(rt, all, space, &points.line));
  TRY(cohort_attach(ctx, points.line, 1, &fields[0], parity, &stride, 0));
  TRY(cohort_partition_by_field(ctx, points.line, fields[0], 2, &by_parity));
  TRY(cohort_detach(ctx, points.line, 1, &fields[0]));
  TRY(cohort_subregion(by_parity, 0, &points.even));
  return points;
}

static void make_objects(void)
{
  cohort_field_space_t space;
  for (int i = 0; i < 2 * RUNS; i++)
    parity[i] = i % 2;
  TRY(cohort_field_space_create(rt, &space));
  TRY(cohort_fields_allocate(space, sizeof *parity, 3, &fields[0]));
  for (int i = 1; i < 3; i++)
    fields[i] = fields[0] + i;
  many = make_points(space, RUNS);
  few = make_points(space, FEW);
  bump = task_with_kernel(rt, "bump", bump_here, text, 0);
  touch = task_with_function("touch", bump_here);
  look = task_with_function("look", look_here);
}

/* Takes all that there is, so that what malloc kept from before does not count. */
static void take_all(void)
{
  limit_memory(ROOM);
  while (malloc(BLOCK))
    ;
  limited = true;
}

int main(void)
{
  static const char none[] = "no memory for", lost[] = "are lost";
  /* Another arena is address space that is not asked for any more. */
  CHECK(mallopt(M_ARENA_MAX, 1) == 1);
  TRY(cohort_init(NULL, &rt));
  TRY(cohort_root_context(rt, &ctx));
  make_objects();
  for (int i = 0; i < 2; i++) {
    const points_t points = i ? few : many;
    fill(points, 0);
    /* All but where the data lies is known of these points before. */
    on_host(look, points.even, 0, NULL);
    copy(points.even, NULL);
    on_device(bump, points.line, NULL);
    on_device(look, points.line, NULL);
    copy(points.line, NULL);
  }
  take_all();

  /* The device alone has it. */
  for (int i = 0; i < 2; i++) {
    const points_t points = i ? few : many;
    on_host(look, points.even, 1, none);
    copy(points.even, none);
    on_host(look, points.line, 1, NULL);
  }

  /* Both have it. */
  on_host(touch, many.even, 0, none);
  on_host(look, many.line, 1, NULL);
  on_device(look, many.line, NULL);
  on_device(touch, many.even, none);
  on_host(look, many.line, 0, lost);

  /* The host alone has it. */
  for (int i = 0; i < 2; i++) {
    const points_t points = i ? few : many;
    fill(points, 5);
    on_device(look, points.even, none);
    on_device(bump, points.line, NULL);
    copy(points.line, NULL);
    on_host(look, points.line, 6, NULL);
  }
  limit_memory(0);
  TRY(cohort_finalize(&rt));
  puts("PASSED");
  return 0;
}
