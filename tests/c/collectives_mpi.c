/* Dynamic collectives across ranks: a time step that all ranks agree on, by calls, by launches that run ahead, and from the
 * members of a must epoch; every reduction and type; results that do not depend on who comes first; then wrong calls. */
#include "cohort_mpi.h"
#include <complex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "testing.h"
enum { STEPS = 1000, AHEAD = 40, FIRST = 64 };
static int32_t rank, size;
static bool forced;
static cohort_runtime_t rt;
static cohort_context_t ctx;
static cohort_collective_t least;
static double elapsed;

static cohort_collective_t create(cohort_reduction_t how, cohort_type_t type) {
  cohort_collective_t made = {0, 0};
  if (rank == 0) TRY(cohort_collective_create(rt, (uint32_t)size, how, type, &made));
  MPI_Bcast(&made, sizeof made, MPI_BYTE, 0, MPI_COMM_WORLD);
  return made;
}

static void destroy(cohort_collective_t *collective) {
  MPI_Barrier(MPI_COMM_WORLD);
  TRY(cohort_collective_destroy(collective));
}

/* The result of the phase that the handle is of; moves the handle on. */
static void agree(cohort_context_t context, cohort_collective_t *collective, const void *mine, void *all, size_t bytes) {
  cohort_future_t future;
  TRY(cohort_collective_arrive(*collective, mine));
  TRY(cohort_collective_advance(*collective, collective));
  TRY(cohort_collective_future(context, *collective, &future));
  TRY(cohort_future_get(future, all, bytes));
  TRY(cohort_future_destroy(&future));
}

/* What rank r could step by in a step; every rank is the slowest in its turn. */
static double allowed(int r, int step) { return 1.0 + (r == step % size ? 0.25 : (r + 3.0) / 4.0) + step; }

static int32_t in_step(cohort_context_t task, void *user) {
  (void)user;
  for (int step = 0; step < STEPS; step++) {
    double mine = allowed(rank, step), dt;
    agree(task, &least, &mine, &dt, sizeof dt);
    CHECK(dt == 1.25 + step);
  }
  return 0;
}

static int32_t propose(cohort_context_t task, void *user) {
  const void *args;
  double mine;
  (void)user;
  TRY(cohort_task_args(task, &args, NULL));
  mine = allowed(rank, *(const int *)args);
  TRY(cohort_task_result(task, &mine, sizeof mine));
  return 0;
}

static int32_t advance_time(cohort_context_t task, void *user) {
  const void *dt;
  (void)user;
  TRY(cohort_task_future(task, 0, &dt, NULL));
  elapsed += *(const double *)dt;
  return 0;
}

/* Proposals, arrivals, and what uses the result, launched far ahead of all of them. */
static void run_ahead(cohort_task_t proposing, cohort_task_t advancing, cohort_region_t clock) {
  cohort_field_t field = 0;
  cohort_requirement_t in_order = {.region = clock, .fields = &field, .field_count = 1, .privilege = COHORT_READ_WRITE};
  double expected = 0;
  elapsed = 0;
  for (int step = 0; step < STEPS; step++) {
    cohort_launch_t proposal = COHORT_LAUNCH_INIT, use = COHORT_LAUNCH_INIT;
    cohort_future_t mine, dt;
    proposal.task = proposing; proposal.args = &step; proposal.args_size = sizeof step;
    TRY(cohort_launch(ctx, &proposal, &mine));
    TRY(cohort_collective_arrive_future(ctx, least, mine));
    TRY(cohort_collective_advance(least, &least));
    TRY(cohort_collective_future(ctx, least, &dt));
    use.task = advancing; use.futures = &dt; use.future_count = 1; use.requirements = &in_order; use.requirement_count = 1;
    TRY(cohort_launch(ctx, &use, NULL));
    TRY(cohort_future_destroy(&mine)); TRY(cohort_future_destroy(&dt));
    expected += 1.25 + step;
    if (step % AHEAD == AHEAD - 1) TRY(cohort_wait_all(ctx));
  }
  TRY(cohort_wait_all(ctx));
  CHECK(elapsed == expected);
}

