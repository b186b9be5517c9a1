/* Phase barriers across ranks: every rank owns one at which its left neighbour arrives, and waits there before it reads what
 * the neighbour sent; by calls, by launches that run ahead, and from the members of a must epoch. Then wrong handles. */
#include "cohort_mpi.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "testing.h"
/* A call about a barrier of another rank that its owner refuses: at once where memory is shared, else at a later wait. */
#define REFUSED(owner, call, code, part) do { \
  if (!apart(owner)) { EXPECT(call, code, part); break; } \
  TRY(call); \
  EXPECT(cohort_phase_barrier_wait(ctx, never), COHORT_ERROR_TASK_FAILED, part); \
  CHECK(strstr(cohort_last_error(), "was refused there")); } while (0)
enum { STEPS = 2000, AHEAD = 50 };
static int32_t rank, size;
static int32_t forced, *who_is_forced;
static cohort_runtime_t rt;
static cohort_context_t ctx;
static cohort_phase_barrier_t all, mine, right, never;

/* Whether a rank shares no memory with this one. */
static bool apart(int32_t other) { return other != rank && (forced || who_is_forced[other]); }

static int32_t nothing(cohort_context_t task, void *user) { (void)task; (void)user; return 0; }

/* A barrier of MPI's in which this rank goes on to answer messages: below MPI_THREAD_MULTIPLE they wait for this thread. */
static void meet(void) {
  MPI_Request request;
  int done = 0;
  MPI_Ibarrier(MPI_COMM_WORLD, &request);
  while (!done) { TRY(cohort_wait_all(ctx)); MPI_Test(&request, &done, MPI_STATUS_IGNORE); }
}

/* All ranks arrive, all wait: nobody may be more than one phase ahead. */
static int32_t in_step(cohort_context_t task, void *user) {
  cohort_phase_barrier_t b = all;
  (void)user;
  for (int step = 0; step < STEPS; step++) {
    bool early = true;
    cohort_phase_barrier_t next;
    TRY(cohort_phase_barrier_advance(b, &next));
    if (rank == step % size) { TRY(cohort_phase_barrier_test(next, &early)); CHECK(!early); }
    TRY(cohort_phase_barrier_arrive(b, 1));
    b = next;
    TRY(cohort_phase_barrier_wait(task, b));
  }
  all = b;
  return 0;
}

/* Launches that arrive at the right neighbour's barrier once the own one's phase before is complete: a token goes round. */
static void relay(cohort_task_t task) {
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  cohort_phase_barrier_t from = mine, to = right;
  launch.task = task; launch.wait_barrier_count = launch.arrive_barrier_count = 1;
  for (int turn = 0; turn < STEPS; turn++) {
    /* Rank 0 sends first; the others pass on what came in the same turn. */
    cohort_phase_barrier_t awaited = from;
    if (rank != 0) TRY(cohort_phase_barrier_advance(from, &awaited));
    launch.wait_barriers = &awaited; launch.arrive_barriers = &to;
    TRY(cohort_launch(ctx, &launch, NULL));
    TRY(cohort_phase_barrier_advance(from, &from)); TRY(cohort_phase_barrier_advance(to, &to));
    if (turn % AHEAD == 0) TRY(cohort_wait_all(ctx));
  }
  TRY(cohort_wait_all(ctx));
  TRY(cohort_phase_barrier_wait(ctx, from));
}

