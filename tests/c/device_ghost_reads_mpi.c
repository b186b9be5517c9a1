/* A ring of ranks. In each round a task on a device computes a tile, which is copied into a ghost region of the next rank, where many tasks on a
 * device read it; at last the rank before that one learns of the ghost region and copies into it too. Whole numbers, so that every result is exact.
 * What the runtime says at its end counts the copies: each round brings the ghost region to the device once, however many tasks read it, and a message
 * brings it there without one. */
#include <cohort_mpi.h>
#include "testing.h"
#include <fcntl.h>
#include <unistd.h>

enum { POINTS = 500, ROUNDS = 6, READS = 10 };

static const char *const text =
  "COHORT_KERNEL void advance(COHORT_GLOBAL double *x, cohort_extent e, long step)\n"
  "{\n"
  "  COHORT_POINT(e, i, j, k)\n"
  "  COHORT_AT(x, e, i, j, k) += step * i;\n"
  "}\n"
  "COHORT_KERNEL void add(COHORT_GLOBAL const double *x, cohort_extent e, COHORT_GLOBAL double *sum, cohort_extent es)\n"
  "{\n"
  "  COHORT_POINT(es, i, j, k)\n"
  "  COHORT_AT(sum, es, i, j, k) += COHORT_AT(x, e, i, j, k);\n"
  "}\n";

static cohort_runtime_t rt;
static cohort_context_t ctx;
static int32_t where;

static double *values(cohort_context_t task, uint32_t requirement, int32_t privilege)
{
  cohort_view_t v;
  TRY(cohort_view(task, requirement, 0, privilege, &v));
  CHECK(v.stride[0] == sizeof(double));
  return v.base;
}

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

static int32_t add_on_host(cohort_context_t task, void *user)
{
  const double *x = values(task, 0, COHORT_READ_ONLY);
  double *sum = values(task, 1, COHORT_READ_WRITE);
  (void)user;
  for (int i = 0; i < POINTS; i++)
    sum[i] += x[i];
  return 0;
}

static cohort_task_t task(const char *name, cohort_task_function_t on_host)
{
  cohort_task_t made;
  cohort_kernel_t kernel = COHORT_KERNEL_INIT;
  TRY(cohort_task_register(rt, name, on_host, NULL, COHORT_TASK_LEAF, &made));
  kernel.source = text;
  kernel.name = name;
  TRY(cohort_task_kernel(made, &kernel));
  return made;
}

static cohort_requirement_t need(cohort_region_t region, int32_t privilege)
{
  static const cohort_field_t field = 0;
  const cohort_requirement_t asked = {.region = region, .fields = &field, .field_count = 1, .privilege = privilege};
  return asked;
}

static void launch(cohort_task_t what, const cohort_requirement_t *needs, uint32_t count, const int64_t *step)
{
  cohort_launch_t l = COHORT_LAUNCH_INIT;
  l.task = what;
  l.requirements = needs;
  l.requirement_count = count;
  l.args = step;
  l.args_size = step ? sizeof *step : 0;
  l.processor = where;
  TRY(cohort_launch(ctx, &l, NULL));
}

static void send(cohort_region_t from, cohort_region_t to, cohort_phase_barrier_t *full, cohort_phase_barrier_t *empty, int round)
{
  static const cohort_field_t field = 0;
  cohort_copy_t copy = COHORT_COPY_INIT;
  copy.source = from;
  copy.destination = to;
  copy.source_fields = copy.destination_fields = &field;
  copy.field_count = 1;
  copy.arrive_barriers = full;
  copy.arrive_barrier_count = 1;
  copy.wait_barriers = empty;
  copy.wait_barrier_count = round > 0;
  TRY(cohort_copy(ctx, &copy));
  TRY(cohort_phase_barrier_advance(*full, full));
  TRY(cohort_phase_barrier_advance(*empty, empty));
}

