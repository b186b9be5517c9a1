/* A task that fails on one rank: what depends on it does not run on any rank, every rank leaves the wait it stands in with the
 * same message, and can go on and finalize. Each kind of wait in turn: handshake, barrier, future, collective, all. */
#include "cohort_mpi.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "testing.h"
/* The call fails, and says the same on every rank. */
#define FAILS(call, expected) do { int32_t got_ = (call); \
  if (got_ != COHORT_ERROR_TASK_FAILED || !strstr(cohort_last_error(), expected)) { \
    fprintf(stderr, "rank %d, line %d: %s: %d \"%s\"; expected \"%s\"\n", (int)rank, __LINE__, #call, (int)got_, cohort_last_error(), expected); \
    MPI_Abort(MPI_COMM_WORLD, 1); } } while (0)
static int32_t rank, size, culprit;
static cohort_runtime_t rt;
static cohort_context_t ctx;
static cohort_handshake_t hs;
static cohort_task_t failing, counting;
static int ran;
static char message[128];

static int32_t fail(cohort_context_t task, void *user) {
  const void *args;
  size_t bytes;
  struct timespec pause = {0, 20000000};
  (void)user;
  TRY(cohort_task_args(task, &args, &bytes));
  nanosleep(&pause, NULL);
  TRY(cohort_task_fail(task, bytes ? (const char *)args : "the mixture went out"));
  return 0;
}

static int32_t count(cohort_context_t task, void *user) {
  double value = 1;
  (void)user;
  ran++;
  TRY(cohort_task_result(task, &value, sizeof value));
  return 0;
}

static const char *says(const char *what) {
  snprintf(message, sizeof message, "task \"fail\" failed on rank %d: %s", (int)culprit, what);
  return message;
}

/* Returns when every rank has left its wait. */
static void together(void) { MPI_Barrier(MPI_COMM_WORLD); }

static cohort_launch_t launch_of(cohort_task_t task, const char *why) {
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  launch.task = task;
  if (why) { launch.args = why; launch.args_size = strlen(why) + 1; }
  return launch;
}

static cohort_phase_barrier_t shared_barrier(uint32_t arrivals) {
  cohort_phase_barrier_t barrier;
  if (rank == 0) TRY(cohort_phase_barrier_create(rt, arrivals, &barrier));
  MPI_Bcast(&barrier, sizeof barrier, MPI_BYTE, 0, MPI_COMM_WORLD);
  return barrier;
}

/* Nothing depends on the task: those who wait for something else, that will not come, are told all the same. */
static void in_handshakes(void) {
  cohort_launch_t bad = launch_of(failing, "in a handshake");
  TRY(cohort_handoff_to_tasks(hs));
  if (rank == culprit) TRY(cohort_launch(ctx, &bad, NULL));
  FAILS(cohort_wait_on_tasks(hs), says("in a handshake"));
  together();
  if (rank == culprit) FAILS(cohort_wait_all(ctx), message); else TRY(cohort_wait_all(ctx));
  together();
}

static void in_barriers(void) {
  cohort_launch_t bad = launch_of(failing, "before a barrier");
  cohort_phase_barrier_t barrier = shared_barrier(1), next;
  TRY(cohort_phase_barrier_advance(barrier, &next));
  if (rank == culprit) TRY(cohort_launch(ctx, &bad, NULL));
  FAILS(cohort_phase_barrier_wait(ctx, next), says("before a barrier"));
  together();
  if (rank == culprit) FAILS(cohort_wait_all(ctx), message); else TRY(cohort_wait_all(ctx));
  if (rank == 0) TRY(cohort_phase_barrier_destroy(&barrier));
  together();
}

/* The failure goes with the arrival: what waits for it does not run on any rank, what waits for the next phase does. */
static void through_barriers(void) {
  cohort_launch_t bad = launch_of(failing, "with an arrival"), after = launch_of(counting, NULL);
  cohort_phase_barrier_t barrier = shared_barrier((uint32_t)size), first = barrier, second, third;
  cohort_future_t future;
  double value;
  TRY(cohort_phase_barrier_advance(first, &second)); TRY(cohort_phase_barrier_advance(second, &third));
  bad.arrive_barriers = &first; bad.arrive_barrier_count = 1;
  after.wait_barriers = &second; after.wait_barrier_count = 1;
  ran = 0;
  TRY(cohort_launch(ctx, &after, &future));
  if (rank == culprit) TRY(cohort_launch(ctx, &bad, NULL)); else TRY(cohort_phase_barrier_arrive(first, 1));
  FAILS(cohort_future_get(future, &value, sizeof value), says("with an arrival"));
  FAILS(cohort_phase_barrier_wait(ctx, second), message);
  FAILS(cohort_wait_all(ctx), message);
  TRY(cohort_future_destroy(&future));
  CHECK(ran == 0);
  TRY(cohort_phase_barrier_arrive(second, 1));
  after.wait_barriers = &third;
  TRY(cohort_launch(ctx, &after, NULL)); TRY(cohort_wait_all(ctx));
  CHECK(ran == 1);
  together();
  if (rank == 0) TRY(cohort_phase_barrier_destroy(&barrier));
}

