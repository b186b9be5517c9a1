/* Functions for CUDA's devices that leave their work to a loop of OpenMP or OpenACC, as docs/guide/devices.md has them. GCC compiles them for
 * the host alone, where the loops run on the stand-in's device memory (CUDA_STAND_IN_HOST_ACCESS=1). */
#include "../c/kernel_task.h"
#include <openacc.h>

enum { NX = 60, NY = 40, TILES = 4, STEPS = 20 };
static cohort_field_t temperature;

/* For the loops to wait for. */
static const char *const text =
  "COHORT_KERNEL void lower(COHORT_GLOBAL double *t, cohort_extent e)\n"
  "{\n"
  "  COHORT_POINT(e, i, j, k)\n"
  "  COHORT_AT(t, e, i, j, k) -= i;\n"
  "}\n";

/* Of cuda.h. */
int cuStreamSynchronize(void *stream);

typedef struct {
  double *t;
  long nx, ny, row;
  int device;
} tile_t;

/* On the device, for loops that come to no stream of ours: what was enqueued before on that of the task has been done. */
static tile_t tile_on_device(cohort_context_t task, const cohort_device_t *device)
{
  cohort_device_view_t view;
  TRY(cohort_view_device(task, 0, temperature, COHORT_READ_WRITE, &view));
  CHECK(cuStreamSynchronize(device->stream) == 0);
  return (tile_t){.t = (double *)((char *)view.base + view.offset),
                  .nx = view.hi[0] - view.lo[0] + 1,
                  .ny = view.hi[1] - view.lo[1] + 1,
                  .row = view.stride[1] / sizeof(double),
                  .device = (int)(intptr_t)device->device};
}

static int32_t warm_by_openmp(cohort_context_t task, const cohort_device_t *device, void *user)
{
  const tile_t tile = tile_on_device(task, device);
  double *t = tile.t;
  (void)user;
#pragma omp target teams distribute parallel for collapse(2) device(tile.device) is_device_ptr(t)
  for (long j = 0; j < tile.ny; j++)
    for (long i = 0; i < tile.nx; i++)
      t[i + tile.row * j] += 1;
  return 0;
}

static int32_t double_by_openacc(cohort_context_t task, const cohort_device_t *device, void *user)
{
  const tile_t tile = tile_on_device(task, device);
  double *t = tile.t;
  (void)user;
  acc_set_device_num(tile.device, acc_device_default);
#pragma acc parallel loop collapse(2) deviceptr(t)
  for (long j = 0; j < tile.ny; j++)
    for (long i = 0; i < tile.nx; i++)
      t[i + tile.row * j] *= 2;
  return 0;
}

static int32_t nowhere_else(cohort_context_t task, void *user)
{
  (void)user;
  return cohort_task_fail(task, "it ran on the host");
}

static cohort_launch_t on_devices(cohort_runtime_t rt, const char *name, cohort_device_function_t function, const cohort_requirement_t *need)
{
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  if (function) {
    TRY(cohort_task_register(rt, name, nowhere_else, NULL, COHORT_TASK_LEAF, &launch.task));
    TRY(cohort_task_device_callback(launch.task, COHORT_DEVICE_CUDA, function, NULL));
  } else {
    launch.task = task_with_kernel(rt, name, nowhere_else, text, 0);
  }
  launch.requirements = need;
  launch.requirement_count = 1;
  launch.processor = COHORT_PROC_DEVICE;
  return launch;
}

int main(void)
{
  static double array[NY][NX];
  const int64_t lo[2] = {1, 1}, hi[2] = {NX, NY}, counts[2] = {2, 2}, strides[2] = {sizeof **array, sizeof *array};
  cohort_runtime_t rt;
  cohort_context_t ctx;
  cohort_index_space_t points;
  cohort_field_space_t fields;
  cohort_region_t plate;
  cohort_partition_t tiles;
  double expected[NX] = {0};
  TRY(cohort_init(NULL, &rt));
  TRY(cohort_root_context(rt, &ctx));
  TRY(cohort_index_space_create(rt, 2, lo, hi, &points));
  TRY(cohort_field_space_create(rt, &fields));
  TRY(cohort_field_allocate(fields, sizeof(double), "temperature", &temperature));
  TRY(cohort_region_create(rt, points, fields, &plate));
  TRY(cohort_partition_blocks(plate, counts, &tiles));
  TRY(cohort_attach(ctx, plate, 1, &temperature, array, strides, 0));
  /* Tiles lie on the device as parts of the whole. */
  const cohort_requirement_t whole = {.region = plate, .fields = &temperature, .field_count = 1, .privilege = COHORT_READ_WRITE};
  const cohort_requirement_t part = {.partition = tiles, .fields = &temperature, .field_count = 1, .privilege = COHORT_READ_WRITE};
  const cohort_launch_t lower = on_devices(rt, "lower", NULL, &whole), warm = on_devices(rt, "warm", warm_by_openmp, &part);
  const cohort_launch_t twice = on_devices(rt, "twice", double_by_openacc, &whole);
  for (int step = 0; step < STEPS; step++) {
    TRY(cohort_launch(ctx, &lower, NULL));
    TRY(cohort_index_launch(ctx, &warm, TILES, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
    TRY(cohort_launch(ctx, &lower, NULL));
    TRY(cohort_launch(ctx, &twice, NULL));
    for (int i = 0; i < NX; i++)
      expected[i] = (expected[i] - (i + 1) + 1 - (i + 1)) * 2;
  }
  TRY(cohort_wait_all(ctx));
  for (int j = 0; j < NY; j++)
    for (int i = 0; i < NX; i++)
      if (array[j][i] != expected[i])
        FAIL_HERE("%g instead of %g at %d, %d", array[j][i], expected[i], i + 1, j + 1);
  TRY(cohort_finalize(&rt));
  puts("PASSED");
  return 0;
}
