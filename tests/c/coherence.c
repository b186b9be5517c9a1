/* Atomic and relaxed coherence: tasks that take turns in any order, and those that need not. Acquire and release. */
#include "cohort.h"
#include <stdio.h>
#include <time.h>
#include "testing.h"
enum { CELLS = 8, DEPOSITS = 200, TURNS = 40 };

static cohort_runtime_t rt;
static cohort_context_t root;
static cohort_region_t region;
static cohort_partition_t halves;
static cohort_field_t fields[2] = {0, 1};
static cohort_task_t deposit_task, count_task, meet_task, inner_task, slow_task, fail_task, contribute_task, keep_task, share_task;

/* Who is inside a task that nobody may be beside. */
static int inside, children_done;

static void wait_a_little(void) {
  struct timespec moment = {0, 20000};
  nanosleep(&moment, NULL);
}

static double *data(cohort_context_t task, cohort_field_t field, cohort_privilege_t right, int64_t *count) {
  cohort_view_t view;
  TRY(cohort_view(task, 0, field, right, &view));
  *count = view.hi[0] - view.lo[0] + 1;
  return view.base;
}

static void enter(void) { if (__atomic_fetch_add(&inside, 1, __ATOMIC_RELAXED) != 0) FAIL_HERE("two at once"); }
static void leave(void) { __atomic_fetch_sub(&inside, 1, __ATOMIC_RELAXED); }

/* Adds one everywhere, in a way that loses updates when another does so, too. */
static int32_t deposit(cohort_context_t task, void *user) {
  double seen[CELLS];
  int64_t count, i;
  double *cells = data(task, 0, COHORT_READ_WRITE, &count);
  (void)user;
  enter();
  for (i = 0; i < count; i++) seen[i] = cells[i];
  wait_a_little();
  for (i = 0; i < count; i++) cells[i] = seen[i] + 1;
  leave();
  return 0;
}

/* The sum of what is there. */
static int32_t count(cohort_context_t task, void *user) {
  int64_t n, i;
  double sum = 0, *cells = data(task, 0, COHORT_READ_ONLY, &n);
  (void)user;
  for (i = 0; i < n; i++) sum += cells[i];
  return cohort_task_result(task, &sum, sizeof sum);
}

/* Returns when as many tasks are here as the barrier counts: they have to run at once. */
static int32_t meet(cohort_context_t task, void *user) {
  const void *args;
  cohort_phase_barrier_t barrier;
  (void)user;
  TRY(cohort_task_args(task, &args, NULL));
  barrier = *(const cohort_phase_barrier_t *)args;
  TRY(cohort_phase_barrier_arrive(barrier, 1));
  TRY(cohort_phase_barrier_advance(barrier, &barrier));
  return cohort_phase_barrier_wait(task, barrier);
}

static int32_t slow(cohort_context_t task, void *user) {
  (void)task, (void)user;
  for (int i = 0; i < 20; i++) wait_a_little();
  children_done++;
  return 0;
}

/* Returns long before what it launched is done. */
static int32_t inner(cohort_context_t task, void *user) {
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  (void)user;
  if (children_done % 3) FAIL_HERE("the children of another are not done");
  launch.task = slow_task;
  for (int i = 0; i < 3; i++) {
    cohort_requirement_t own = {.region = region, .fields = fields, .field_count = 1, .privilege = COHORT_READ_WRITE};
    launch.requirements = &own; launch.requirement_count = 1;
    TRY(cohort_launch(task, &launch, NULL));
  }
  return 0;
}

static int32_t fail(cohort_context_t task, void *user) {
  (void)user;
  return cohort_task_fail(task, "on purpose");
}

static int32_t contribute(cohort_context_t task, void *user) {
  int64_t n, i;
  double *cells = data(task, 0, COHORT_REDUCE, &n);
  (void)user;
  for (i = 0; i < n; i++) cells[i] += 1;
  return 0;
}

