/* The last rank is killed while the others stand in their waits: they are told which rank is gone, whatever they wait for. They
 * do not call MPI any more, which may wait for the lost rank. On one rank there is nobody to lose. */
#include "cohort_mpi.h"
#include "testing.h"
#include <signal.h>
#include <unistd.h>

int main(int argc, char **argv)
{
  cohort_runtime_t rt;
  cohort_context_t ctx;
  cohort_handshake_t handshake;
  cohort_phase_barrier_t barrier, next;
  int32_t rank, size;
  int level;
  char gone[64];
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level);
  TRY(cohort_init_mpi(MPI_COMM_WORLD, NULL, &rt));
  TRY(cohort_root_context(rt, &ctx));
  TRY(cohort_rank(rt, &rank));
  TRY(cohort_size(rt, &size));
  TRY(cohort_handshake_create(rt, 1, 1, COHORT_SIDE_HOST, &handshake));
  TRY(cohort_phase_barrier_create(rt, 1, &barrier));
  TRY(cohort_phase_barrier_advance(barrier, &next));
  MPI_Barrier(MPI_COMM_WORLD);
  if (size == 1) {
    TRY(cohort_finalize(&rt));
    puts("PASSED on 1 ranks");
    MPI_Finalize();
    return 0;
  }
  if (rank == size - 1) {
    /* Until every rank has seen that this one was there. */
    sleep(2);
    raise(SIGKILL);
  }
  snprintf(gone, sizeof gone, "rank %d (process ", (int)size - 1);
  if (rank % 2 == 0) {
    TRY(cohort_handoff_to_tasks(handshake));
    EXPECT(cohort_wait_on_tasks(handshake), COHORT_ERROR_PEER_LOST, gone);
  } else EXPECT(cohort_phase_barrier_wait(ctx, next), COHORT_ERROR_PEER_LOST, gone);
  EXPECT(cohort_wait_all(ctx), COHORT_ERROR_PEER_LOST, gone);
  EXPECT(cohort_finalize(&rt), COHORT_ERROR_PEER_LOST, gone);
  printf("rank %d was told\n", (int)rank);
  fflush(stdout);
  _exit(0);
}
