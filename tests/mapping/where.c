/* Tasks named "even" and "odd task", launched in turn while another task keeps the worker, and where and in which order they ran: each rank
 * prints how many of each ran on the MPI thread, how many inside their launch, whether the "even" ones began before the "odd" ones (with
 * one worker), and a tunable. A task "data" then adds to an array that is there already. */
#define _GNU_SOURCE
#include <cohort_mpi.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#define TRY(call) \
  do { \
    if ((call) != COHORT_OK) { \
      fprintf(stderr, "%s\n", cohort_last_error()); \
      exit(1); \
    } \
  } while (0)

enum { TASKS = 20, DATA = 4000 };

static const char *const names[2] = {"even", "odd task"};
static pthread_t mpi_thread;
static int on_mpi_thread[2], inside[2], begun, last_even, first_odd = 2 * TASKS, launching, kept;

static int32_t keep_worker(cohort_context_t task, void *user)
{
  (void)task;
  (void)user;
  __atomic_store_n(&kept, 1, __ATOMIC_SEQ_CST);
  while (__atomic_load_n(&kept, __ATOMIC_SEQ_CST) == 1)
    sched_yield();
  return 0;
}

static int32_t body(cohort_context_t task, void *user)
{
  const int odd = user == names[1], turn = __atomic_fetch_add(&begun, 1, __ATOMIC_SEQ_CST);
  (void)task;
  __atomic_fetch_add(&on_mpi_thread[odd], pthread_equal(pthread_self(), mpi_thread) != 0, __ATOMIC_SEQ_CST);
  __atomic_fetch_add(&inside[odd], __atomic_load_n(&launching, __ATOMIC_SEQ_CST), __ATOMIC_SEQ_CST);
  if (!odd && turn > last_even)
    last_even = turn;
  if (odd && turn < first_odd)
    first_odd = turn;
  return 0;
}

static int32_t add(cohort_context_t task, void *user)
{
  cohort_view_t v;
  (void)user;
  TRY(cohort_view(task, 0, 0, COHORT_READ_WRITE, &v));
  for (int64_t i = 0; i <= v.hi[0] - v.lo[0]; i++)
    ((double *)v.base)[i] += 1;
  return 0;
}

static void use_data(cohort_runtime_t rt, cohort_context_t ctx)
{
  static double array[DATA];
  const int64_t lo = 0, hi = DATA - 1, stride = sizeof(double);
  cohort_index_space_t space;
  cohort_field_space_t fields;
  cohort_field_t field;
  cohort_requirement_t need = {.fields = &field, .field_count = 1, .privilege = COHORT_READ_WRITE};
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  for (int i = 0; i < DATA; i++)
    array[i] = i;
  TRY(cohort_index_space_create(rt, 1, &lo, &hi, &space));
  TRY(cohort_field_space_create(rt, &fields));
  TRY(cohort_field_allocate(fields, sizeof(double), "x", &field));
  TRY(cohort_region_create(rt, space, fields, &need.region));
  TRY(cohort_attach(ctx, need.region, 1, &field, array, &stride, 0));
  TRY(cohort_task_register(rt, "data", add, NULL, COHORT_TASK_LEAF, &launch.task));
  launch.requirements = &need;
  launch.requirement_count = 1;
  TRY(cohort_launch(ctx, &launch, NULL));
  TRY(cohort_wait_all(ctx));
  for (int i = 0; i < DATA; i++)
    if (array[i] != i + 1) {
      fprintf(stderr, "array[%d] is %g\n", i, array[i]);
      exit(1);
    }
  TRY(cohort_detach(ctx, need.region, 1, &field));
}

int main(int argc, char **argv)
{
  cohort_runtime_t rt;
  cohort_context_t ctx;
  cohort_launch_t launch[2] = {COHORT_LAUNCH_INIT, COHORT_LAUNCH_INIT}, keeper = COHORT_LAUNCH_INIT;
  cohort_status_t status;
  int64_t depth;
  int32_t rank;
  int level;

  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level);
  mpi_thread = pthread_self();
  status = cohort_init_mpi(MPI_COMM_WORLD, NULL, &rt);
  if (status != COHORT_OK) {
    /* Every rank comes here, or none: the others would wait. */
    fprintf(stderr, "refused: %s\n", cohort_last_error());
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Finalize();
    return 0;
  }
  TRY(cohort_rank(rt, &rank));
  TRY(cohort_root_context(rt, &ctx));
  TRY(cohort_tunable(ctx, "depth", 3, &depth));
  for (int i = 0; i < 2; i++)
    TRY(cohort_task_register(rt, names[i], body, (void *)names[i], COHORT_TASK_LEAF, &launch[i].task));
  TRY(cohort_task_register(rt, "keeper", keep_worker, NULL, 0, &keeper.task));
  keeper.processor = COHORT_PROC_CPU;
  TRY(cohort_launch(ctx, &keeper, NULL));
  while (!__atomic_load_n(&kept, __ATOMIC_SEQ_CST))
    sched_yield();
  launching = 1;
  for (int i = 0; i < 2 * TASKS; i++)
    TRY(cohort_launch(ctx, &launch[i % 2], NULL));
  launching = 0;
  __atomic_store_n(&kept, 2, __ATOMIC_SEQ_CST);
  TRY(cohort_wait_all(ctx));
  printf("rank %d: on the MPI thread %d and %d, inside launches %d and %d, even first: %s, depth %d\n", (int)rank,
         on_mpi_thread[0], on_mpi_thread[1], inside[0], inside[1], last_even < first_odd ? "yes" : "no", (int)depth);
  use_data(rt, ctx);
  TRY(cohort_finalize(&rt));
  MPI_Finalize();
  return 0;
}
