/* A ring of ranks, each of which copies what a task on a device computed into a ghost region of the next. One rank does not bring what its
 * neighbours wait for: it pauses, or ends its runtime early, or one of its tasks fails. The neighbours' watchdogs say which ghost region, which
 * rank and which phase nothing comes for; of the task that failed every rank is told. Then all goes on, and ends. */
#include <cohort_mpi.h>
#include "ghost_ring.h"

/* A message of MANY points is sent in full when it is received, and not before. A device with little memory has room for FEW. */
enum { MANY = 20000, FEW = 500, ROUNDS = 5, BROUGHT = 2 };
typedef enum { PAUSES, ENDS, FAILS } course_t;

static const char *const text =
  "COHORT_KERNEL void advance(COHORT_GLOBAL double *x, cohort_extent e)\n"
  "{\n"
  "  COHORT_POINT(e, i, j, k)\n"
  "  COHORT_AT(x, e, i, j, k) += i;\n"
  "}\n";

typedef struct {
  cohort_ghost_t ghost;
  cohort_phase_barrier_t full, empty;
} door_t;

static int me, ranks, said, count;
static MPI_Comm others; /* the ranks that are not missing */
static off_t heard;
static int32_t where;
static cohort_runtime_t rt;
static cohort_context_t ctx;
static cohort_handshake_t never;
static cohort_task_t advance, add, fail;
static cohort_region_t tile, sum, ghost, destination;
static door_t mine, theirs;

static int32_t advance_on_host(cohort_context_t task, void *user)
{
  double *x = values(task, 0, COHORT_READ_WRITE);
  (void)user;
  for (int i = 0; i < count; i++)
    x[i] += i;
  return 0;
}

static int32_t fail_on_host(cohort_context_t task, void *user)
{
  (void)user;
  return cohort_task_fail(task, "on purpose");
}

