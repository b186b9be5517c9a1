/* SAXPY, moved to other mappings by three lines: see `move_to`. A mapper is a struct of callbacks; those that it lacks are the
 * default's. Whatever a mapper chooses, the answer is the same. */
#include <cohort.h>
#include <stdio.h>
#define TRY(call) do { if (call) { fprintf(stderr, "FAILED: %s\n", cohort_last_error()); return 1; } } while (0)
enum { N = 1000, BLOCKS = 8, STEPS = 3 };
static cohort_field_t f[2]; /* of x and of y */

static int32_t saxpy(cohort_context_t task, void *user) {
  double a; cohort_view_t x, y; (void)user;
  TRY(cohort_task_args_get(task, &a, sizeof a));
  TRY(cohort_view(task, 0, f[0], COHORT_READ_ONLY, &x));
  TRY(cohort_view(task, 1, f[1], COHORT_READ_WRITE, &y));
  for (int64_t i = 0; i <= x.hi[0] - x.lo[0]; i++) ((double *)y.base)[i] += a * ((double *)x.base)[i];
  return 0;
}

/* One mapping: everything on the thread that called cohort_init. */
static int32_t on_mpi_thread(const cohort_task_info_t *task, cohort_task_options_t *options, void *user) {
  (void)task; (void)user;
  options->processor = COHORT_PROC_MPI;
  return 0;
}

/* Another: the first half of the points for worker 0, the second for the last worker, where `user` says how many there are; the
 * last block first. */
static int32_t in_halves(const cohort_task_info_t *task, cohort_slices_t *slices, void *user) {
  uint32_t half = task->points / 2;
  slices->count = 2;
  slices->slices[0] = (cohort_slice_t){0, half, 0};
  slices->slices[1] = (cohort_slice_t){half, task->points - half, *(int32_t *)user - 1};
  return 0;
}

static int32_t last_first(const cohort_task_info_t *task, cohort_task_options_t *options, void *user) {
  (void)user;
  options->priority = task->point + 1 == task->points ? 7 : 0;
  return 0;
}

/* And one that makes no sense: there is no such processor. It is told on stderr once, and the default holds. */
static int32_t nowhere(const cohort_task_info_t *task, cohort_task_options_t *options, void *user) {
  (void)task; (void)user;
  options->processor = 1000;
  return 0;
}

static int move_to(cohort_runtime_t rt, cohort_mapper_t mapper, const char *name, cohort_mapper_handle_t *handle) {
  TRY(cohort_mapper_register(rt, &mapper, name, handle));
  TRY(cohort_mapper_use(*handle, NULL, 0)); /* for all tasks */
  return 0;
}

int main(void) {
  cohort_runtime_t rt; cohort_context_t ctx; cohort_index_space_t points; cohort_field_space_t fields; cohort_region_t region;
  cohort_partition_t blocks; cohort_launch_t launch = COHORT_LAUNCH_INIT;
  int64_t lo = 1, hi = N, stride = sizeof(double), counts = BLOCKS;
  double a = 2, x[N], y[N];
  for (int i = 0; i < N; i++) { x[i] = i; y[i] = 1; }
  cohort_config_t config = COHORT_CONFIG_INIT;
  config.workers = 2;
  TRY(cohort_init(&config, &rt)); TRY(cohort_root_context(rt, &ctx));
  TRY(cohort_index_space_create(rt, 1, &lo, &hi, &points)); TRY(cohort_field_space_create(rt, &fields));
  for (int i = 0; i < 2; i++) TRY(cohort_field_allocate(fields, sizeof(double), i ? "y" : "x", &f[i]));
  TRY(cohort_region_create(rt, points, fields, &region)); TRY(cohort_partition_blocks(region, &counts, &blocks));
  TRY(cohort_attach(ctx, region, 1, &f[0], x, &stride, 0)); TRY(cohort_attach(ctx, region, 1, &f[1], y, &stride, 0));
  TRY(cohort_task_register(rt, "saxpy", saxpy, NULL, COHORT_TASK_LEAF, &launch.task));
  cohort_requirement_t needs[] = {{.partition = blocks, .fields = &f[0], .field_count = 1, .privilege = COHORT_READ_ONLY},
                                  {.partition = blocks, .fields = &f[1], .field_count = 1, .privilege = COHORT_READ_WRITE}};
  launch.args = &a; launch.args_size = sizeof a; launch.requirements = needs; launch.requirement_count = 2;

  int32_t workers;
  TRY(cohort_workers(rt, &workers));
  cohort_mapper_t one = COHORT_MAPPER_INIT, two = COHORT_MAPPER_INIT, wrong = COHORT_MAPPER_INIT;
  one.select_task_options = on_mpi_thread;
  two.slice_index_launch = in_halves; two.select_task_options = last_first; two.user = &workers;
  wrong.select_task_options = nowhere;
  cohort_mapper_t *mappers[] = {&one, &two, &wrong};
  const char *names[] = {"MPI thread", "halves", "nowhere"};
  cohort_mapper_handle_t handles[3];
  for (int m = 0; m < 3; m++) {
    if (move_to(rt, *mappers[m], names[m], &handles[m])) return 1;
    for (int step = 0; step < STEPS; step++)
      TRY(cohort_index_launch(ctx, &launch, BLOCKS, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
    TRY(cohort_wait_all(ctx));
  }
  uint64_t refused[3];
  char said[200];
  for (int m = 0; m < 3; m++) TRY(cohort_mapper_refusals(handles[m], &refused[m], said, sizeof said));
  TRY(cohort_detach(ctx, region, 2, f)); TRY(cohort_finalize(&rt));
  if (refused[0] || refused[1] || refused[2] != STEPS * BLOCKS) { printf("FAILED: refused %d\n", (int)refused[2]); return 1; }
  for (int i = 0; i < N; i++) if (y[i] != 1 + 3 * STEPS * a * i) { printf("FAILED: y[%d] = %g\n", i, y[i]); return 1; }
  return puts("PASSED") < 0;
}
