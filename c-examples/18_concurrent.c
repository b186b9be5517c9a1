/* Points of an index launch that run at the same time, each on a thread of its own, so that they may wait for each other: threads
 * of a code that was written for such, as tasks. Each sums its part; a dynamic collective brings the sums together while the points
 * still run, and each scales its part by the total. */
#include <cohort.h>
#include <stdio.h>
#define TRY(call) do { if (call) { fprintf(stderr, "FAILED: %s\n", cohort_last_error()); return 1; } } while (0)
enum { N = 1000 };

static cohort_field_t field;

static int32_t normalise(cohort_context_t task, void *user)
{
    cohort_collective_t sums, next;
    cohort_future_t future;
    cohort_view_t v;
    double own = 0, total;
    (void)user;
    TRY(cohort_task_args_get(task, &sums, sizeof sums));
    TRY(cohort_view(task, 0, field, COHORT_READ_WRITE, &v));
    double *q = v.base;
    const int64_t count = v.hi[0] - v.lo[0] + 1;
    for (int64_t i = 0; i < count; i++)
        own += q[i];
    TRY(cohort_collective_arrive_bytes(sums, &own, sizeof own));
    TRY(cohort_collective_advance(sums, &next));
    TRY(cohort_collective_future(task, next, &future));
    TRY(cohort_future_get(future, &total, sizeof total)); /* comes when all points have arrived */
    TRY(cohort_future_destroy(&future));
    for (int64_t i = 0; i < count; i++)
        q[i] /= total;
    return 0;
}

int main(void)
{
    cohort_config_t config = COHORT_CONFIG_INIT;
    cohort_runtime_t rt;
    cohort_context_t ctx;
    cohort_index_space_t points;
    cohort_field_space_t fields;
    cohort_region_t region;
    cohort_partition_t parts;
    cohort_task_t task;
    cohort_collective_t sums;
    const int64_t lo = 1, hi = N, count = 4, stride = sizeof(double);
    double q[N], total = 0;
    for (int i = 0; i < N; i++)
        q[i] = i % 10;
    config.workers = (int32_t)count; /* points that run at once need a processor each */
    TRY(cohort_init(&config, &rt));
    TRY(cohort_root_context(rt, &ctx));
    TRY(cohort_index_space_create(rt, 1, &lo, &hi, &points));
    TRY(cohort_field_space_create(rt, &fields));
    TRY(cohort_field_allocate(fields, sizeof(double), "q", &field));
    TRY(cohort_region_create(rt, points, fields, &region));
    TRY(cohort_attach(ctx, region, 1, &field, q, &stride, 0));
    TRY(cohort_partition_blocks(region, &count, &parts));
    TRY(cohort_task_register(rt, "normalise", normalise, NULL, 0, &task));
    TRY(cohort_collective_create(rt, (uint32_t)count, COHORT_SUM, COHORT_DOUBLE, &sums));
    cohort_requirement_t need = {.partition = parts, .fields = &field, .field_count = 1, .privilege = COHORT_READ_WRITE};
    cohort_launch_t launch = COHORT_LAUNCH_INIT;
    launch.task = task;
    launch.args = &sums;
    launch.args_size = sizeof sums;
    launch.requirements = &need;
    launch.requirement_count = 1;
    launch.flags = COHORT_LAUNCH_CONCURRENT;
    TRY(cohort_index_launch(ctx, &launch, (uint32_t)count, 0, 0, NULL));
    TRY(cohort_detach(ctx, region, 1, &field));
    TRY(cohort_collective_destroy(&sums));
    TRY(cohort_finalize(&rt));
    for (int i = 0; i < N; i++) {
        total += q[i];
        if (q[i] != (i % 10) / 4500.0) {
            printf("FAILED: element %d is %g\n", i, q[i]);
            return 1;
        }
    }
    printf("the sum is %g\n", total);
    return puts("PASSED") < 0;
}