/* Reads the ghost region between the neighbour's copy and the next. */
static void receive(cohort_task_t add, cohort_region_t ghost, cohort_region_t sum, cohort_phase_barrier_t *full, cohort_phase_barrier_t *empty)
{
  static const cohort_field_t field = 0;
  const cohort_requirement_t needs[2] = {need(ghost, COHORT_READ_ONLY), need(sum, COHORT_READ_WRITE)};
  cohort_sync_t sync = COHORT_SYNC_INIT;
  TRY(cohort_phase_barrier_advance(*full, full));
  sync.region = ghost;
  sync.fields = &field;
  sync.field_count = 1;
  sync.wait_barriers = full;
  sync.wait_barrier_count = 1;
  TRY(cohort_acquire(ctx, &sync));
  for (int i = 0; i < READS; i++)
    launch(add, needs, 2, NULL);
  sync.wait_barrier_count = 0;
  sync.arrive_barriers = empty;
  sync.arrive_barrier_count = 1;
  TRY(cohort_release(ctx, &sync));
  TRY(cohort_phase_barrier_advance(*empty, empty));
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
  const cohort_requirement_t asked = need(sum, COHORT_READ_ONLY);
  cohort_mapping_t mapping;
  cohort_view_t v;
  double factor = 0, tile = 0;
  for (int round = 0; round < ROUNDS; round++) {
    tile += round + left + 1;
    factor += READS * tile + round + last + 1;
  }
  TRY(cohort_inline_map(ctx, &asked, &mapping));
  TRY(cohort_inline_view(mapping, 0, COHORT_READ_ONLY, &v));
  for (int i = 0; i < POINTS; i++)
    if (((double *)v.base)[i] != factor * i)
      FAIL_HERE("point %d is %.0f instead of %.0f", i, ((double *)v.base)[i], factor * i);
  TRY(cohort_inline_unmap(&mapping));
}

/* What the runtime says on standard error is read again; this program still says there what is wrong. */
static int listen_to_the_runtime(void)
{
  char name[] = "/tmp/cohort-said-XXXXXX";
  const int file = mkstemp(name);
  CHECK(file >= 0);
  unlink(name);
  stderr = fdopen(dup(2), "w");
  CHECK(stderr && setvbuf(stderr, NULL, _IONBF, 0) == 0 && dup2(file, 2) == 2);
  return file;
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
  const int64_t lo = 0, hi = POINTS - 1;
  struct door {
    cohort_ghost_t ghost;
    cohort_phase_barrier_t full, empty, late;
  } mine, theirs, beyond;
  cohort_index_space_t points;
  cohort_field_space_t fields;
  cohort_field_t first;
  cohort_region_t tile, sum, ghost, destination, late;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
  MPI_Comm_rank(MPI_COMM_WORLD, &me);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  const int left = (me + ranks - 1) % ranks, right = (me + 1) % ranks;
  where = devices && strcmp(devices, "none") != 0 ? COHORT_PROC_DEVICE : COHORT_PROC_CPU;
  setenv("COHORT_VERBOSE", "1", 1);
  if (where == COHORT_PROC_DEVICE)
    file = listen_to_the_runtime();
  TRY(cohort_init_mpi(MPI_COMM_WORLD, NULL, &rt));
  TRY(cohort_root_context(rt, &ctx));
  TRY(cohort_index_space_create(rt, 1, &lo, &hi, &points));
  TRY(cohort_field_space_create(rt, &fields));
  TRY(cohort_fields_allocate(fields, sizeof(double), 1, &first));
  TRY(cohort_region_create(rt, points, fields, &tile));
  TRY(cohort_region_create(rt, points, fields, &sum));
  TRY(cohort_ghost_create(rt, points, fields, &ghost));
  TRY(cohort_ghost_export(ghost, &mine.ghost));
  TRY(cohort_phase_barrier_create(rt, 1, &mine.full));
  TRY(cohort_phase_barrier_create(rt, 1, &mine.empty));
  TRY(cohort_phase_barrier_create(rt, 1, &mine.late));
  beyond = mine;
  MPI_Sendrecv(&mine, (int)sizeof mine, MPI_BYTE, left, 0, &theirs, (int)sizeof theirs, MPI_BYTE, right, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  TRY(cohort_ghost_import(rt, &theirs.ghost, &destination));
  const cohort_task_t advance = task("advance", advance_on_host), add = task("add", add_on_host);
  const cohort_requirement_t whole = need(tile, COHORT_READ_WRITE);
  for (int round = 0; round < ROUNDS; round++) {
    const int64_t step = round + me + 1;
    launch(advance, &whole, 1, &step);
    send(tile, destination, &theirs.full, &theirs.empty, round);
    receive(add, ghost, sum, &mine.full, &mine.empty);
  }
  TRY(cohort_wait_all(ctx));
  /* All rounds are over everywhere. */
  MPI_Sendrecv_replace(&beyond, (int)sizeof beyond, MPI_BYTE, (me + ranks - 2 % ranks) % ranks, 1, (me + 2) % ranks, 1, MPI_COMM_WORLD,
                       MPI_STATUS_IGNORE);
  TRY(cohort_ghost_import(rt, &beyond.ghost, &late));
  send(tile, late, &beyond.late, &beyond.empty, 0);
  launch_late(add, ghost, sum, &mine.late);
  check(sum, left, (me + ranks - 2 % ranks) % ranks);
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
