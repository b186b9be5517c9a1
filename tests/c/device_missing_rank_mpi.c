/* A ring of ranks, each of which copies what a task on a device computed into a ghost region of the next. One rank does not bring what its
 * neighbours wait for: it pauses, or ends its runtime early, or one of its tasks fails. The neighbours' watchdogs say which ghost region, which
 * rank and which phase nothing comes for; of the task that failed every rank is told. Then all goes on, and ends. */
#include <cohort_mpi.h>
#include "ghost_ring.h"

/* A message of MANY points is sent in full when it is received, and not before. A device with little memory has room for FEW. */
enum { MANY = 20000, FEW = 500, ROUNDS = 5, BROUGHT = 2 };
/* Tags of our own messages. */
enum { PAUSE = 1, HEARD };
typedef enum { PAUSES, ENDS, FAILS } course_t;

static const char *const text =
  "COHORT_KERNEL void advance(COHORT_GLOBAL double *x, cohort_extent e)\n"
  "{\n"
  "  COHORT_POINT(e, i, j, k)\n"
  "  COHORT_AT(x, e, i, j, k) += i;\n"
  "}\n";

static int me, left, right, ranks, said, count;
/* The rank that is missing, whether it and this one share no memory, and all others. */
static int missing, missing_is_far;
static MPI_Comm others;
static off_t heard;
static int32_t where;
static cohort_runtime_t rt;
static cohort_context_t ctx;
static cohort_handshake_t never;
static cohort_task_t advance, add, fail;
static ring_t ring;
/* The doors at the phases that are next. */
static door_t to, from;

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
  cohort_config_t config = COHORT_CONFIG_INIT;
  config.watchdog_seconds = 0.3;
  TRY(cohort_init_mpi(MPI_COMM_WORLD, &config, &rt));
  TRY(cohort_root_context(rt, &ctx));
  TRY(cohort_handshake_create(rt, 1, 1, COHORT_SIDE_TASKS, &never));
  ring = make_ring(rt, count, me, ranks);
  to = ring.theirs;
  from = ring.mine;
  advance = task_with_kernel(rt, "advance", advance_on_host, text, 0);
  add = task_with_kernel(rt, "add", add_on_host, add_text, 0);
  TRY(cohort_task_register(rt, "fail", fail_on_host, NULL, COHORT_TASK_LEAF, &fail));
  heard = lseek(said, 0, SEEK_END);
}

static void exchange(int first, int end)
{
  const cohort_requirement_t whole = need(ring.tile, COHORT_READ_WRITE);
  for (int round = first; round < end; round++) {
    launch(ctx, where, advance, &whole, 1, NULL);
    send(ctx, ring.tile, ring.next, &to.full, &to.empty, round);
    receive(ctx, where, add, ring.ghost, ring.sum, 1, &from.full, &from.empty);
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
static void wait_for_pause(void)
{
  int token, has_come = 0;
  while (MPI_Iprobe(missing, PAUSE, MPI_COMM_WORLD, &has_come, MPI_STATUS_IGNORE), !has_come)
    EXPECT(cohort_wait_on_tasks_for(never, 0.01), COHORT_ERROR_TIMEOUT, "");
  MPI_Recv(&token, 1, MPI_INT, missing, PAUSE, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
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
static void hear_who_is_missing(course_t course)
{
  char part[256];
  if (course == ENDS && (left == missing || right == missing)) {
    snprintf(part, sizeof part, "rank %d: rank %d called cohort_finalize: nothing new comes from there", me, missing);
    hear(part);
  }
  if (left == missing) {
    snprintf(part, sizeof part, "operations on ghost region 0 of rank %d wait for the phase barrier %#llx of rank %d: 0 of 1 arrivals at phase %d have come", me,
             (unsigned long long)ring.mine.full.id, me, BROUGHT);
    hear(part);
  }
  if (right == missing) {
    snprintf(part, sizeof part, "operations on ghost region 0 of rank %d wait for the phase barrier %#llx of rank %d: ", missing,
             (unsigned long long)ring.theirs.empty.id, missing);
    hear(part);
    snprintf(part, sizeof part, "rank %d has not received 1 message(s) of ", missing);
    if (course == PAUSES && missing_is_far && count == MANY)
      hear(part);
  }
}

/* Brings what its neighbours wait for in some rounds; where it pauses, in the others when all have heard of it. */
static void be_missing(course_t course)
{
  const cohort_requirement_t written = need(ring.tile, COHORT_READ_WRITE);
  int token = 0;
  exchange(0, BROUGHT);
  if (course == FAILS)
    launch(ctx, COHORT_PROC_CPU, fail, &written, 1, NULL);
  else
    TRY(cohort_wait_all(ctx));
  if (course == PAUSES) {
    MPI_Send(&token, 1, MPI_INT, left, PAUSE, MPI_COMM_WORLD);
    for (int i = 1; i < ranks; i++)
      MPI_Recv(&token, 1, MPI_INT, MPI_ANY_SOURCE, HEARD, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  }
  if (course != ENDS)
    exchange(BROUGHT, ROUNDS);
}

static void miss_one(course_t course)
{
  int token = 0;
  exchange(0, BROUGHT);
  if (course == PAUSES && right == missing)
    wait_for_pause();
  exchange(BROUGHT, ROUNDS);
  if (course == FAILS)
    return;
  hear_who_is_missing(course);
  if (course == PAUSES)
    MPI_Send(&token, 1, MPI_INT, missing, HEARD, MPI_COMM_WORLD);
  if (course == ENDS && left == missing)
    arrive_instead(ring.mine.full, BROUGHT, ROUNDS);
  if (course == ENDS && right == missing)
    arrive_instead(ring.theirs.empty, BROUGHT, ROUNDS - 1);
}

/* Every rank is told of the task that failed, and ends. */
static void end_after_failure(void)
{
  char part[128];
  snprintf(part, sizeof part, "task \"fail\" failed on rank %d: on purpose", missing);
  EXPECT(cohort_wait_on_tasks(never), COHORT_ERROR_TASK_FAILED, part);
  const int32_t ended = cohort_finalize(&rt);
  CHECK(ended == COHORT_OK || ended == COHORT_ERROR_TASK_FAILED);
}

static void run(course_t course)
{
  start();
  if (me == missing)
    be_missing(course);
  else
    miss_one(course);
  if (course == FAILS) {
    end_after_failure();
    return;
  }
  TRY(cohort_wait_all(ctx));
  if (course == PAUSES) {
    check_line(ctx, ring.sum, count, ROUNDS * (ROUNDS + 1) / 2);
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
  left = (me + ranks - 1) % ranks;
  right = (me + 1) % ranks;
  missing = ranks - 1;
  if (ranks > 1) {
    const int is_far = forced && strcmp(forced, "1") == 0;
    missing_is_far = is_far;
    MPI_Bcast(&missing_is_far, 1, MPI_INT, missing, MPI_COMM_WORLD);
    missing_is_far |= is_far;
    MPI_Comm_split(MPI_COMM_WORLD, me == missing, me, &others);
    said = listen_to_the_runtime();
    run(PAUSES);
    run(ENDS);
    run(FAILS);
    MPI_Comm_free(&others);
  }
  MPI_Finalize();
  puts("PASSED");
  return 0;
}
