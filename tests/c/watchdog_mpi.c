/* Over ranks the watchdog of a rank that stands still says which barrier of which rank it waits for, who waits for a future, and which
 * neighbour has not sent its points in a halo, and not released those that it got; at its end, which rank has not come to that. The other
 * ranks come late on purpose, so that the program ends. */
#include <cohort_mpi.h>
#include "hearing.h"
#include "row.h"

static int32_t quick(cohort_context_t task, void *user)
{
  int32_t value = 5;
  (void)user;
  TRY(cohort_task_result(task, &value, sizeof value));
  return 0;
}

static cohort_region_t block;

/* One point for each rank, with its neighbours': rank 0 comes after the last rank. */
static cohort_halo_t make_halo(cohort_runtime_t rt, int rank, int ranks)
{
  const int place = (rank + 1) % ranks;
  cohort_halo_options_t around = COHORT_HALO_OPTIONS_INIT;
  cohort_index_space_t points;
  cohort_field_space_t fields;
  cohort_halo_t halo;
  make_row(rt, place, place, &points, &fields);
  TRY(cohort_region_create(rt, points, fields, &block));
  around.dim = 1;
  around.lo[0] = around.hi[0] = place;
  around.depth[0] = 1;
  around.neighbours[0] = place > 0 ? (rank + ranks - 1) % ranks : -1;
  around.neighbours[1] = place < ranks - 1 ? (rank + 1) % ranks : -1;
  around.field_count = 1;
  around.field_bytes = sizeof(double);
  TRY(cohort_halo_create(rt, &around, &halo));
  return halo;
}

static void check_told(const char *text, const char *part)
{
  if (!strstr(text, part))
    FAIL_HERE("no \"%s\" in \"%s\"", part, text);
}

/* Twice: the second time waits until the neighbours have released the first. */
static void exchange(cohort_context_t ctx, cohort_halo_t halo)
{
  const uint32_t slot = 0;
  for (int i = 0; i < 2; i++) {
    TRY(cohort_halo_exchange(ctx, halo, block, 1, &row_field, &slot));
    TRY(cohort_halo_release(ctx, halo, 1, &slot));
  }
}

int main(int argc, char **argv)
{
  int provided, rank, ranks;
  static char part[256];
  const char *text;
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
  cohort_halo_t halo = make_halo(rt, rank, ranks);
  if (rank == 0) {
    exchange(ctx, halo);
    listen();
    TRY(cohort_phase_barrier_advance(gate, &open));
    launch.wait_barriers = &open;
    launch.wait_barrier_count = 1;
    TRY(cohort_launch(ctx, &launch, &result));
    if (ranks > 1) {
      TRY(cohort_future_get(result, &value, sizeof value));
    } else {
      rest(2);
      TRY(cohort_phase_barrier_arrive(gate, 1));
      TRY(cohort_future_get(result, &value, sizeof value));
    }
    text = heard();
    CHECK(value == 5);
    snprintf(part, sizeof part, "operations wait for the phase barrier %#llx of rank %d", (unsigned long long)gate.id, ranks - 1);
    check_told(text, part);
    if (ranks > 1) {
      snprintf(part, sizeof part, "a thread waits for the future %#llx", (unsigned long long)result.id);
      check_told(text, part);
      snprintf(part, sizeof part, "the halo %#llx waits for rank %d at -x, which has not sent its points for slot 0 in exchange 1",
               (unsigned long long)halo.id, ranks - 1);
      check_told(text, part);
      snprintf(part, sizeof part, "the halo %#llx waits for rank %d at -x, which has not released slot 0 in exchange 1",
               (unsigned long long)halo.id, ranks - 1);
      check_told(text, part);
    }
    TRY(cohort_future_destroy(&result));
  } else if (rank == ranks - 1) {
    rest(2);
    exchange(ctx, halo);
    TRY(cohort_phase_barrier_arrive(gate, 1));
  } else {
    exchange(ctx, halo);
  }
  TRY(cohort_wait_all(ctx));
  TRY(cohort_halo_destroy(&halo));
  if (rank == ranks - 1 && ranks > 1)
    rest(1.5);
  if (rank == 0)
    listen();
  const cohort_status_t ended = cohort_finalize(&rt);
  if (rank == 0)
    text = heard();
  TRY(ended);
  if (rank == 0 && ranks > 1) {
    snprintf(part, sizeof part, "%d to call it, too, as far as this rank was told", ranks - 1);
    check_told(text, "rank 0: cohort_finalize waits for rank");
    check_told(text, part);
  }
  if (rank == 0)
    puts("PASSED");
  MPI_Finalize();
  return 0;
}
