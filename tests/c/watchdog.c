/* The watchdog says once, when nothing has moved for the time it was given, which handshake, barrier, collective or future waits
 * for whom; and nothing while tasks run. The program reads what the library writes to the standard error. */
#include "hearing.h"
#include "row.h"
#include <stdarg.h>

static cohort_runtime_t rt;
static cohort_context_t ctx;

/* The text has this once. */
static void says(const char *text, const char *format, ...)
{
  char part[256];
  const char *at;
  va_list values;
  va_start(values, format);
  vsnprintf(part, sizeof part, format, values);
  va_end(values);
  at = strstr(text, part);
  if (!at || strstr(at + 1, part))
    FAIL_HERE("not once \"%s\" in \"%s\"", part, text);
}

/* What is said while this thread waits for a hand-off that does not come. */
static const char *heard_while_waiting(cohort_handshake_t handshake)
{
  listen();
  EXPECT(cohort_wait_on_tasks_for(handshake, 1.2), COHORT_ERROR_TIMEOUT, "");
  return heard();
}

static int32_t slow(cohort_context_t task, void *user)
{
  (void)task; (void)user;
  rest(1);
  return 0;
}

static int32_t quick(cohort_context_t task, void *user)
{
  double value = 1;
  (void)user;
  TRY(cohort_task_result(task, &value, sizeof value));
  return 0;
}

/* A ghost region, to be acquired and released. */
static cohort_sync_t ghost(void)
{
  cohort_sync_t sync = COHORT_SYNC_INIT;
  cohort_index_space_t points;
  cohort_field_space_t fields;
  make_row(rt, 0, 0, &points, &fields);
  TRY(cohort_ghost_create(rt, points, fields, &sync.region));
  sync.fields = &row_field;
  sync.field_count = 1;
  return sync;
}

int main(void)
{
  cohort_config_t config = COHORT_CONFIG_INIT;
  cohort_handshake_t handshake;
  cohort_phase_barrier_t first, next;
  cohort_collective_t sum;
  cohort_future_t total, result;
  cohort_sync_t acquired;
  cohort_launch_t working = COHORT_LAUNCH_INIT, stuck = COHORT_LAUNCH_INIT;
  const char *text;
  double value = 2;
  config.watchdog_seconds = 0.2;
  TRY(cohort_init(&config, &rt));
  TRY(cohort_root_context(rt, &ctx));
  TRY(cohort_task_register(rt, "slow", slow, NULL, COHORT_TASK_LEAF, &working.task));
  TRY(cohort_task_register(rt, "quick", quick, NULL, COHORT_TASK_LEAF, &stuck.task));

  /* While a task runs there is nothing to say. */
  listen();
  TRY(cohort_launch(ctx, &working, NULL));
  TRY(cohort_wait_all(ctx));
  text = heard();
  if (*text)
    FAIL_HERE("\"%s\" though a task ran", text);

  TRY(cohort_handshake_create(rt, 1, 1, COHORT_SIDE_HOST, &handshake));
  TRY(cohort_handoff_to_tasks(handshake));
  /* Who has given up waiting does not wait. */
  listen();
  EXPECT(cohort_wait_on_tasks_for(handshake, 0.05), COHORT_ERROR_TIMEOUT, "");
  rest(1);
  text = heard();
  if (*text)
    FAIL_HERE("\"%s\" though nobody waits", text);

  text = heard_while_waiting(handshake);
  says(text, "nothing has moved for 0.");
  says(text, "the host waits for the tasks' hand-off in the handshake %#llx: 0 of 1 have come in phase 0", (unsigned long long)handshake.id);

  /* An operation that waits for a barrier, a future that waits for a collective. */
  TRY(cohort_phase_barrier_create(rt, 2, &first));
  TRY(cohort_phase_barrier_advance(first, &next));
  TRY(cohort_phase_barrier_arrive(first, 1));
  stuck.wait_barriers = &next;
  stuck.wait_barrier_count = 1;
  TRY(cohort_launch(ctx, &stuck, &result));
  TRY(cohort_collective_create(rt, 3, COHORT_SUM, COHORT_DOUBLE, &sum));
  TRY(cohort_collective_arrive(sum, &value));
  TRY(cohort_collective_advance(sum, &sum));
  TRY(cohort_collective_future(ctx, sum, &total));
  text = heard_while_waiting(handshake);
  says(text, "operations wait for the phase barrier %#llx of rank 0: 1 of 2 arrivals at phase 0 have come", (unsigned long long)first.id);
  says(text, "a future waits for the dynamic collective %#llx of rank 0: phase 0 has not had its 3 arrivals", (unsigned long long)sum.id);

  /* What was missing comes, and all goes on. */
  sum.phase--;
  TRY(cohort_collective_arrive(sum, &value));
  TRY(cohort_collective_arrive(sum, &value));
  TRY(cohort_future_get(total, &value, sizeof value));
  CHECK(value == 6);
  TRY(cohort_phase_barrier_arrive(first, 1));
  TRY(cohort_wait_all(ctx));

  /* Operations on a ghost region that wait for a barrier are named, and those that come to wait for it later are not taken for them. */
  acquired = ghost();
  acquired.wait_barriers = &next;
  acquired.wait_barrier_count = 1;
  TRY(cohort_phase_barrier_advance(next, &next));
  TRY(cohort_acquire(ctx, &acquired));
  text = heard_while_waiting(handshake);
  says(text, "operations on ghost region 0 of rank 0 wait for the phase barrier %#llx of rank 0: 0 of 2 arrivals at phase 1 have come",
       (unsigned long long)first.id);
  TRY(cohort_phase_barrier_advance(first, &first));
  TRY(cohort_phase_barrier_arrive(first, 2));
  acquired.wait_barrier_count = 0;
  TRY(cohort_release(ctx, &acquired));
  TRY(cohort_wait_all(ctx));
  TRY(cohort_phase_barrier_advance(next, &next));
  TRY(cohort_launch(ctx, &stuck, NULL));
  text = heard_while_waiting(handshake);
  says(text, "operations wait for the phase barrier %#llx of rank 0: 0 of 2 arrivals at phase 2 have come", (unsigned long long)first.id);
  TRY(cohort_phase_barrier_advance(first, &first));
  TRY(cohort_phase_barrier_arrive(first, 2));
  TRY(cohort_wait_all(ctx));
  TRY(cohort_future_destroy(&total));
  TRY(cohort_future_destroy(&result));
  TRY(cohort_collective_destroy(&sum));
  TRY(cohort_phase_barrier_destroy(&first));
  TRY(cohort_finalize(&rt));
  puts("PASSED");
  return 0;
}