#define REDUCE(type, how, code, value, expected) do { \
    cohort_collective_t c_ = create(how, code); \
    type mine_ = (type)(value), all_, right_ = (type)(expected); \
    for (int i_ = 0; i_ < 3; i_++) { agree(ctx, &c_, &mine_, &all_, sizeof all_); CHECK(all_ == right_); } \
    destroy(&c_); } while (0)
#define ORDERED(type, code) do { \
    int sum_ = size * (size + 1) / 2, product_ = 1; \
    for (int i_ = 1; i_ <= size; i_++) product_ *= i_; \
    REDUCE(type, COHORT_SUM, code, rank + 1, sum_); REDUCE(type, COHORT_PRODUCT, code, rank + 1, product_); \
    REDUCE(type, COHORT_MIN, code, 3 - rank, 4 - size); REDUCE(type, COHORT_MAX, code, rank - 3, size - 4); } while (0)

static void every_type(void) {
  double complex turn = 1;
  for (int i = 0; i < size; i++) turn *= 2 * I;
  ORDERED(int32_t, COHORT_INT32); ORDERED(int64_t, COHORT_INT64); ORDERED(float, COHORT_FLOAT); ORDERED(double, COHORT_DOUBLE);
  REDUCE(float complex, COHORT_SUM, COHORT_FLOAT_COMPLEX, 1 + rank * I, size + size * (size - 1) / 2 * I);
  REDUCE(double complex, COHORT_SUM, COHORT_DOUBLE_COMPLEX, 1 + rank * I, size + size * (size - 1) / 2 * I);
  REDUCE(float complex, COHORT_PRODUCT, COHORT_FLOAT_COMPLEX, 2 * I, turn);
  REDUCE(double complex, COHORT_PRODUCT, COHORT_DOUBLE_COMPLEX, 2 * I, turn);
}

/* Values whose sum depends on the order, brought in every order. */
static void same_bits_whoever_is_first(void) {
  const double values[4] = {1e16, 1.0, -1e16, 3.0};
  cohort_collective_t sum = create(COHORT_SUM, COHORT_DOUBLE);
  double first = 0, total;
  for (int turn = 0; turn < 24; turn++) {
    struct timespec pause = {0, 200000L * ((rank + turn) % size)};
    nanosleep(&pause, NULL);
    agree(ctx, &sum, &values[(rank + turn) % 4], &total, sizeof total);
    if (size < 4) continue;
    if (turn == 0) first = total;
    CHECK(memcmp(&first, &total, sizeof total) == 0);
  }
  destroy(&sum);
}

/* The least value, and who had it. */
typedef struct { double value; int64_t who; } least_t;

static void keep_least(void *into, const void *from, size_t count, void *user) {
  least_t *a = into;
  const least_t *b = from;
  for (size_t i = 0; i < count; i++) if (b[i].value < a[i].value) a[i] = b[i];
  CHECK(user == &least);
}

/* Sums of three bytes each: an element of an odd size. */
static void add_triples(void *into, const void *from, size_t count, void *user) {
  unsigned char *a = into;
  const unsigned char *b = from;
  (void)user;
  for (size_t i = 0; i < 3 * count; i++) a[i] = (unsigned char)(a[i] + b[i]);
}

/* Reductions of the program's own. Ranks register them in different orders and know them by name; one that only the owner of a
 * collective has is refused elsewhere. */