static cohort_requirement_t need(cohort_privilege_t right, cohort_coherence_t coherence) {
  cohort_requirement_t made = {.region = region, .fields = fields, .field_count = 1, .privilege = right, .coherence = coherence};
  if (right == COHORT_REDUCE) { made.reduction = COHORT_SUM; made.reduction_type = COHORT_DOUBLE; }
  return made;
}

static cohort_launch_t launch_of(cohort_task_t task, const cohort_requirement_t *need) {
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  launch.task = task; launch.requirements = need; launch.requirement_count = 1;
  return launch;
}

static cohort_phase_barrier_t barrier_of(uint32_t arrivals) {
  cohort_phase_barrier_t barrier;
  TRY(cohort_phase_barrier_create(rt, arrivals, &barrier));
  return barrier;
}

static double total(void) {
  cohort_requirement_t all = need(COHORT_READ_ONLY, COHORT_EXCLUSIVE);
  cohort_launch_t launch = launch_of(count_task, &all);
  cohort_future_t future;
  double sum;
  TRY(cohort_launch(root, &launch, &future));
  TRY(cohort_future_get(future, &sum, sizeof sum)); TRY(cohort_future_destroy(&future));
  return sum;
}

static void clear(void) {
  double zero = 0;
  TRY(cohort_fill(root, region, 2, fields, &zero, sizeof zero));
}

static void deposits_take_turns(void) {
  cohort_requirement_t all = need(COHORT_READ_WRITE, COHORT_ATOMIC), adds = need(COHORT_REDUCE, COHORT_ATOMIC);
  cohort_launch_t whole = launch_of(deposit_task, &all), contribution = launch_of(contribute_task, &adds);
  clear();
  /* The points of one launch, single tasks and reductions. */
  TRY(cohort_index_launch(root, &whole, DEPOSITS, 0, 0, NULL));
  for (int i = 0; i < DEPOSITS; i++) {
    TRY(cohort_launch(root, &whole, NULL));
    TRY(cohort_launch(root, &contribution, NULL));
  }
  CHECK(total() == 3.0 * DEPOSITS * CELLS);
}

static void the_later_one_runs_first_if_the_earlier_one_is_held_back(cohort_privilege_t first, cohort_privilege_t second) {
  cohort_requirement_t a = need(first, COHORT_ATOMIC), b = need(second, COHORT_ATOMIC);
  cohort_launch_t held = launch_of(slow_task, &a), free_one = launch_of(slow_task, &b);
  cohort_phase_barrier_t gate = barrier_of(1), open;
  cohort_future_t last, sooner;
  TRY(cohort_phase_barrier_advance(gate, &open));
  held.wait_barriers = &open; held.wait_barrier_count = 1;
  TRY(cohort_launch(root, &held, &last));
  TRY(cohort_launch(root, &free_one, &sooner));
  EXPECT(cohort_future_get(sooner, NULL, 0), COHORT_OK, "");
  TRY(cohort_phase_barrier_arrive(gate, 1));
  EXPECT(cohort_future_get(last, NULL, 0), COHORT_OK, "");
  TRY(cohort_future_destroy(&last)); TRY(cohort_future_destroy(&sooner));
}

/* Tasks that can only end if all run at once. */
static void at_once(uint32_t how_many, const cohort_requirement_t *needs) {
  cohort_phase_barrier_t barrier = barrier_of(how_many);
  for (uint32_t i = 0; i < how_many; i++) {
    cohort_launch_t launch = launch_of(meet_task, &needs[i]);
    launch.args = &barrier; launch.args_size = sizeof barrier;
    TRY(cohort_launch(root, &launch, NULL));
  }
  TRY(cohort_wait_all(root));
}

