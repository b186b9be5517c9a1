/* Tasks that belong to the MPI thread run there, whatever processor a launch asks for, also when workers have nothing else to do; and
 * code that did not start the runtime finds it. */
#include "cohort.h"
#include <pthread.h>
#include "testing.h"
enum { TASKS = 200 };
static pthread_t mpi_thread;
static cohort_task_t bound, bound_leaf;
static int ran; /* by the MPI thread only */

static int32_t here(cohort_context_t task, void *user)
{
  (void)task;
  (void)user;
  CHECK(pthread_equal(pthread_self(), mpi_thread));
  ran++;
  return 0;
}

/* On any thread: its children have to find theirs. */
static int32_t parent(cohort_context_t task, void *user)
{
  cohort_launch_t child = COHORT_LAUNCH_INIT;
  (void)user;
  child.task = bound;
  TRY(cohort_launch(task, &child, NULL));
  child.task = bound_leaf;
  TRY(cohort_launch(task, &child, NULL));
  return cohort_wait_all(task);
}

static void *find(void *found)
{
  TRY(cohort_current(found));
  return NULL;
}

int main(void)
{
  static const int32_t processors[] = {COHORT_PROC_ANY, COHORT_PROC_CPU, COHORT_PROC_MPI};
  cohort_config_t config = COHORT_CONFIG_INIT;
  cohort_runtime_t rt, found = {0};
  cohort_context_t ctx;
  cohort_task_t task;
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  pthread_t thread;
  mpi_thread = pthread_self();
  EXPECT(cohort_current(&found), COHORT_ERROR_WRONG_ORDER, "cohort_current: no runtime is running");
  config.workers = 3;
  TRY(cohort_init(&config, &rt));
  TRY(cohort_root_context(rt, &ctx));
  EXPECT(cohort_current(NULL), COHORT_ERROR_INVALID_ARGUMENT, "pointer for the result is null");
  TRY(pthread_create(&thread, NULL, find, &found));
  TRY(pthread_join(thread, NULL));
  CHECK(found.id == rt.id);

  EXPECT(cohort_task_register(rt, "wrong", here, NULL, 4, &task), COHORT_ERROR_INVALID_ARGUMENT, "flags is 0x4");
  TRY(cohort_task_register(rt, "bound", here, NULL, COHORT_TASK_MPI_THREAD, &bound));
  TRY(cohort_task_register(rt, "bound leaf", here, NULL, COHORT_TASK_MPI_THREAD + COHORT_TASK_LEAF, &bound_leaf));
  TRY(cohort_task_register(rt, "parent", parent, NULL, 0, &task));
  for (int i = 0; i < TASKS; i++) {
    launch.task = i % 2 ? bound : bound_leaf;
    launch.processor = processors[i % 3];
    TRY(cohort_launch(ctx, &launch, NULL));
    TRY(cohort_index_launch(ctx, &launch, 2, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
    launch.task = task;
    launch.processor = COHORT_PROC_ANY;
    TRY(cohort_launch(ctx, &launch, NULL));
  }
  TRY(cohort_wait_all(ctx));
  CHECK(ran == 5 * TASKS);

  launch.task = bound;
  EXPECT(cohort_must_epoch(ctx, 1, &launch, NULL), COHORT_ERROR_INVALID_ARGUMENT, "member 0: task \"bound\" runs on the MPI thread only");
  TRY(cohort_finalize(&rt));
  EXPECT(cohort_current(&found), COHORT_ERROR_WRONG_ORDER, "no runtime is running");
  printf("PASSED\n");
  return 0;
}