static void programs_own(void) {
  const least_t none = {1e300, -1};
  const unsigned char nothing[3] = {0, 0, 0};
  cohort_reduction_t keeping, adding = 0, lonely = 0;
  cohort_collective_t place, triples, alone;
  int32_t i;
  if (rank % 2 == 1) TRY(cohort_reduction_register(rt, "triples", 3, nothing, add_triples, NULL, &adding));
  TRY(cohort_reduction_register(rt, "place of the least", sizeof none, &none, keep_least, &least, &keeping));
  if (rank % 2 == 0) TRY(cohort_reduction_register(rt, "triples", 3, nothing, add_triples, NULL, &adding));
  if (rank == 0) TRY(cohort_reduction_register(rt, "of rank 0 only", 3, nothing, add_triples, NULL, &lonely));
  place = create(keeping, COHORT_TYPE_NONE);
  triples = create(adding, COHORT_TYPE_NONE);
  for (i = 0; i < 200; i++) {
    least_t mine = {(rank + i) % size, rank}, all;
    unsigned char three[3] = {1, (unsigned char)rank, (unsigned char)i}, sums[3];
    agree(ctx, &place, &mine, &all, sizeof all);
    CHECK(all.value == 0 && (all.who + i) % size == 0);
    agree(ctx, &triples, three, sums, sizeof sums);
    CHECK(sums[0] == size && sums[1] == size * (size - 1) / 2 && sums[2] == (unsigned char)(i * size));
  }
  destroy(&triples);
  destroy(&place);
  alone = create(lonely, COHORT_TYPE_NONE);
  /* By messages the owner combines, and nobody else has to know how. */
  if (rank != 0 && !forced) EXPECT(cohort_collective_arrive(alone, nothing), COHORT_ERROR_WRONG_ORDER, "has not registered");
  destroy(&alone);
}

static void wrong_calls(void) {
  cohort_collective_t own, stale, never = {0, 0}, other;
  cohort_phase_barrier_t barrier;
  cohort_future_t future, small;
  int32_t narrow = 1;
  double value = 1, got;
  EXPECT(cohort_collective_create(rt, 0, COHORT_SUM, COHORT_DOUBLE, &own), COHORT_ERROR_INVALID_ARGUMENT, "0 arrivals");
  EXPECT(cohort_collective_create(rt, 1, COHORT_MIN, COHORT_DOUBLE_COMPLEX, &own), COHORT_ERROR_INVALID_ARGUMENT, "no order");
  EXPECT(cohort_collective_create(rt, 1, COHORT_REDUCTION_NONE, COHORT_DOUBLE, &own), COHORT_ERROR_INVALID_ARGUMENT, "REDUCTION_NONE");
  EXPECT(cohort_collective_create(rt, 1, 9, COHORT_DOUBLE, &own), COHORT_ERROR_INVALID_ARGUMENT, "reduction is 9");
  EXPECT(cohort_collective_create(rt, 1, COHORT_SUM, 9, &own), COHORT_ERROR_INVALID_ARGUMENT, "type is 9");
  EXPECT(cohort_collective_create(rt, 1, COHORT_SUM, COHORT_DOUBLE, NULL), COHORT_ERROR_INVALID_ARGUMENT, "null");
  EXPECT(cohort_collective_create(rt, 1000000, COHORT_SUM, COHORT_DOUBLE, &own), COHORT_ERROR_OUT_OF_MEMORY, "COHORT_SHARED_BYTES");
  EXPECT(cohort_collective_arrive(never, &value), COHORT_ERROR_INVALID_HANDLE, "null handle");
  TRY(cohort_phase_barrier_create(rt, 1, &barrier));
  never.id = barrier.id;
  EXPECT(cohort_collective_arrive(never, &value), COHORT_ERROR_INVALID_HANDLE, "handle of a phase barrier; a collective");
  TRY(cohort_phase_barrier_destroy(&barrier));

  TRY(cohort_collective_create(rt, 1, COHORT_SUM, COHORT_DOUBLE, &own));
  EXPECT(cohort_collective_arrive(own, NULL), COHORT_ERROR_INVALID_ARGUMENT, "value is null");
  EXPECT(cohort_collective_future(ctx, own, &future), COHORT_ERROR_WRONG_ORDER, "no phase was before it");
  TRY(cohort_future_value(rt, &narrow, sizeof narrow, &small));
  EXPECT(cohort_collective_arrive_future(ctx, own, small), COHORT_ERROR_INVALID_ARGUMENT, "the value has 4 bytes, and the collective's Double has 8");
  TRY(cohort_future_destroy(&small));
  TRY(cohort_collective_arrive(own, &value));
  EXPECT(cohort_collective_arrive(own, &value), COHORT_ERROR_WRONG_ORDER, "phase 0 is complete already");
  other = own; other.phase = FIRST + 1;
  EXPECT(cohort_collective_arrive(other, &value), COHORT_ERROR_RESOURCES, "more than 63 ahead");
  /* A result that nobody asked for in time. */
  for (int phase = 1; phase <= FIRST; phase++) { other.phase = (uint64_t)phase; TRY(cohort_collective_arrive(other, &value)); }
  TRY(cohort_collective_advance(own, &own));
  EXPECT(cohort_collective_future(ctx, own, &future), COHORT_ERROR_WRONG_ORDER, "phase 0 is no longer kept");
  TRY(cohort_collective_advance(own, &own));
  TRY(cohort_collective_future(ctx, own, &future));
  TRY(cohort_future_get(future, &got, sizeof got)); CHECK(got == 1); TRY(cohort_future_destroy(&future));
  /* A future that will not come keeps the collective. */
  own.phase = FIRST + 2;
  TRY(cohort_collective_future(ctx, own, &future));
  EXPECT(cohort_collective_destroy(&own), COHORT_ERROR_WRONG_ORDER, "its future waits for it");
  own.phase--;
  TRY(cohort_collective_arrive(own, &value)); TRY(cohort_future_get(future, &got, sizeof got)); TRY(cohort_future_destroy(&future));
  stale = own;
  TRY(cohort_collective_destroy(&own)); CHECK(own.id == 0); TRY(cohort_collective_destroy(&own));
  EXPECT(cohort_collective_arrive(stale, &value), COHORT_ERROR_INVALID_HANDLE, "no longer exists");
}

