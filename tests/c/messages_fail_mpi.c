/* MPI refuses to send what the runtime gives it, on rank 0 and from some point on: every wait there says so, instead of waiting for what does
 * not come, and so does the end. Ranks that share memory with it are told, too. Where all ranks do, no message is sent and none fails. */
#include <cohort_mpi.h>
#include "testing.h"

static int refuses;

/* In place of MPI's own, also for the library. */
int MPI_Isend(const void *buffer, int count, MPI_Datatype type, int to, int tag, MPI_Comm communicator, MPI_Request *request)
{
  if (refuses)
    return MPI_ERR_OTHER;
  return PMPI_Isend(buffer, count, type, to, tag, communicator, request);
}

int main(int argc, char **argv)
{
  const char *forced = getenv("COHORT_FORCE_MESSAGES");
  cohort_runtime_t rt;
  cohort_context_t ctx;
  cohort_phase_barrier_t mine, next, theirs;
  int provided, rank, ranks, far = forced && strcmp(forced, "1") == 0, first_is_far = far, token = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  TRY(cohort_init_mpi(MPI_COMM_WORLD, NULL, &rt));
  TRY(cohort_root_context(rt, &ctx));
  /* The last rank's, which shares no memory with rank 0 where any rank does not. */
  TRY(cohort_phase_barrier_create(rt, 1, &mine));
  TRY(cohort_phase_barrier_advance(mine, &next));
  theirs = mine;
  MPI_Bcast(&theirs, sizeof theirs, MPI_BYTE, ranks - 1, MPI_COMM_WORLD);
  int last_is_far = far;
  MPI_Bcast(&last_is_far, 1, MPI_INT, ranks - 1, MPI_COMM_WORLD);
  MPI_Bcast(&first_is_far, 1, MPI_INT, 0, MPI_COMM_WORLD);
  if (ranks > 1 && (first_is_far || last_is_far)) {
    if (rank == 0) {
      refuses = 1;
      TRY(cohort_phase_barrier_arrive(theirs, 1));
      EXPECT(cohort_phase_barrier_wait(ctx, next), COHORT_ERROR_MPI, "no messages go between rank 0 and others any more: MPI_Isend: ");
      EXPECT(cohort_wait_all(ctx), COHORT_ERROR_MPI, "MPI_Isend");
      EXPECT(cohort_finalize(&rt), COHORT_ERROR_MPI, "MPI_Isend");
      refuses = 0;
      for (int other = 1; other < ranks; other++)
        MPI_Send(&token, 1, MPI_INT, other, 0, MPI_COMM_WORLD);
    } else {
      if (!far && !first_is_far)
        EXPECT(cohort_phase_barrier_wait(ctx, next), COHORT_ERROR_TASK_FAILED, "no messages go between rank 0 and others any more: MPI_Isend: ");
      MPI_Recv(&token, 1, MPI_INT, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
      /* The runtime's end is for all ranks together, and rank 0 does not take part. */
    }
  } else {
    TRY(cohort_finalize(&rt));
  }
  if (rank == 0)
    puts("PASSED");
  MPI_Finalize();
  return 0;
}
