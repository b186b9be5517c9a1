/* A must epoch over the ranks: a long-running task on each takes turns with the host; then disagreement and failure. */
#include "cohort_mpi.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "testing.h"
enum { STEPS = 1000 };
static cohort_handshake_t hs;
static double q = 1, rhs;

static int32_t rank_main(cohort_context_t task, void *user) {
  uint32_t point;
  TRY(cohort_task_point(task, &point));
  if (point != *(uint32_t *)user) return 1;
  for (int step = 0; step < STEPS; step++) {
    TRY(cohort_wait_on_host(task, hs));
    rhs = -q;
    TRY(cohort_handoff_to_host(task, hs));
  }
  return 0;
}

static int32_t gives_up(cohort_context_t task, void *user) {
  (void)user;
  TRY(cohort_wait_on_host(task, hs));
  TRY(cohort_task_fail(task, "negative density"));
  return 0;
}

int main(int argc, char **argv) {
  cohort_runtime_t rt; cohort_context_t ctx; cohort_task_t task, failing;
  int32_t rank, size, level;
  uint32_t me;
  double expected = 1;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level);
  TRY(cohort_init_mpi(MPI_COMM_WORLD, NULL, &rt)); TRY(cohort_root_context(rt, &ctx));
  TRY(cohort_rank(rt, &rank)); TRY(cohort_size(rt, &size));
  me = (uint32_t)rank;
  TRY(cohort_task_register(rt, "rank_main", rank_main, &me, 0, &task));
  TRY(cohort_task_register(rt, "gives_up", gives_up, NULL, 0, &failing));
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  TRY(cohort_handshake_create(rt, 1, 1, COHORT_SIDE_HOST, &hs));
  launch.task = task;
  uint32_t wrong = me + 1;
  EXPECT(cohort_must_epoch(ctx, 1, &launch, &wrong), COHORT_ERROR_WRONG_RANK, "member 0");
  TRY(cohort_must_epoch(ctx, 1, &launch, &me));
  for (int step = 0; step < STEPS; step++) {
    TRY(cohort_handoff_to_tasks(hs));
    TRY(cohort_wait_on_tasks(hs));
    q += 1e-3 * rhs; expected -= 1e-3 * expected;
  }
  TRY(cohort_must_epoch_wait(ctx)); TRY(cohort_wait_all(ctx)); TRY(cohort_handshake_destroy(&hs));
  if (q != expected) { printf("FAILED: %g is not %g\n", q, expected); return 1; }
  if (size > 1) {
    launch.task = rank == 0 ? failing : task;
    EXPECT(cohort_must_epoch(ctx, 1, &launch, NULL), COHORT_ERROR_INVALID_ARGUMENT, "other tasks");
  }
  TRY(cohort_handshake_create(rt, 1, 1, COHORT_SIDE_HOST, &hs));
  launch.task = failing;
  TRY(cohort_must_epoch(ctx, 1, &launch, NULL));
  TRY(cohort_handoff_to_tasks(hs));
  EXPECT(cohort_wait_on_tasks(hs), COHORT_ERROR_TASK_FAILED, "\"gives_up\" failed on rank");
  EXPECT(cohort_wait_all(ctx), COHORT_ERROR_TASK_FAILED, "negative density");
  /* What failed on another rank may not have been told yet: then this is where it is. */
  if (cohort_finalize(&rt) != COHORT_OK && !strstr(cohort_last_error(), "\"gives_up\" failed on rank")) {
    fprintf(stderr, "rank %d: %s\n", (int)rank, cohort_last_error());
    MPI_Abort(MPI_COMM_WORLD, 1);
  }
  if (rank == 0) printf("PASSED on %d ranks\n", (int)size);
  MPI_Finalize();
  return 0;
}