static void those_that_do_not_meet_do_not_wait_for_each_other(void) {
  cohort_requirement_t all = need(COHORT_READ_WRITE, COHORT_ATOMIC), reads = need(COHORT_READ_ONLY, COHORT_ATOMIC);
  cohort_requirement_t left = all, right = all, other_field = all, sees = need(COHORT_READ_ONLY, COHORT_SIMULTANEOUS);
  cohort_requirement_t relaxed = need(COHORT_READ_WRITE, COHORT_RELAXED), simultaneous = need(COHORT_READ_WRITE, COHORT_SIMULTANEOUS);
  cohort_launch_t whole = launch_of(deposit_task, &all);
  cohort_phase_barrier_t gate = barrier_of(1), open;
  TRY(cohort_subregion(halves, 0, &left.region)); TRY(cohort_subregion(halves, 1, &right.region));
  other_field.fields = &fields[1];
  /* A use of the whole that is yet to come must not tie its parts together. */
  TRY(cohort_phase_barrier_advance(gate, &open));
  whole.wait_barriers = &open; whole.wait_barrier_count = 1;
  TRY(cohort_launch(root, &whole, NULL));
  cohort_requirement_t parts[] = {left, right, other_field}, half_reads[] = {left, right}, shared[] = {reads, reads, reads};
  half_reads[0].privilege = COHORT_READ_ONLY;
  cohort_phase_barrier_t barrier = barrier_of(3);
  for (int i = 0; i < 3; i++) {
    cohort_launch_t launch = launch_of(meet_task, &parts[i]);
    launch.args = &barrier; launch.args_size = sizeof barrier;
    cohort_future_t future;
    TRY(cohort_launch(root, &launch, i == 2 ? &future : NULL));
    if (i == 2) { TRY(cohort_future_get(future, NULL, 0)); TRY(cohort_future_destroy(&future)); }
  }
  TRY(cohort_phase_barrier_arrive(gate, 1));
  TRY(cohort_wait_all(root));
  at_once(3, shared);
  at_once(2, half_reads);
  cohort_requirement_t atomic_and_reader[] = {all, sees}, weak[] = {relaxed, simultaneous};
  at_once(2, atomic_and_reader);
  at_once(2, weak);
}

static void children_count_and_failures_give_back(void) {
  cohort_requirement_t all = need(COHORT_READ_WRITE, COHORT_ATOMIC);
  cohort_launch_t parents = launch_of(inner_task, &all), failing = launch_of(fail_task, &all), good = launch_of(deposit_task, &all);
  children_done = 0;
  TRY(cohort_index_launch(root, &parents, 5, 0, 0, NULL));
  TRY(cohort_wait_all(root));
  CHECK(children_done == 15);
  clear();
  TRY(cohort_launch(root, &good, NULL)); TRY(cohort_launch(root, &failing, NULL)); TRY(cohort_launch(root, &good, NULL));
  EXPECT(cohort_wait_all(root), COHORT_ERROR_TASK_FAILED, "on purpose");
  CHECK(total() == 2.0 * CELLS);
}

static void wrong_calls(void) {
  cohort_requirement_t twice[2] = {need(COHORT_READ_WRITE, COHORT_ATOMIC), need(COHORT_READ_WRITE, COHORT_ATOMIC)};
  cohort_launch_t launch = launch_of(deposit_task, twice), members[2];
  launch.requirement_count = 2;
  EXPECT(cohort_launch(root, &launch, NULL), COHORT_ERROR_INTERFERENCE, "merge them");
  EXPECT(cohort_index_launch(root, &launch, 3, 0, 0, NULL), COHORT_ERROR_INTERFERENCE, "merge them");
  twice[0].coherence = 4;
  launch.requirement_count = 1;
  EXPECT(cohort_launch(root, &launch, NULL), COHORT_ERROR_INVALID_ARGUMENT, "coherence is 4");
  members[0] = members[1] = launch_of(deposit_task, &twice[1]);
  if (cohort_must_epoch(root, 2, members, NULL) != COHORT_ERROR_RESOURCES)
    EXPECT(cohort_must_epoch(root, 2, members, NULL), COHORT_ERROR_INTERFERENCE, "COHORT_ATOMIC");
}