static void start(void)
{
  const int64_t lo = 0, hi = count - 1;
  const int left = (me + ranks - 1) % ranks, right = (me + 1) % ranks;
  cohort_config_t config = COHORT_CONFIG_INIT;
  cohort_index_space_t points;
  cohort_field_space_t fields;
  cohort_field_t first;
  config.watchdog_seconds = 0.3;
  TRY(cohort_init_mpi(MPI_COMM_WORLD, &config, &rt));
  TRY(cohort_root_context(rt, &ctx));
  TRY(cohort_handshake_create(rt, 1, 1, COHORT_SIDE_TASKS, &never));
  TRY(cohort_index_space_create(rt, 1, &lo, &hi, &points));
  TRY(cohort_field_space_create(rt, &fields));
  TRY(cohort_fields_allocate(fields, sizeof(double), 1, &first));
  TRY(cohort_region_create(rt, points, fields, &tile));
  TRY(cohort_region_create(rt, points, fields, &sum));
  TRY(cohort_ghost_create(rt, points, fields, &ghost));
  TRY(cohort_ghost_export(ghost, &mine.ghost));
  TRY(cohort_phase_barrier_create(rt, 1, &mine.full));
  TRY(cohort_phase_barrier_create(rt, 1, &mine.empty));
  MPI_Sendrecv(&mine, (int)sizeof mine, MPI_BYTE, left, 0, &theirs, (int)sizeof theirs, MPI_BYTE, right, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  TRY(cohort_ghost_import(rt, &theirs.ghost, &destination));
  advance = task_with_kernel(rt, "advance", advance_on_host, text, 0);
  add = task_with_kernel(rt, "add", add_on_host, add_text, 0);
  TRY(cohort_task_register(rt, "fail", fail_on_host, NULL, COHORT_TASK_LEAF, &fail));
}

static void exchange(int first, int end, door_t *to, door_t *from)
{
  const cohort_requirement_t whole = need(tile, COHORT_READ_WRITE);
  for (int round = first; round < end; round++) {
    launch(ctx, where, advance, &whole, 1, NULL);
    send(ctx, tile, destination, &to->full, &to->empty, round);
    receive(ctx, where, add, ghost, sum, 1, &from->full, &from->empty);
  }
}

/* Waits inside the library until the runtime has said this since `heard`. */
static void hear(const char *part)
{
  static char all[1 << 16];
  for (int turn = 0;; turn++) {
    const ssize_t length = pread(said, all, sizeof all - 1, heard);
    CHECK(length >= 0);
    all[length] = 0;
    if (strstr(all, part))
      return;
    if (turn == 20)
      FAIL_HERE("no \"%s\" in \"%s\"", part, all);
    EXPECT(cohort_wait_on_tasks_for(never, 1.5), COHORT_ERROR_TIMEOUT, "");
  }
}

/* Waits inside the library until the missing rank is outside of it, and receives no more messages. */
static void wait_for_pause(int missing)
{
  int token, has_come = 0;
  while (MPI_Iprobe(missing, 2, MPI_COMM_WORLD, &has_come, MPI_STATUS_IGNORE), !has_come)
    EXPECT(cohort_wait_on_tasks_for(never, 0.01), COHORT_ERROR_TIMEOUT, "");
  MPI_Recv(&token, 1, MPI_INT, missing, 2, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

/* Arrives in place of the rank that does not, at the phases from `first` to before `end`. */
static void arrive_instead(cohort_phase_barrier_t barrier, int first, int end)
{
  for (int phase = 0; phase < end; phase++) {
    if (phase >= first)
      TRY(cohort_phase_barrier_arrive(barrier, 1));
    TRY(cohort_phase_barrier_advance(barrier, &barrier));
  }
}

/* What neighbours of the missing rank are told. */
static void hear_who_is_missing(course_t course, int missing, int missing_is_far)
{
  char part[256];
  if (course == ENDS && (me == (missing + 1) % ranks || (me + 1) % ranks == missing)) {
    snprintf(part, sizeof part, "rank %d: rank %d called cohort_finalize: nothing new comes from there", me, missing);
    hear(part);
  }
  if (me == (missing + 1) % ranks) {
    snprintf(part, sizeof part, "operations on ghost region 0 of rank %d wait for the phase barrier %#llx of rank %d: 0 of 1 arrivals at phase %d have come", me,
             (unsigned long long)mine.full.id, me, BROUGHT);
    hear(part);
  }
  if ((me + 1) % ranks == missing) {
    snprintf(part, sizeof part, "operations on ghost region 0 of rank %d wait for the phase barrier %#llx of rank %d: ", missing,
             (unsigned long long)theirs.empty.id, missing);
    hear(part);
    snprintf(part, sizeof part, "rank %d has not received 1 message(s) of ", missing);
    if (course == PAUSES && missing_is_far && count == MANY)
      hear(part);
  }
}

static void run(course_t course, int missing, int missing_is_far)
{
  door_t to, from;
  char part[128];
  int token = 0;
  start();
  to = theirs;
  from = mine;
  heard = lseek(said, 0, SEEK_END);
  if (me == missing) {
    exchange(0, BROUGHT, &to, &from);
    if (course == FAILS) {
      cohort_requirement_t written = need(tile, COHORT_READ_WRITE);
      launch(ctx, COHORT_PROC_CPU, fail, &written, 1, NULL);
    } else
      TRY(cohort_wait_all(ctx));
    if (course == PAUSES)
      MPI_Send(&token, 1, MPI_INT, (me + ranks - 1) % ranks, 2, MPI_COMM_WORLD);
    for (int i = 1; course == PAUSES && i < ranks; i++)
      MPI_Recv(&token, 1, MPI_INT, MPI_ANY_SOURCE, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    if (course != ENDS)
      exchange(BROUGHT, ROUNDS, &to, &from);
  } else {
    exchange(0, BROUGHT, &to, &from);
    if (course == PAUSES && (me + 1) % ranks == missing)
      wait_for_pause(missing);
    exchange(BROUGHT, ROUNDS, &to, &from);
    if (course != FAILS)
      hear_who_is_missing(course, missing, missing_is_far);
    if (course == PAUSES)
      MPI_Send(&token, 1, MPI_INT, missing, 1, MPI_COMM_WORLD);
    if (course == ENDS && me == (missing + 1) % ranks)
      arrive_instead(mine.full, BROUGHT, ROUNDS);
    if (course == ENDS && (me + 1) % ranks == missing)
      arrive_instead(theirs.empty, BROUGHT, ROUNDS - 1);
  }
  if (course == FAILS) {
    snprintf(part, sizeof part, "task \"fail\" failed on rank %d: on purpose", missing);
    EXPECT(cohort_wait_on_tasks(never), COHORT_ERROR_TASK_FAILED, part);
    const int32_t ended = cohort_finalize(&rt);
    CHECK(ended == COHORT_OK || ended == COHORT_ERROR_TASK_FAILED);
    return;
  }
  TRY(cohort_wait_all(ctx));
  if (course == PAUSES) {
    check_line(ctx, sum, count, ROUNDS * (ROUNDS + 1) / 2);
    /* Nobody gives a ghost region back while another rank still uses it. */
    MPI_Barrier(MPI_COMM_WORLD);
  }
  /* Those that are told of one that left hear of no other. */
  if (course == ENDS && me != missing)
    MPI_Barrier(others);
  TRY(cohort_finalize(&rt));
}

int main(int argc, char **argv)
{
  int provided;
  const char *devices = getenv("COHORT_DEVICES"), *forced = getenv("COHORT_FORCE_MESSAGES");
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
  MPI_Comm_rank(MPI_COMM_WORLD, &me);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  where = devices && strcmp(devices, "none") != 0 ? COHORT_PROC_DEVICE : COHORT_PROC_CPU;
  count = getenv("COHORT_DEVICE_MEMORY") ? FEW : MANY;
  if (ranks > 1) {
    const int far_by_itself = forced && strcmp(forced, "1") == 0;
    int missing_is_far = far_by_itself;
    MPI_Bcast(&missing_is_far, 1, MPI_INT, ranks - 1, MPI_COMM_WORLD);
    MPI_Comm_split(MPI_COMM_WORLD, me == ranks - 1, me, &others);
    said = listen_to_the_runtime();
    run(PAUSES, ranks - 1, missing_is_far || far_by_itself);
    run(ENDS, ranks - 1, missing_is_far || far_by_itself);
    run(FAILS, ranks - 1, missing_is_far || far_by_itself);
    MPI_Comm_free(&others);
  }
  MPI_Finalize();
  puts("PASSED");
  return 0;
}
