/* Where tasks run: each rank prints the processors on which its tasks ran, and the most that a thread of theirs may use. */
#define _GNU_SOURCE
#include <cohort_mpi.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TRY(call) \
  do { \
    if ((call) != COHORT_OK) { \
      fprintf(stderr, "%s\n", cohort_last_error()); \
      exit(1); \
    } \
  } while (0)

enum { TASKS = 200, MOST = 1024 };

static char ran_on[MOST];
static int widest;

static int32_t look_around(cohort_context_t task, void *user)
{
  const struct timespec while_others_start = {0, 200000};
  cpu_set_t mask;
  (void)task;
  (void)user;
  nanosleep(&while_others_start, NULL);
  sched_getaffinity(0, sizeof mask, &mask);
  __atomic_store_n(&ran_on[sched_getcpu() % MOST], 1, __ATOMIC_RELAXED);
  for (int count = CPU_COUNT(&mask), seen = __atomic_load_n(&widest, __ATOMIC_RELAXED); seen < count;)
    __atomic_compare_exchange_n(&widest, &seen, count, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  return 0;
}

int main(int argc, char **argv)
{
  cohort_runtime_t rt;
  cohort_context_t ctx;
  cohort_task_t task;
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  char list[4 * MOST] = "";
  int32_t rank;
  int level, length = 0;

  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level);
  TRY(cohort_init_mpi(MPI_COMM_WORLD, NULL, &rt));
  TRY(cohort_rank(rt, &rank));
  TRY(cohort_root_context(rt, &ctx));
  TRY(cohort_task_register(rt, "look around", look_around, NULL, COHORT_TASK_LEAF, &task));
  launch.task = task;
  for (int i = 0; i < TASKS; i++)
    TRY(cohort_launch(ctx, &launch, NULL));
  TRY(cohort_wait_all(ctx));
  TRY(cohort_finalize(&rt));
  MPI_Finalize();
  for (int cpu = 0; cpu < MOST; cpu++)
    if (ran_on[cpu])
      length += snprintf(list + length, sizeof list - (size_t)length, "%s%d", length ? "," : "", cpu);
  printf("rank %d ran on %s, threads of at most %d\n", rank, list, widest);
  return 0;
}