/* The failure goes with the value: nobody has a result, and what uses it does not run. */
static void through_collectives(void) {
  cohort_launch_t bad = launch_of(failing, "instead of a value"), good = launch_of(counting, NULL), use = launch_of(counting, NULL);
  cohort_collective_t sum;
  cohort_future_t mine, all;
  double value = 0;
  if (rank == 0) TRY(cohort_collective_create(rt, (uint32_t)size, COHORT_SUM, COHORT_DOUBLE, &sum));
  MPI_Bcast(&sum, sizeof sum, MPI_BYTE, 0, MPI_COMM_WORLD);
  for (int turn = 0; turn < 2; turn++) {
    ran = 0;
    TRY(cohort_launch(ctx, turn == 0 && rank == culprit ? &bad : &good, &mine));
    TRY(cohort_collective_arrive_future(ctx, sum, mine));
    TRY(cohort_collective_advance(sum, &sum)); TRY(cohort_collective_future(ctx, sum, &all));
    use.futures = &all; use.future_count = 1;
    TRY(cohort_launch(ctx, &use, NULL));
    if (turn == 0) {
      FAILS(cohort_future_get(all, &value, sizeof value), says("instead of a value"));
      FAILS(cohort_wait_all(ctx), message);
      CHECK(ran == (rank != culprit));
    } else {
      TRY(cohort_future_get(all, &value, sizeof value)); TRY(cohort_wait_all(ctx));
      CHECK(value == size && ran == 2);
    }
    TRY(cohort_future_destroy(&mine)); TRY(cohort_future_destroy(&all));
    together();
  }
  if (rank == 0) TRY(cohort_collective_destroy(&sum));
}

/* The members of an epoch wait for each other, and one fails before it comes. */
static int32_t member(cohort_context_t task, void *user) {
  cohort_phase_barrier_t *barrier = user, next;
  int32_t status;
  TRY(cohort_phase_barrier_advance(*barrier, &next));
  if (rank == culprit) { TRY(cohort_task_fail(task, "as a member")); return 0; }
  TRY(cohort_phase_barrier_arrive(*barrier, 1));
  status = cohort_phase_barrier_wait(task, next);
  CHECK(status == COHORT_ERROR_TASK_FAILED);
  return 0;
}

static void in_epochs(void) {
  cohort_phase_barrier_t barrier = shared_barrier((uint32_t)size);
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  char expected[128];
  TRY(cohort_task_register(rt, "member", member, &barrier, 0, &launch.task));
  snprintf(expected, sizeof expected, "task \"member\" failed on rank %d: as a member", (int)culprit);
  TRY(cohort_must_epoch(ctx, 1, &launch, NULL));
  FAILS(cohort_must_epoch_wait(ctx), expected);
  together();
  if (rank == culprit) FAILS(cohort_wait_all(ctx), expected); else TRY(cohort_wait_all(ctx));
  together();
}

/* Operations that wait for an arrival that will not come do not keep the runtime from ending. */
static void at_the_end(void) {
  cohort_launch_t bad = launch_of(failing, "at the end"), stuck = launch_of(counting, NULL);
  cohort_phase_barrier_t barrier = shared_barrier(1), next;
  TRY(cohort_phase_barrier_advance(barrier, &next));
  stuck.wait_barriers = &next; stuck.wait_barrier_count = 1;
  ran = 0;
  TRY(cohort_launch(ctx, &stuck, NULL));
  if (rank == culprit) TRY(cohort_launch(ctx, &bad, NULL));
  FAILS(cohort_finalize(&rt), says("at the end"));
  CHECK(ran == 0 && rt.id == 0);
}

int main(int argc, char **argv) {
  int level;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level);
  for (int turn = 0; turn < 2; turn++) {
    TRY(cohort_init_mpi(MPI_COMM_WORLD, NULL, &rt)); TRY(cohort_root_context(rt, &ctx));
    TRY(cohort_rank(rt, &rank)); TRY(cohort_size(rt, &size));
    culprit = turn == 0 ? size - 1 : 0;
    TRY(cohort_task_register(rt, "fail", fail, NULL, COHORT_TASK_LEAF, &failing));
    TRY(cohort_task_register(rt, "count", count, NULL, COHORT_TASK_LEAF, &counting));
    TRY(cohort_handshake_create(rt, 1, 1, COHORT_SIDE_HOST, &hs));
    in_handshakes();
    in_barriers();
    through_barriers();
    through_collectives();
    in_epochs();
    at_the_end();
  }
  if (rank == 0) printf("PASSED on %d ranks\n", (int)size);
  MPI_Finalize();
  return 0;
}
