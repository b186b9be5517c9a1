/* Values of kilobytes, from task to task in futures: a spectrum that a task measures is weighted with a table that the program gives, and
 * what a third task says of it comes back. All is launched ahead; nobody waits between. */
#include <cohort.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#define TRY(call) do { if (call) { fprintf(stderr, "FAILED: %s\n", cohort_last_error()); return 1; } } while (0)
enum { LINES = 512, STEPS = 20 };
typedef struct { double line[LINES]; } spectrum_t; /* 4 KiB */

static double amplitude(int step, int line)
{
    return 1.0 / (1 + line) + step;
}

static int32_t measure(cohort_context_t task, void *user)
{
    spectrum_t found;
    int32_t step;
    (void)user;
    TRY(cohort_task_args_get(task, &step, sizeof step));
    for (int n = 0; n < LINES; n++)
        found.line[n] = amplitude(step, n);
    return cohort_task_result(task, &found, sizeof found);
}

/* Reads the values where they are, and so copies none. */
static int32_t weigh(cohort_context_t task, void *user)
{
    const void *found, *weight;
    spectrum_t weighted;
    size_t bytes;
    (void)user;
    TRY(cohort_task_future(task, 0, &found, &bytes));
    TRY(cohort_task_future(task, 1, &weight, &bytes));
    for (int n = 0; n < LINES; n++)
        weighted.line[n] = ((const spectrum_t *)found)->line[n] * ((const spectrum_t *)weight)->line[n];
    return cohort_task_result(task, &weighted, sizeof weighted);
}

static int32_t add_up(cohort_context_t task, void *user)
{
    spectrum_t weighted;
    double sum = 0;
    (void)user;
    TRY(cohort_task_future_get(task, 0, &weighted, sizeof weighted));
    for (int n = 0; n < LINES; n++)
        sum += weighted.line[n];
    return cohort_task_result(task, &sum, sizeof sum);
}

int main(void)
{
    cohort_runtime_t rt;
    cohort_context_t ctx;
    cohort_launch_t measuring = COHORT_LAUNCH_INIT, weighing = COHORT_LAUNCH_INIT, adding = COHORT_LAUNCH_INIT;
    cohort_future_t found_and_weight[2], weighted, sum[STEPS];
    spectrum_t table;
    int32_t step;
    for (int n = 0; n < LINES; n++)
        table.line[n] = n % 3;
    TRY(cohort_init(NULL, &rt));
    TRY(cohort_root_context(rt, &ctx));
    TRY(cohort_task_register(rt, "measure", measure, NULL, COHORT_TASK_LEAF, &measuring.task));
    TRY(cohort_task_register(rt, "weigh", weigh, NULL, COHORT_TASK_LEAF, &weighing.task));
    TRY(cohort_task_register(rt, "add up", add_up, NULL, COHORT_TASK_LEAF, &adding.task));
    TRY(cohort_future_value(rt, &table, sizeof table, &found_and_weight[1])); /* is there from the start */
    measuring.args = &step;
    measuring.args_size = sizeof step;
    weighing.futures = found_and_weight;
    weighing.future_count = 2;
    adding.futures = &weighted;
    adding.future_count = 1;
    for (step = 0; step < STEPS; step++) {
        TRY(cohort_launch(ctx, &measuring, &found_and_weight[0]));
        TRY(cohort_launch(ctx, &weighing, &weighted));
        TRY(cohort_launch(ctx, &adding, &sum[step]));
        /* Who was given their values still gets them. */
        TRY(cohort_future_destroy(&found_and_weight[0]));
        TRY(cohort_future_destroy(&weighted));
    }
    TRY(cohort_future_destroy(&found_and_weight[1]));
    for (step = 0; step < STEPS; step++) {
        double got, expected = 0;
        bool ready;
        TRY(cohort_future_get(sum[step], &got, sizeof got));
        TRY(cohort_future_test(sum[step], &ready));
        for (int n = 0; n < LINES; n++)
            expected += amplitude(step, n) * (n % 3);
        if (!ready || fabs(got - expected) > 1e-12 * expected) {
            printf("FAILED: %g instead of %g in step %d\n", got, expected, (int)step);
            return 1;
        }
        TRY(cohort_future_destroy(&sum[step]));
    }
    TRY(cohort_finalize(&rt));
    return puts("PASSED") < 0;
}
