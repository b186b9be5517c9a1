/* Tasks that launch tasks: each splits its part of a region in two, launches itself on the halves, and adds up what they
 * return; a part that is small enough is summed in place. A task that waits gives its processor to another meanwhile. */
#include <cohort.h>
#include <stdio.h>
#define TRY(call) do { if (call) { fprintf(stderr, "FAILED: %s\n", cohort_last_error()); return 1; } } while (0)
enum { N = 4096, SMALL = 100 };

static cohort_task_t sum_task;
static cohort_field_t field;

static int32_t sum(cohort_context_t task, void *user)
{
    cohort_region_t region;
    int32_t dim;
    int64_t lo, hi;
    double total = 0;
    (void)user;
    TRY(cohort_task_region(task, 0, &region));
    TRY(cohort_region_bounds(region, &dim, &lo, &hi));
    if (hi - lo < SMALL) {
        cohort_view_t q;
        TRY(cohort_view(task, 0, field, COHORT_READ_ONLY, &q));
        for (int64_t i = 0; i <= hi - lo; i++)
            total += ((double *)q.base)[i];
    } else {
        const int64_t two = 2;
        cohort_partition_t halves;
        cohort_future_t both;
        TRY(cohort_partition_blocks(region, &two, &halves));
        cohort_requirement_t need = {.partition = halves, .fields = &field, .field_count = 1, .privilege = COHORT_READ_ONLY};
        cohort_launch_t launch = COHORT_LAUNCH_INIT;
        launch.task = sum_task;
        launch.requirements = &need;
        launch.requirement_count = 1;
        TRY(cohort_index_launch(task, &launch, 2, COHORT_SUM, COHORT_DOUBLE, &both));
        TRY(cohort_future_get(both, &total, sizeof total));
        TRY(cohort_future_destroy(&both));
        TRY(cohort_partition_destroy(&halves));
    }
    return cohort_task_result(task, &total, sizeof total);
}

int main(void)
{
    cohort_runtime_t rt;
    cohort_context_t ctx;
    cohort_index_space_t points;
    cohort_field_space_t fields;
    cohort_region_t region;
    cohort_future_t future;
    int64_t lo = 1, hi = N, stride = sizeof(double);
    double q[N], total;
    for (int i = 0; i < N; i++)
        q[i] = i;
    TRY(cohort_init(NULL, &rt));
    TRY(cohort_root_context(rt, &ctx));
    TRY(cohort_index_space_create(rt, 1, &lo, &hi, &points));
    TRY(cohort_field_space_create(rt, &fields));
    TRY(cohort_field_allocate(fields, sizeof(double), "q", &field));
    TRY(cohort_region_create(rt, points, fields, &region));
    TRY(cohort_attach(ctx, region, 1, &field, q, &stride, 0));
    TRY(cohort_task_register(rt, "sum", sum, NULL, 0, &sum_task)); /* no leaf: it launches and waits */
    cohort_requirement_t need = {.region = region, .fields = &field, .field_count = 1, .privilege = COHORT_READ_ONLY};
    cohort_launch_t launch = COHORT_LAUNCH_INIT;
    launch.task = sum_task;
    launch.requirements = &need;
    launch.requirement_count = 1;
    TRY(cohort_launch(ctx, &launch, &future));
    TRY(cohort_future_get(future, &total, sizeof total));
    TRY(cohort_finalize(&rt));
    if (total != 0.5 * N * (N - 1)) {
        printf("FAILED: the sum is %g\n", total);
        return 1;
    }
    return puts("PASSED") < 0;
}