int main(int argc, char **argv) {
  cohort_task_t step_task, relay_task;
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  cohort_phase_barrier_t next, stale, *everyone;
  int level;
  const char *messages = getenv("COHORT_FORCE_MESSAGES");
  forced = messages && *messages == '1';
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level);
  TRY(cohort_init_mpi(MPI_COMM_WORLD, NULL, &rt)); TRY(cohort_root_context(rt, &ctx));
  TRY(cohort_rank(rt, &rank)); TRY(cohort_size(rt, &size));
  who_is_forced = malloc((size_t)size * sizeof *who_is_forced);
  MPI_Allgather(&forced, 1, MPI_INT32_T, who_is_forced, 1, MPI_INT32_T, MPI_COMM_WORLD);
  TRY(cohort_task_register(rt, "in_step", in_step, NULL, 0, &step_task));
  TRY(cohort_task_register(rt, "relay", nothing, NULL, COHORT_TASK_LEAF, &relay_task));
  TRY(cohort_phase_barrier_create(rt, 1, &never)); TRY(cohort_phase_barrier_advance(never, &never));
  if (rank == 0) TRY(cohort_phase_barrier_create(rt, (uint32_t)size, &all));
  MPI_Bcast(&all, sizeof all, MPI_BYTE, 0, MPI_COMM_WORLD);
  TRY(cohort_phase_barrier_create(rt, 1, &mine));
  everyone = malloc((size_t)size * sizeof *everyone);
  MPI_Allgather(&mine, sizeof mine, MPI_BYTE, everyone, sizeof mine, MPI_BYTE, MPI_COMM_WORLD);
  right = everyone[(rank + 1) % size];

  in_step(ctx, NULL);
  launch.task = step_task;
  TRY(cohort_must_epoch(ctx, 1, &launch, NULL)); TRY(cohort_must_epoch_wait(ctx));
  CHECK(all.phase == 2 * STEPS);
  relay(relay_task);

  /* A phase that expects one arrival more, on the rank that does not own the barrier. */
  MPI_Barrier(MPI_COMM_WORLD);
  TRY(cohort_phase_barrier_advance(all, &next));
  if (rank == size - 1) TRY(cohort_phase_barrier_alter_arrivals(all, 1));
  MPI_Barrier(MPI_COMM_WORLD);
  TRY(cohort_phase_barrier_arrive(all, 1));
  MPI_Barrier(MPI_COMM_WORLD);
  bool complete = true;
  TRY(cohort_phase_barrier_test(next, &complete)); CHECK(!complete);
  MPI_Barrier(MPI_COMM_WORLD);
  if (rank == size - 1) TRY(cohort_phase_barrier_arrive(all, 1));
  TRY(cohort_phase_barrier_wait(ctx, next));
  MPI_Barrier(MPI_COMM_WORLD);
  EXPECT(cohort_phase_barrier_arrive(all, 1), COHORT_ERROR_WRONG_ORDER, "is complete already");
  next.phase += 64;
  REFUSED(0, cohort_phase_barrier_arrive(next, 1), COHORT_ERROR_RESOURCES, "more than 63 ahead");

  /* A barrier that its owner destroyed, its place given to another; a rank and a place that are none. */
  stale = right;
  meet();
  TRY(cohort_phase_barrier_destroy(&mine));
  TRY(cohort_phase_barrier_create(rt, 1, &mine));
  meet();
  REFUSED((rank + 1) % size, cohort_phase_barrier_arrive(stale, 1), COHORT_ERROR_INVALID_HANDLE, "no longer exists");
  stale.id = (stale.id & ~0xfffffull) | 0xfffff;
  EXPECT(cohort_phase_barrier_arrive(stale, 1), COHORT_ERROR_INVALID_HANDLE, "of rank 1048575, and there are");
  stale = all; stale.id ^= 0xfffffull << 20;
  EXPECT(cohort_phase_barrier_wait(ctx, stale), COHORT_ERROR_INVALID_HANDLE, "no longer exists, or never did");
  TRY(cohort_phase_barrier_destroy(&mine));
  TRY(cohort_finalize(&rt));

  /* The same by messages, asked for by the program; the runtime ends with arrivals on their way that nobody waits for. */
  cohort_config_t alone = COHORT_CONFIG_INIT;
  alone.force_messages = 1;
  TRY(cohort_init_mpi(MPI_COMM_WORLD, &alone, &rt)); TRY(cohort_root_context(rt, &ctx));
  TRY(cohort_phase_barrier_create(rt, 1, &mine));
  MPI_Allgather(&mine, sizeof mine, MPI_BYTE, everyone, sizeof mine, MPI_BYTE, MPI_COMM_WORLD);
  right = everyone[(rank + 1) % size];
  for (int turn = 0; turn < AHEAD; turn++) {
    TRY(cohort_phase_barrier_arrive(right, 1));
    TRY(cohort_phase_barrier_advance(right, &right)); TRY(cohort_phase_barrier_advance(mine, &mine));
    if (turn < AHEAD / 2) TRY(cohort_phase_barrier_wait(ctx, mine));
  }
  TRY(cohort_finalize(&rt));
  free(everyone); free(who_is_forced);
  if (rank == 0) printf("PASSED on %d ranks\n", (int)size);
  MPI_Finalize();
  return 0;
}
