/* Over ranks the watchdog of a rank that stands still says which barrier of which rank it waits for and who waits for a future. The
 * other ranks come late on purpose, so that the program ends. */
#include <cohort_mpi.h>
#include "testing.h"
#include <time.h>
#include <unistd.h>

static int32_t quick(cohort_context_t task, void *user)
{
  int32_t value = 5;
  (void)user;
  TRY(cohort_task_result(task, &value, sizeof value));
  return 0;
}

int main(int argc, char **argv)
{
  int provided, rank, ranks, saved;
  static char text[4096], part[256];
  cohort_config_t config = COHORT_CONFIG_INIT;
  cohort_runtime_t rt;
  cohort_context_t ctx;
  cohort_phase_barrier_t gate, open;
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  cohort_future_t result;
  int32_t value = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  config.watchdog_seconds = 0.3;
  TRY(cohort_init_mpi(MPI_COMM_WORLD, &config, &rt));
  TRY(cohort_root_context(rt, &ctx));
  TRY(cohort_task_register(rt, "quick", quick, NULL, COHORT_TASK_LEAF, &launch.task));

  /* The last rank owns the barrier, at which it arrives late; rank 0 waits for it in a future. */
  if (rank == ranks - 1)
    TRY(cohort_phase_barrier_create(rt, 1, &gate));
  MPI_Bcast(&gate, sizeof gate, MPI_BYTE, ranks - 1, MPI_COMM_WORLD);
  if (rank == 0) {
    FILE *told = tmpfile();
    saved = dup(STDERR_FILENO);
    CHECK(told != NULL && saved >= 0 && dup2(fileno(told), STDERR_FILENO) >= 0);
    TRY(cohort_phase_barrier_advance(gate, &open));
    launch.wait_barriers = &open;
    launch.wait_barrier_count = 1;
    TRY(cohort_launch(ctx, &launch, &result));
    if (ranks > 1) {
      TRY(cohort_future_get(result, &value, sizeof value));
    } else {
      struct timespec pause = {2, 0};
      nanosleep(&pause, NULL);
      TRY(cohort_phase_barrier_arrive(gate, 1));
      TRY(cohort_future_get(result, &value, sizeof value));
    }
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    rewind(told);
    text[fread(text, 1, sizeof text - 1, told)] = 0;
    CHECK(value == 5);
    snprintf(part, sizeof part, "operations wait for the phase barrier %#llx of rank %d", (unsigned long long)gate.id, ranks - 1);
    if (!strstr(text, part))
      FAIL_HERE("no \"%s\" in \"%s\"", part, text);
    snprintf(part, sizeof part, "a thread waits for the future %#llx", (unsigned long long)result.id);
    if (ranks > 1 && !strstr(text, part))
      FAIL_HERE("no \"%s\" in \"%s\"", part, text);
    TRY(cohort_future_destroy(&result));
  } else if (rank == ranks - 1) {
    struct timespec late = {2, 0};
    nanosleep(&late, NULL);
    TRY(cohort_phase_barrier_arrive(gate, 1));
  }
  TRY(cohort_finalize(&rt));
  if (rank == 0)
    puts("PASSED");
  MPI_Finalize();
  return 0;
}
