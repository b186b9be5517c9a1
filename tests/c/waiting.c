/* Tasks that wait for tasks they launched: deep recursion, and more waiting tasks than the runtime has threads. */
#include "cohort.h"
#include <stdio.h>
#include <stdlib.h>
#include "testing.h"
enum { DEPTH = 9, WIDE = 300, ROUNDS = 5 };
static cohort_task_t tree_task, leaf_task, waiter_task;

/* Counts the leaves of a binary tree of tasks. */
static int32_t tree(cohort_context_t task, void *user) {
  const void *args;
  int64_t count = 1;
  (void)user;
  TRY(cohort_task_args(task, &args, NULL));
  int32_t depth = *(const int32_t *)args - 1;
  if (depth >= 0) {
    cohort_future_t both;
    cohort_launch_t halves = COHORT_LAUNCH_INIT;
    halves.task = tree_task; halves.args = &depth; halves.args_size = sizeof depth;
    TRY(cohort_index_launch(task, &halves, 2, COHORT_SUM, COHORT_INT64, &both));
    TRY(cohort_future_get(both, &count, sizeof count));
    TRY(cohort_future_destroy(&both));
  }
  return cohort_task_result(task, &count, sizeof count);
}

static int32_t leaf(cohort_context_t task, void *user) {
  int64_t one = 1;
  (void)user;
  return cohort_task_result(task, &one, sizeof one);
}

/* Waits for a leaf, by its future or with everything else. */
static int32_t waiter(cohort_context_t task, void *user) {
  uint32_t point;
  int64_t value = 1;
  cohort_future_t future;
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  (void)user;
  TRY(cohort_task_point(task, &point));
  launch.task = leaf_task;
  TRY(cohort_launch(task, &launch, &future));
  if (point % 2) TRY(cohort_future_get(future, &value, sizeof value)); else TRY(cohort_wait_all(task));
  TRY(cohort_future_destroy(&future));
  return cohort_task_result(task, &value, sizeof value);
}

int main(void) {
  cohort_runtime_t rt; cohort_context_t ctx; cohort_future_t future;
  int64_t count;
  int32_t depth = DEPTH;
  TRY(cohort_init(NULL, &rt)); TRY(cohort_root_context(rt, &ctx));
  TRY(cohort_task_register(rt, "tree", tree, NULL, 0, &tree_task));
  TRY(cohort_task_register(rt, "waiter", waiter, NULL, 0, &waiter_task));
  TRY(cohort_task_register(rt, "leaf", leaf, NULL, COHORT_TASK_LEAF, &leaf_task));
  cohort_launch_t root = COHORT_LAUNCH_INIT, wide = COHORT_LAUNCH_INIT;
  root.task = tree_task; root.args = &depth; root.args_size = sizeof depth;
  wide.task = waiter_task;
  for (int round = 0; round < ROUNDS; round++) {
    TRY(cohort_launch(ctx, &root, &future));
    TRY(cohort_future_get(future, &count, sizeof count)); TRY(cohort_future_destroy(&future));
    if (count != 1 << DEPTH) { printf("FAILED: a tree of %lld leaves\n", (long long)count); return 1; }
    TRY(cohort_index_launch(ctx, &wide, WIDE, COHORT_SUM, COHORT_INT64, &future));
    TRY(cohort_future_get(future, &count, sizeof count)); TRY(cohort_future_destroy(&future));
    if (count != WIDE) { printf("FAILED: %lld waiting tasks\n", (long long)count); return 1; }
  }
  TRY(cohort_finalize(&rt));
  printf("PASSED\n");
  return 0;
}