/* How a task shares the region, and what it launches to take turns there. */
struct sharing {
  cohort_task_t task;
  cohort_region_t region;
  cohort_privilege_t privilege;
  cohort_coherence_t coherence;
  int times;
  const void *args;
  size_t args_size;
};

/* Launches what its arguments say, on a part of what it holds itself. */
static int32_t share(cohort_context_t task, void *user) {
  const void *args;
  (void)user;
  TRY(cohort_task_args(task, &args, NULL));
  const struct sharing *how = args;
  cohort_requirement_t part = need(how->privilege, how->coherence);
  part.region = how->region;
  cohort_launch_t launch = launch_of(how->task, &part);
  launch.args = how->args; launch.args_size = how->args_size;
  for (int i = 0; i < how->times; i++) TRY(cohort_launch(task, &launch, NULL));
  return 0;
}

/* Launches tasks that hold the region in this way and launch others. */
static void sharers(cohort_coherence_t coherence, const struct sharing *how, int count) {
  cohort_requirement_t held = need(COHORT_READ_WRITE, coherence);
  cohort_launch_t launch = launch_of(share_task, &held);
  for (int i = 0; i < count; i++) {
    launch.args = &how[i]; launch.args_size = sizeof how[i];
    TRY(cohort_launch(root, &launch, NULL));
  }
}

static void children_of_several_tasks_take_turns(cohort_coherence_t coherence) {
  cohort_region_t left, right;
  const cohort_phase_barrier_t barrier = barrier_of(2);
  TRY(cohort_subregion(halves, 0, &left)); TRY(cohort_subregion(halves, 1, &right));
  const struct sharing deposits = {deposit_task, region, COHORT_READ_WRITE, COHORT_ATOMIC, TURNS, NULL, 0};
  const struct sharing of_half = {deposit_task, left, COHORT_READ_WRITE, COHORT_ATOMIC, TURNS, NULL, 0};
  const struct sharing adds = {contribute_task, left, COHORT_REDUCE, COHORT_ATOMIC, TURNS, NULL, 0};
  /* A level more: the one below shares as well, and the other holds its turn while its own children take theirs. */
  const struct sharing deeper = {share_task, region, COHORT_READ_WRITE, COHORT_SIMULTANEOUS, 2, &deposits, sizeof deposits};
  const struct sharing holding = {share_task, region, COHORT_READ_WRITE, COHORT_ATOMIC, 2, &deposits, sizeof deposits};
  const struct sharing all[] = {deposits, of_half, deposits, adds, deeper, holding};
  clear();
  sharers(coherence, all, 6);
  CHECK(total() == TURNS * (6.0 * CELLS + 2 * CELLS / 2));
  /* Those that do not meet run at once, also when the whole was used before. */
  const struct sharing apart[] = {
    {meet_task, left, COHORT_READ_WRITE, COHORT_ATOMIC, 1, &barrier, sizeof barrier},
    {meet_task, right, COHORT_READ_WRITE, COHORT_ATOMIC, 1, &barrier, sizeof barrier},
  };
  sharers(coherence, apart, 2);
  TRY(cohort_wait_all(root));
}

/* Acquires and does not release. */
static int32_t keep(cohort_context_t task, void *user) {
  cohort_sync_t sync = COHORT_SYNC_INIT;
  (void)user;
  sync.region = region; sync.fields = fields; sync.field_count = 1;
  return cohort_acquire(task, &sync);
}