/* A barrier of MPI's in which this rank goes on to answer messages: below MPI_THREAD_MULTIPLE they wait for this thread. */
static void meet(void) {
  MPI_Request request;
  int done = 0;
  MPI_Ibarrier(MPI_COMM_WORLD, &request);
  while (!done) { TRY(cohort_wait_all(ctx)); MPI_Test(&request, &done, MPI_STATUS_IGNORE); }
}

/* A value of another type, found when it is there: the phase fails, and so does the next wait of every rank. */
static void wrong_value(cohort_task_t proposing) {
  cohort_collective_t own;
  cohort_future_t future, mine;
  cohort_launch_t proposal = COHORT_LAUNCH_INIT;
  const char *text = "dynamic collective on rank 0: the value has 8 bytes, and the collective's Int32 has 4";
  int32_t narrow, status;
  int step = 0;
  meet();
  MPI_Barrier(MPI_COMM_WORLD);
  if (rank == 0) {
    cohort_phase_barrier_t gate;
    TRY(cohort_phase_barrier_create(rt, 1, &gate));
    TRY(cohort_collective_create(rt, 1, COHORT_SUM, COHORT_INT32, &own));
    proposal.task = proposing; proposal.args = &step; proposal.args_size = sizeof step;
    TRY(cohort_phase_barrier_advance(gate, &gate));
    proposal.wait_barriers = &gate; proposal.wait_barrier_count = 1;
    TRY(cohort_launch(ctx, &proposal, &mine));
    TRY(cohort_collective_arrive_future(ctx, own, mine));
    TRY(cohort_collective_advance(own, &own)); TRY(cohort_collective_future(ctx, own, &future));
    gate.phase--;
    TRY(cohort_phase_barrier_arrive(gate, 1));
    EXPECT(cohort_future_get(future, &narrow, sizeof narrow), COHORT_ERROR_TASK_FAILED, text);
    TRY(cohort_future_destroy(&future)); TRY(cohort_future_destroy(&mine));
    TRY(cohort_wait_all(ctx));
    TRY(cohort_collective_destroy(&own)); TRY(cohort_phase_barrier_destroy(&gate));
  } else {
    while ((status = cohort_wait_all(ctx)) == COHORT_OK) {}
    CHECK(status == COHORT_ERROR_TASK_FAILED && strstr(cohort_last_error(), text));
  }
}

