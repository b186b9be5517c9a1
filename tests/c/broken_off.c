/* An index launch that cannot go on, because the window is full and what was launched before it has failed: the call says how many of its
 * points were launched, these run, and whoever waits for the launch as a whole is told that it failed, instead of waiting for ever. Then the
 * program goes on. The launch breaks off between points, and behind the last of them, where only the operation is missing that arrives. */
#include "testing.h"
#include <stdatomic.h>
#include <string.h>

enum { WINDOW = 8 };
/* The other places are those of the task that has failed, which is over with its child, and of the one that waits. */
enum { FIT = WINDOW - 2 };
static atomic_int completed, ran_after;
static cohort_launch_t child = COHORT_LAUNCH_INIT;

static int32_t count(cohort_context_t task, void *user)
{
  const int32_t one = 1;
  (void)user;
  atomic_fetch_add(&completed, 1);
  return cohort_task_result(task, &one, sizeof one);
}

static int32_t come_after(cohort_context_t task, void *user)
{
  (void)task; (void)user;
  atomic_fetch_add(&ran_after, 1);
  return 0;
}

static int32_t do_nothing(cohort_context_t task, void *user)
{
  (void)task; (void)user;
  return 0;
}

static int32_t fail(cohort_context_t task, void *user)
{
  (void)user;
  TRY(cohort_launch(task, &child, NULL));
  return cohort_task_fail(task, "on purpose");
}

static cohort_task_t task_of(cohort_runtime_t rt, const char *name, cohort_task_function_t body, uint32_t flags)
{
  cohort_task_t task;
  TRY(cohort_task_register(rt, name, body, NULL, flags, &task));
  return task;
}

/* What a launch gives: nothing, a future for all points, one for each. */
enum { NOTHING, REDUCED, MAPPED, KINDS };

static cohort_status_t index_launch(cohort_context_t ctx, const cohort_launch_t *launch, uint32_t points, int kind)
{
  cohort_future_t total;
  cohort_future_map_t each;
  switch (kind) {
  case NOTHING: return cohort_index_launch(ctx, launch, points, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL);
  case REDUCED: return cohort_index_launch(ctx, launch, points, COHORT_SUM, COHORT_INT32, &total);
  default: return cohort_index_launch_map(ctx, launch, points, &each);
  }
}

int main(void)
{
  cohort_config_t config = COHORT_CONFIG_INIT;
  cohort_runtime_t rt;
  cohort_context_t ctx;
  cohort_phase_barrier_t gate, open, arrived, all;
  config.window = WINDOW;
  TRY(cohort_init(&config, &rt));
  TRY(cohort_root_context(rt, &ctx));
  const cohort_task_t counting = task_of(rt, "count", count, COHORT_TASK_LEAF), failing = task_of(rt, "fail", fail, 0),
                      after = task_of(rt, "after", come_after, COHORT_TASK_LEAF);
  child.task = task_of(rt, "nothing", do_nothing, COHORT_TASK_LEAF);
  child.wait_barriers = &open;
  child.wait_barrier_count = 1;
  TRY(cohort_phase_barrier_create(rt, 1, &gate));
  TRY(cohort_phase_barrier_create(rt, 1, &arrived));
  for (int round = 0; round < 2 * KINDS; round++) {
    const int kind = round / 2;
    const uint32_t points = round % 2 ? FIT : 3 * WINDOW;
    char said[60];
    cohort_launch_t one = COHORT_LAUNCH_INIT;
    atomic_store(&completed, 0);
    TRY(cohort_phase_barrier_advance(gate, &open));
    TRY(cohort_phase_barrier_advance(arrived, &all));
    one.task = failing;
    TRY(cohort_launch(ctx, &one, NULL));
    one.task = after;
    one.wait_barriers = &all;
    one.wait_barrier_count = 1;
    TRY(cohort_launch(ctx, &one, NULL));
    one.task = counting;
    one.wait_barriers = &open;
    one.arrive_barriers = &arrived;
    one.arrive_barrier_count = 1;
    snprintf(said, sizeof said, "of the %d points of the launch %d are launched", (int)points, FIT);
    EXPECT(index_launch(ctx, &one, points, kind), COHORT_ERROR_TASK_FAILED, said);
    CHECK(strstr(cohort_last_error(), "on purpose"));
    /* The points wait, and whoever waited for them all does not. */
    EXPECT(cohort_phase_barrier_wait(ctx, all), COHORT_ERROR_TASK_FAILED, said);
    CHECK(atomic_load(&completed) == 0);
    TRY(cohort_phase_barrier_arrive(gate, 1));
    /* Which of the two is complete first is what this wait tells of: the task that failed, or the one that waited for the launch. */
    while (cohort_wait_all(ctx) != COHORT_OK)
      CHECK(strstr(cohort_last_error(), said) || strstr(cohort_last_error(), "on purpose"));
    CHECK(atomic_load(&completed) == FIT && atomic_load(&ran_after) == 0);
    gate = open;
    arrived = all;
  }
  TRY(cohort_phase_barrier_destroy(&gate));
  TRY(cohort_phase_barrier_destroy(&arrived));
  TRY(cohort_finalize(&rt));
  puts("PASSED");
  return 0;
}
