/* A time loop of the host and a long-running task that take turns; prints what a round trip and an empty task cost. */
#include "cohort.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "testing.h"
enum { N = 64, STEPS = 20000 };

static cohort_handshake_t hs;
static double q[N], rhs[N];

static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + 1e-9 * t.tv_nsec; }

static int32_t decay(cohort_context_t task, void *user) {
  cohort_view_t in, out;
  (void)user;
  TRY(cohort_view(task, 0, 0, COHORT_READ_ONLY, &in));
  TRY(cohort_view(task, 1, 1, COHORT_WRITE_DISCARD, &out));
  for (int i = 0; i < N; i++) ((double *)out.base)[i] = -((double *)in.base)[i];
  return 0;
}

static int32_t empty(cohort_context_t task, void *user) { (void)task; (void)user; return 0; }

static int32_t member(cohort_context_t task, void *user) {
  (void)user;
  for (int step = 0; step < STEPS; step++) {
    TRY(cohort_wait_on_host(task, hs));
    TRY(cohort_handoff_to_host(task, hs));
  }
  return 0;
}

int main(void) {
  cohort_runtime_t rt; cohort_context_t ctx; cohort_index_space_t is; cohort_field_space_t fs; cohort_region_t r;
  cohort_task_t kernel, nothing, rank_main; cohort_field_t f[2] = {0, 1};
  int64_t lo = 0, hi = N - 1, stride = sizeof(double);
  double t, expected = 1;
  TRY(cohort_init(NULL, &rt)); TRY(cohort_root_context(rt, &ctx));
  TRY(cohort_index_space_create(rt, 1, &lo, &hi, &is)); TRY(cohort_field_space_create(rt, &fs));
  TRY(cohort_fields_allocate(fs, sizeof(double), 2, f)); f[1] = f[0] + 1;
  TRY(cohort_region_create(rt, is, fs, &r));
  TRY(cohort_attach(ctx, r, 1, &f[0], q, &stride, 0)); TRY(cohort_attach(ctx, r, 1, &f[1], rhs, &stride, 0));
  TRY(cohort_task_register(rt, "decay", decay, NULL, COHORT_TASK_LEAF, &kernel));
  TRY(cohort_task_register(rt, "empty", empty, NULL, COHORT_TASK_LEAF, &nothing));
  TRY(cohort_task_register(rt, "rank_main", member, NULL, 0, &rank_main));
  TRY(cohort_handshake_create(rt, 1, 1, COHORT_SIDE_HOST, &hs));
  cohort_requirement_t needs[2] = {{.region = r, .fields = &f[0], .field_count = 1, .privilege = COHORT_READ_ONLY}, {.region = r, .fields = &f[1], .field_count = 1, .privilege = COHORT_WRITE_DISCARD}};
  cohort_launch_t rhs_task = COHORT_LAUNCH_INIT, none = COHORT_LAUNCH_INIT;
  rhs_task.task = kernel; rhs_task.requirements = needs; rhs_task.requirement_count = 2;
  rhs_task.wait_handshakes = &hs; rhs_task.wait_handshake_count = 1;
  rhs_task.arrive_handshakes = &hs; rhs_task.arrive_handshake_count = 1;
  for (int i = 0; i < N; i++) q[i] = 1;
  t = now();
  for (int step = 0; step < STEPS; step++) {
    TRY(cohort_launch(ctx, &rhs_task, NULL)); TRY(cohort_handshake_advance(ctx, hs));
    TRY(cohort_handoff_to_tasks(hs)); TRY(cohort_wait_on_tasks(hs));
    for (int i = 0; i < N; i++) q[i] += 1e-4 * rhs[i];
    expected += 1e-4 * -expected;
  }
  printf("deferred handshake, launch and task: %.0f ns\n", (now() - t) / STEPS * 1e9);
  for (int i = 0; i < N; i++) if (q[i] != expected) { printf("FAILED: q(%d) = %.17g, not %.17g\n", i, q[i], expected); return 1; }
  TRY(cohort_wait_all(ctx)); TRY(cohort_handshake_destroy(&hs));
  none.task = nothing; none.requirements = needs; none.requirement_count = 2;
  t = now();
  for (int i = 0; i < STEPS; i++) TRY(cohort_launch(ctx, &none, NULL));
  TRY(cohort_wait_all(ctx));
  printf("empty task with two requirements, chained: %.0f ns\n", (now() - t) / STEPS * 1e9);
  needs[1].privilege = COHORT_READ_ONLY;
  t = now();
  for (int i = 0; i < STEPS; i++) TRY(cohort_launch(ctx, &none, NULL));
  TRY(cohort_wait_all(ctx));
  printf("empty task with two requirements, independent: %.0f ns\n", (now() - t) / STEPS * 1e9);
  TRY(cohort_handshake_create(rt, 1, 1, COHORT_SIDE_HOST, &hs));
  cohort_launch_t long_running = COHORT_LAUNCH_INIT;
  long_running.task = rank_main;
  TRY(cohort_must_epoch(ctx, 1, &long_running, NULL));
  t = now();
  for (int step = 0; step < STEPS; step++) { TRY(cohort_handoff_to_tasks(hs)); TRY(cohort_wait_on_tasks(hs)); }
  printf("round trip to a blocking member: %.0f ns\n", (now() - t) / STEPS * 1e9);
  TRY(cohort_must_epoch_wait(ctx)); TRY(cohort_finalize(&rt));
  printf("PASSED\n");
  return 0;
}