/* One arrival too many for the ranks together. */
static void too_many(void) {
  double value = 1;
  cohort_collective_t phase = least;
  agree(ctx, &least, &value, &value, sizeof value);
  EXPECT(cohort_collective_arrive(phase, &value), COHORT_ERROR_WRONG_ORDER, "is complete already");
}

/* A collective that its owner destroyed, on ranks that asked for its results and on those that never did. */
static void destroyed(void) {
  cohort_collective_t unasked = create(COHORT_MAX, COHORT_INT32), stale = least, forged = least;
  int32_t one = 1;
  double value = 1;
  MPI_Barrier(MPI_COMM_WORLD);
  if (rank == 0) { TRY(cohort_collective_destroy(&least)); TRY(cohort_collective_destroy(&unasked)); }
  MPI_Barrier(MPI_COMM_WORLD);
  /* The news may be on their way. */
  while (forced && cohort_collective_advance(stale, &stale) == COHORT_OK) TRY(cohort_wait_all(ctx));
  EXPECT(cohort_collective_arrive(stale, &value), COHORT_ERROR_INVALID_HANDLE, "no longer exists");
  if (forced && size > 1) {
    cohort_phase_barrier_t never;
    forged.id |= UINT64_C(31) << 44; /* an element that no reduction has */
    if (rank != 0) EXPECT(cohort_collective_arrive(forged, &value), COHORT_ERROR_INVALID_HANDLE, "no longer exists, or never did");
    TRY(cohort_phase_barrier_create(rt, 1, &never)); TRY(cohort_phase_barrier_advance(never, &never));
    if (rank == 1) TRY(cohort_collective_arrive(unasked, &one));
    if (rank == 1) EXPECT(cohort_phase_barrier_wait(ctx, never), COHORT_ERROR_TASK_FAILED, "was refused there: the collective");
    TRY(cohort_phase_barrier_destroy(&never));
  } else EXPECT(cohort_collective_arrive(rank == 0 ? stale : unasked, &one), COHORT_ERROR_INVALID_HANDLE, "no longer exists");
}

int main(int argc, char **argv) {
  cohort_task_t stepping, proposing, advancing;
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  cohort_index_space_t space; cohort_field_space_t fields; cohort_region_t clock; cohort_field_t field;
  int64_t one = 1;
  int level;
  const char *messages = getenv("COHORT_FORCE_MESSAGES");
  forced = messages && *messages == '1';
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level);
  TRY(cohort_init_mpi(MPI_COMM_WORLD, NULL, &rt)); TRY(cohort_root_context(rt, &ctx));
  TRY(cohort_rank(rt, &rank)); TRY(cohort_size(rt, &size));
  TRY(cohort_task_register(rt, "in_step", in_step, NULL, 0, &stepping));
  TRY(cohort_task_register(rt, "propose", propose, NULL, COHORT_TASK_LEAF, &proposing));
  TRY(cohort_task_register(rt, "advance_time", advance_time, NULL, COHORT_TASK_LEAF, &advancing));
  TRY(cohort_index_space_create(rt, 1, &one, &one, &space)); TRY(cohort_field_space_create(rt, &fields));
  TRY(cohort_fields_allocate(fields, 8, 1, &field)); TRY(cohort_region_create(rt, space, fields, &clock));
  least = create(COHORT_MIN, COHORT_DOUBLE);
  in_step(ctx, NULL);
  launch.task = stepping;
  TRY(cohort_must_epoch(ctx, 1, &launch, NULL)); TRY(cohort_must_epoch_wait(ctx));
  CHECK(least.phase == 2 * STEPS);
  run_ahead(proposing, advancing, clock);
  every_type();
  same_bits_whoever_is_first();
  programs_own();

  too_many();
  destroyed();
  wrong_calls();
  wrong_value(proposing);
  TRY(cohort_finalize(&rt));
  if (rank == 0) printf("PASSED on %d ranks\n", (int)size);
  MPI_Finalize();
  return 0;
}
