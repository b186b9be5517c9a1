/* Back pressure: a context never has more operations outstanding than its window; a launch beyond waits, or runs tasks meanwhile,
 * for as long as it takes; tasks that fill windows of their own and wait for their tasks end, too. */
#include "testing.h"
#include <stdatomic.h>

enum { WINDOW = 8, LAUNCHES = 500, PARENTS = 20, CHILDREN = 30 };
static atomic_int completed, most_ahead;
static cohort_launch_t child = COHORT_LAUNCH_INIT;

static int32_t count(cohort_context_t task, void *user)
{
  (void)task; (void)user;
  atomic_fetch_add(&completed, 1);
  return 0;
}

/* Completed counts tasks whose bodies have ended or are about to, so the difference is what is outstanding at most. */
static void note_ahead(int launched)
{
  int ahead = launched - atomic_load(&completed);
  if (ahead > atomic_load(&most_ahead))
    atomic_store(&most_ahead, ahead);
}

static int32_t parent(cohort_context_t task, void *user)
{
  (void)user;
  for (int i = 0; i < CHILDREN; i++)
    TRY(cohort_launch(task, &child, NULL));
  TRY(cohort_wait_all(task));
  return 0;
}

int main(void)
{
  cohort_config_t config = COHORT_CONFIG_INIT;
  cohort_runtime_t rt;
  cohort_context_t ctx;
  cohort_phase_barrier_t gate, open;
  cohort_launch_t nested = COHORT_LAUNCH_INIT, gated;
  config.window = WINDOW;
  TRY(cohort_init(&config, &rt));
  TRY(cohort_root_context(rt, &ctx));
  TRY(cohort_task_register(rt, "count", count, NULL, COHORT_TASK_LEAF, &child.task));
  TRY(cohort_task_register(rt, "parent", parent, NULL, 0, &nested.task));

  for (int i = 0; i < LAUNCHES; i++) {
    TRY(cohort_launch(ctx, &child, NULL));
    note_ahead(i + 1);
  }
  TRY(cohort_wait_all(ctx));
  CHECK(atomic_load(&completed) == LAUNCHES);
  CHECK(atomic_load(&most_ahead) <= WINDOW);

  /* A full window of operations that cannot run yet does not keep others from being launched up to it. */
  TRY(cohort_phase_barrier_create(rt, 1, &gate));
  TRY(cohort_phase_barrier_advance(gate, &open));
  gated = child;
  gated.wait_barriers = &open;
  gated.wait_barrier_count = 1;
  atomic_store(&completed, 0);
  for (int i = 0; i < WINDOW; i++)
    TRY(cohort_launch(ctx, &gated, NULL));
  CHECK(atomic_load(&completed) == 0);
  TRY(cohort_phase_barrier_arrive(gate, 1));
  TRY(cohort_wait_all(ctx));
  CHECK(atomic_load(&completed) == WINDOW);

  atomic_store(&completed, 0);
  for (int i = 0; i < PARENTS; i++)
    TRY(cohort_launch(ctx, &nested, NULL));
  TRY(cohort_wait_all(ctx));
  CHECK(atomic_load(&completed) == PARENTS * CHILDREN);
  TRY(cohort_phase_barrier_destroy(&gate));
  TRY(cohort_finalize(&rt));
  puts("PASSED");
  return 0;
}
