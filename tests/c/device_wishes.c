/* What a mapper wished for a task holds also after the task has waited for its data to come from a device: of two such tasks the one of
 * higher priority runs first, though the other's data was there before. One worker, which a third task keeps until the data of both is
 * there. Whether it is kept long enough, and is the last of the three, cannot be known. In half of the rounds it is; without the wish the
 * order is the other in nine of ten. */
#include <cohort.h>
#include "testing.h"
#include <time.h>
enum { N = 1 << 20, ROUNDS = 80, ENOUGH = 20 };

static const char *const text =
  "COHORT_KERNEL void set(COHORT_GLOBAL double *x, cohort_extent ex, double value)\n"
  "{\n"
  "  COHORT_POINT(ex, i, j, k)\n"
  "  COHORT_AT(x, ex, i, j, k) = value;\n"
  "}\n";

static double slow[N], quick[N], other[N];
static double round_number;
static int order[2], ran;

static double now(void)
{
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static int32_t on_device_only(cohort_context_t task, void *user)
{
  (void)task;
  (void)user;
  return 1;
}

/* `user`: which it is. */
static int32_t note(cohort_context_t task, void *user)
{
  cohort_view_t view;
  TRY(cohort_view(task, 0, *(cohort_field_t *)user, COHORT_READ_ONLY, &view));
  CHECK(((double *)view.base)[N - 1] == round_number);
  order[ran++] = (int)*(cohort_field_t *)user;
  return 0;
}

/* Looks at arrays that are being filled, as no program may, and gives the device's thread some time more. */
static int32_t hold(cohort_context_t task, void *user)
{
  const volatile double *first = &slow[N - 1], *second = &quick[N - 1];
  double end = now() + 1;
  (void)task;
  (void)user;
  while ((*first != round_number || *second != round_number) && now() < end)
    continue;
  end = now() + 0.005;
  while (now() < end)
    continue;
  return 0;
}

static int32_t options(const cohort_task_info_t *task, cohort_task_options_t *options, void *user)
{
  (void)user;
  if (!strcmp(task->name, "high"))
    options->priority = 7;
  if (!strcmp(task->name, "hold"))
    options->priority = -7;
  return 0;
}

int main(void)
{
  cohort_config_t config = COHORT_CONFIG_INIT;
  cohort_runtime_t rt;
  cohort_context_t ctx;
  cohort_index_space_t is;
  cohort_field_space_t fs;
  cohort_region_t region;
  static cohort_field_t f[3];
  cohort_task_t set, low, high, holding;
  cohort_kernel_t kernel = COHORT_KERNEL_INIT;
  cohort_mapper_t mapper = COHORT_MAPPER_INIT;
  cohort_mapper_handle_t handle;
  double *const arrays[3] = {slow, quick, other};
  const int64_t lo = 0, hi = N - 1, stride = sizeof(double);
  int rounds = 0, in_order = 0;
  config.workers = 1;
  config.host_helps = 0;
  TRY(cohort_init(&config, &rt));
  TRY(cohort_root_context(rt, &ctx));
  TRY(cohort_index_space_create(rt, 1, &lo, &hi, &is));
  TRY(cohort_field_space_create(rt, &fs));
  TRY(cohort_fields_allocate(fs, sizeof(double), 3, &f[0]));
  f[1] = f[0] + 1;
  f[2] = f[0] + 2;
  TRY(cohort_region_create(rt, is, fs, &region));
  for (int i = 0; i < 3; i++)
    TRY(cohort_attach(ctx, region, 1, &f[i], arrays[i], &stride, 0));
  TRY(cohort_task_register(rt, "set", on_device_only, NULL, COHORT_TASK_LEAF, &set));
  TRY(cohort_task_register(rt, "low", note, &f[0], COHORT_TASK_LEAF, &low));
  TRY(cohort_task_register(rt, "high", note, &f[1], COHORT_TASK_LEAF, &high));
  TRY(cohort_task_register(rt, "hold", hold, NULL, COHORT_TASK_LEAF, &holding));
  kernel.source = text;
  kernel.name = "set";
  TRY(cohort_task_kernel(set, &kernel));
  mapper.select_task_options = options;
  TRY(cohort_mapper_register(rt, &mapper, "wishes", &handle));
  TRY(cohort_mapper_use(handle, NULL, 0));
  do {
    ran = 0;
    round_number = ++rounds;
    for (int i = 0; i < 3; i++) {
      cohort_requirement_t written = {.region = region, .fields = &f[i], .field_count = 1, .privilege = COHORT_WRITE_DISCARD};
      cohort_requirement_t read = {.region = region, .fields = &f[i], .field_count = 1, .privilege = COHORT_READ_ONLY};
      cohort_launch_t on_device = COHORT_LAUNCH_INIT, reader = COHORT_LAUNCH_INIT;
      on_device.task = set;
      on_device.processor = COHORT_PROC_DEVICE;
      on_device.args = &round_number;
      on_device.args_size = sizeof round_number;
      on_device.requirements = &written;
      on_device.requirement_count = 1;
      TRY(cohort_launch(ctx, &on_device, NULL));
      /* The third only comes after what the device does: it discards, and so waits for no copy. */
      reader.task = i == 0 ? low : i == 1 ? high : holding;
      reader.requirements = i == 2 ? &written : &read;
      reader.requirement_count = 1;
      TRY(cohort_launch(ctx, &reader, NULL));
    }
    TRY(cohort_wait_all(ctx));
    CHECK(ran == 2);
    in_order += order[0] == (int)f[1];
  } while (in_order < ENOUGH && rounds < ROUNDS);
  CHECK(in_order == ENOUGH);
  TRY(cohort_detach(ctx, region, 3, f));
  TRY(cohort_finalize(&rt));
  printf("PASSED after %d rounds\n", rounds);
  return 0;
}