static void acquires_and_releases_pair_in_one_context(void) {
  cohort_sync_t sync = COHORT_SYNC_INIT, half = COHORT_SYNC_INIT;
  cohort_requirement_t held = need(COHORT_READ_WRITE, COHORT_SIMULTANEOUS);
  cohort_launch_t launch = launch_of(keep_task, &held);
  sync.region = region; sync.fields = fields; sync.field_count = 2;
  half = sync;
  TRY(cohort_subregion(halves, 1, &half.region));
  half.field_count = 1;
  EXPECT(cohort_release(root, &sync), COHORT_ERROR_WRONG_ORDER, "call cohort_acquire first");
  TRY(cohort_acquire(root, &sync));
  EXPECT(cohort_acquire(root, &sync), COHORT_ERROR_WRONG_ORDER, "is acquired already");
  EXPECT(cohort_acquire(root, &half), COHORT_ERROR_WRONG_ORDER, "call cohort_release first");
  TRY(cohort_release(root, &half));
  EXPECT(cohort_release(root, &half), COHORT_ERROR_WRONG_ORDER, "not acquired in this context");
  EXPECT(cohort_release(root, &sync), COHORT_ERROR_WRONG_ORDER, "at least not everywhere");
  TRY(cohort_acquire(root, &half));
  TRY(cohort_release(root, &sync));
  /* What a task has acquired is released with it, and is none of its parent's. */
  for (int i = 0; i < 3; i++) TRY(cohort_launch(root, &launch, NULL));
  TRY(cohort_wait_all(root));
  EXPECT(cohort_release(root, &half), COHORT_ERROR_WRONG_ORDER, "in the same task");
  TRY(cohort_acquire(root, &half));
  TRY(cohort_release(root, &half));
}

int main(void) {
  cohort_index_space_t space;
  cohort_field_space_t names;
  int64_t lo = 0, hi = CELLS - 1, two = 2;
  TRY(cohort_init(NULL, &rt)); TRY(cohort_root_context(rt, &root));
  TRY(cohort_index_space_create(rt, 1, &lo, &hi, &space)); TRY(cohort_field_space_create(rt, &names));
  TRY(cohort_fields_allocate(names, sizeof(double), 2, &fields[0]));
  TRY(cohort_region_create(rt, space, names, &region)); TRY(cohort_partition_blocks(region, &two, &halves));
  TRY(cohort_task_register(rt, "deposit", deposit, NULL, COHORT_TASK_LEAF, &deposit_task));
  TRY(cohort_task_register(rt, "count", count, NULL, COHORT_TASK_LEAF, &count_task));
  TRY(cohort_task_register(rt, "meet", meet, NULL, 0, &meet_task));
  TRY(cohort_task_register(rt, "slow", slow, NULL, COHORT_TASK_LEAF, &slow_task));
  TRY(cohort_task_register(rt, "inner", inner, NULL, 0, &inner_task));
  TRY(cohort_task_register(rt, "fail", fail, NULL, COHORT_TASK_LEAF, &fail_task));
  TRY(cohort_task_register(rt, "contribute", contribute, NULL, COHORT_TASK_LEAF, &contribute_task));
  TRY(cohort_task_register(rt, "share", share, NULL, 0, &share_task));
  TRY(cohort_task_register(rt, "keep", keep, NULL, 0, &keep_task));
  deposits_take_turns();
  the_later_one_runs_first_if_the_earlier_one_is_held_back(COHORT_READ_WRITE, COHORT_READ_WRITE);
  the_later_one_runs_first_if_the_earlier_one_is_held_back(COHORT_READ_ONLY, COHORT_READ_WRITE);
  the_later_one_runs_first_if_the_earlier_one_is_held_back(COHORT_REDUCE, COHORT_READ_WRITE);
  the_later_one_runs_first_if_the_earlier_one_is_held_back(COHORT_READ_WRITE, COHORT_REDUCE);
  those_that_do_not_meet_do_not_wait_for_each_other();
  children_count_and_failures_give_back();
  children_of_several_tasks_take_turns(COHORT_SIMULTANEOUS);
  children_of_several_tasks_take_turns(COHORT_RELAXED);
  wrong_calls();
  acquires_and_releases_pair_in_one_context();
  TRY(cohort_finalize(&rt));
  printf("PASSED\n");
  return 0;
}
