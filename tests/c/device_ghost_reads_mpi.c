/* A ring of ranks. In each round a task on a device computes a tile, which is copied into a ghost region of the next rank, where many tasks on a
 * device read it; at last the rank before that one learns of the ghost region and copies into it too. Whole numbers, so that every result is exact.
 * What the runtime says at its end counts the copies: each round brings the ghost region to the device once, however many tasks read it, and a message
 * brings it there without one. */
#include <cohort_mpi.h>
#include "ghost_ring.h"

enum { POINTS = 500, ROUNDS = 6, READS = 10 };

static const char *const text =
  "COHORT_KERNEL void advance(COHORT_GLOBAL double *x, cohort_extent e, long step)\n"
  "{\n"
  "  COHORT_POINT(e, i, j, k)\n"
  "  COHORT_AT(x, e, i, j, k) += step * i;\n"
  "}\n";

static cohort_runtime_t rt;
static cohort_context_t ctx;
static int32_t where;

static int32_t advance_on_host(cohort_context_t task, void *user)
{
  int64_t step;
  double *x = values(task, 0, COHORT_READ_WRITE);
  (void)user;
  TRY(cohort_task_args_get(task, &step, sizeof step));
  for (int i = 0; i < POINTS; i++)
    x[i] += (double)(step * i);
  return 0;
}

/* Reads it once more after the last copy. */
static void launch_late(cohort_task_t add, cohort_region_t ghost, cohort_region_t sum, cohort_phase_barrier_t *full)
{
  const cohort_requirement_t needs[2] = {need(ghost, COHORT_READ_ONLY), need(sum, COHORT_READ_WRITE)};
  cohort_launch_t l = COHORT_LAUNCH_INIT;
  TRY(cohort_phase_barrier_advance(*full, full));
  l.task = add;
  l.requirements = needs;
  l.requirement_count = 2;
  l.wait_barriers = full;
  l.wait_barrier_count = 1;
  l.processor = where;
  TRY(cohort_launch(ctx, &l, NULL));
}

/* `last`: the rank whose tile was added last. */
static void check(cohort_region_t sum, int left, int last)
{
  double factor = 0, tile = 0;
  for (int round = 0; round < ROUNDS; round++) {
    tile += round + left + 1;
    factor += READS * tile + round + last + 1;
  }
  check_line(ctx, sum, POINTS, factor);
}

/* The number before these words. */
static int count_of(const char *said, const char *words)
{
  const char *line = strstr(said, "devices ran "), *at = line ? strstr(line, words) : NULL;
  if (!at)
    FAIL_HERE("the runtime does not say \"...%s\" of what its devices did: \"%s\"", words, said);
  while (at > line && at[-1] >= '0' && at[-1] <= '9')
    at--;
  return atoi(at);
}

static void check_counts(int file, int ranks)
{
  static char said[1 << 16];
  const char *forced = getenv("COHORT_FORCE_MESSAGES");
  const ssize_t length = pread(file, said, sizeof said - 1, 0);
  CHECK(length >= 0);
  const int tasks = count_of(said, " tasks and"), in = count_of(said, " copies to devices"), evictions = count_of(said, " evictions");
  const int packed = count_of(said, " messages packed"), unpacked = count_of(said, " unpacked");
  CHECK(tasks == ROUNDS * (READS + 1) + 1);
  /* Where memory is short, all come again. */
  if (evictions > 0)
    return;
  /* Besides the tile and the sums, which come once. */
  if (in > ROUNDS + 3)
    FAIL_HERE("%d copies to the device in %d rounds", in, ROUNDS);
  /* The first message comes before the ghost region has a place on the device. */
  if (forced && strcmp(forced, "1") == 0 && ranks > 1) {
    const int by_messages = ROUNDS + (ranks > 2);
    /* Of two ranks the last copy is each one's own. */
    if (in != 3 + (ranks == 2) || packed != by_messages || unpacked != by_messages - 1)
      FAIL_HERE("%d copies to the device, %d messages packed and %d unpacked in %d rounds", in, packed, unpacked, ROUNDS);
  }
}

int main(int argc, char **argv)
{
  int provided, me, ranks, file = -1;
  const char *devices = getenv("COHORT_DEVICES");
  struct {
    door_t door;
    cohort_phase_barrier_t late;
  } beyond;
  cohort_phase_barrier_t last;
  cohort_region_t late;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
  MPI_Comm_rank(MPI_COMM_WORLD, &me);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  const int left = (me + ranks - 1) % ranks, before_left = (me + ranks - 2 % ranks) % ranks;
  where = devices && strcmp(devices, "none") != 0 ? COHORT_PROC_DEVICE : COHORT_PROC_CPU;
  setenv("COHORT_VERBOSE", "1", 1);
  if (where == COHORT_PROC_DEVICE)
    file = listen_to_the_runtime();
  TRY(cohort_init_mpi(MPI_COMM_WORLD, NULL, &rt));
  TRY(cohort_root_context(rt, &ctx));
  ring_t ring = make_ring(rt, POINTS, me, ranks);
  TRY(cohort_phase_barrier_create(rt, 1, &last));
  beyond.door = ring.mine;
  beyond.late = last;
  const cohort_task_t advance = task_with_kernel(rt, "advance", advance_on_host, text, 0), add = task_with_kernel(rt, "add", add_on_host, add_text, 0);
  const cohort_requirement_t whole = need(ring.tile, COHORT_READ_WRITE);
  for (int round = 0; round < ROUNDS; round++) {
    const int64_t step = round + me + 1;
    launch(ctx, where, advance, &whole, 1, &step);
    send(ctx, ring.tile, ring.next, &ring.theirs.full, &ring.theirs.empty, round);
    receive(ctx, where, add, ring.ghost, ring.sum, READS, &ring.mine.full, &ring.mine.empty);
  }
  TRY(cohort_wait_all(ctx));
  /* All rounds are over everywhere. */
  MPI_Sendrecv_replace(&beyond, (int)sizeof beyond, MPI_BYTE, before_left, 1, (me + 2) % ranks, 1, MPI_COMM_WORLD,
                       MPI_STATUS_IGNORE);
  TRY(cohort_ghost_import(rt, &beyond.door.ghost, &late));
  send(ctx, ring.tile, late, &beyond.late, &beyond.door.empty, 0);
  launch_late(add, ring.ghost, ring.sum, &last);
  check(ring.sum, left, before_left);
  TRY(cohort_wait_all(ctx));
  /* Nobody gives a ghost region back while another rank still uses it. */
  MPI_Barrier(MPI_COMM_WORLD);
  TRY(cohort_finalize(&rt));
  if (file >= 0)
    check_counts(file, ranks);
  MPI_Finalize();
  puts("PASSED");
  return 0;
}
