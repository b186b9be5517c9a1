/* Tasks named "even" and "odd task", launched in turn while another task keeps the worker, and where and in which order they ran: each rank
 * prints how many of each ran on the MPI thread, how many inside their launch, whether the "even" ones began before the "odd" ones (with
 * one worker), and a tunable. */
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

enum { TASKS = 20 };

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
  TRY(cohort_finalize(&rt));
  MPI_Finalize();
  return 0;
}
