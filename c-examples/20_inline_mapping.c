/* Between two launches the program looks at region data and changes it, with no task of its own: an inline mapping. It waits for what
 * it depends on and for nothing else, and inside a task it works the same. */
#include <cohort.h>
#include <stdio.h>
#define TRY(call) do { if (call) { fprintf(stderr, "FAILED: %s\n", cohort_last_error()); return 1; } } while (0)
enum { N = 1000, BLOCKS = 8, STEPS = 20 };
static const cohort_field_t t = 0;
static cohort_task_t warm;

static double *at(const cohort_view_t *v, int64_t i)
{
    return (double *)((char *)v->base + (i - v->lo[0]) * v->stride[0]);
}

/* Every point gets warmer by 1. */
static int32_t warm_up(cohort_context_t task, void *user)
{
    cohort_view_t v;
    (void)user;
    TRY(cohort_view(task, 0, t, COHORT_READ_WRITE, &v));
    for (int64_t i = v.lo[0]; i <= v.hi[0]; i++)
        *at(&v, i) += 1;
    return 0;
}

/* Warms its region by a task of its own, and puts right what that did to the first point. */
static int32_t warm_but_first(cohort_context_t task, void *user)
{
    cohort_launch_t launch = COHORT_LAUNCH_INIT;
    cohort_requirement_t mine = {.fields = &t, .field_count = 1, .privilege = COHORT_READ_WRITE};
    cohort_mapping_t mapping;
    cohort_view_t v;
    (void)user;
    TRY(cohort_task_region(task, 0, &mine.region));
    launch.task = warm;
    launch.requirements = &mine;
    launch.requirement_count = 1;
    TRY(cohort_launch(task, &launch, NULL));
    TRY(cohort_inline_map(task, &mine, &mapping)); /* waits for the task launched above */
    TRY(cohort_inline_view(mapping, t, COHORT_READ_WRITE, &v));
    *at(&v, v.lo[0]) -= 1;
    TRY(cohort_inline_unmap(&mapping));
    return 0;
}

int main(void)
{
    const int64_t lo = 0, hi = N - 1, counts = BLOCKS;
    const double cold = 0;
    cohort_runtime_t rt;
    cohort_context_t ctx;
    cohort_index_space_t points;
    cohort_field_space_t fields;
    cohort_field_t first;
    cohort_region_t all;
    cohort_partition_t blocks;
    cohort_task_t step;
    cohort_mapping_t mapping;
    cohort_view_t v;
    cohort_launch_t launch = COHORT_LAUNCH_INIT;
    TRY(cohort_init(NULL, &rt));
    TRY(cohort_root_context(rt, &ctx));
    TRY(cohort_index_space_create(rt, 1, &lo, &hi, &points));
    TRY(cohort_field_space_create(rt, &fields));
    TRY(cohort_fields_allocate(fields, sizeof(double), 1, &first));
    TRY(cohort_region_create(rt, points, fields, &all));
    TRY(cohort_partition_blocks(all, &counts, &blocks));
    TRY(cohort_task_register(rt, "warm", warm_up, NULL, COHORT_TASK_LEAF, &warm));
    TRY(cohort_task_register(rt, "step", warm_but_first, NULL, 0, &step));
    TRY(cohort_fill(ctx, all, 1, &t, &cold, sizeof cold));

    const cohort_requirement_t block = {.partition = blocks, .fields = &t, .field_count = 1, .privilege = COHORT_READ_WRITE};
    const cohort_requirement_t whole = {.region = all, .fields = &t, .field_count = 1, .privilege = COHORT_READ_WRITE};
    launch.task = step;
    launch.requirements = &block;
    launch.requirement_count = 1;
    for (int n = 1; n <= STEPS; n++) {
        TRY(cohort_index_launch(ctx, &launch, BLOCKS, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
        TRY(cohort_inline_map(ctx, &whole, &mapping)); /* waits for the tasks of this step */
        TRY(cohort_inline_view(mapping, t, COHORT_READ_WRITE, &v));
        if (*at(&v, N - 1) != 2 * n - 1)
            return printf("FAILED: %g after step %d\n", *at(&v, N - 1), n);
        *at(&v, N - 1) += 1;
        /* Nothing can wait for itself: until the mapping ends, a launch that needs its data is refused. */
        if (cohort_index_launch(ctx, &launch, BLOCKS, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL) != COHORT_ERROR_INTERFERENCE)
            return puts("FAILED: launched over a mapping");
        TRY(cohort_inline_unmap(&mapping));
    }
    const cohort_requirement_t look = {.region = all, .fields = &t, .field_count = 1, .privilege = COHORT_READ_ONLY};
    TRY(cohort_inline_map(ctx, &look, &mapping));
    TRY(cohort_inline_view(mapping, t, COHORT_READ_ONLY, &v));
    for (int64_t i = 0; i < N; i++)
        if (*at(&v, i) != (i % (N / BLOCKS) == 0 ? 0 : i == N - 1 ? 2 * STEPS : STEPS))
            return printf("FAILED: %g at %d\n", *at(&v, i), (int)i);
    TRY(cohort_inline_unmap(&mapping));
    TRY(cohort_finalize(&rt));
    return puts("PASSED") < 0;
}
