/* SAXPY whose number of blocks, processors and priorities come from a text file: COHORT_MAPPING=24_mapping_files/small_blocks.map.
 * Nothing in the program changes from one mapping to the other, and neither does the answer. */
#include <cohort.h>
#include <stdio.h>
#define TRY(call) do { if (call) { fprintf(stderr, "FAILED: %s\n", cohort_last_error()); return 1; } } while (0)
enum { N = 1000, STEPS = 3 };
static cohort_field_t f[2]; /* of x and of y */

static int32_t saxpy(cohort_context_t task, void *user)
{
    double a;
    cohort_view_t x, y;
    (void)user;
    TRY(cohort_task_args_get(task, &a, sizeof a));
    TRY(cohort_view(task, 0, f[0], COHORT_READ_ONLY, &x));
    TRY(cohort_view(task, 1, f[1], COHORT_READ_WRITE, &y));
    for (int64_t i = 0; i <= x.hi[0] - x.lo[0]; i++)
        ((double *)y.base)[i] += a * ((double *)x.base)[i];
    return 0;
}

int main(void)
{
    cohort_runtime_t rt;
    cohort_context_t ctx;
    cohort_index_space_t points;
    cohort_field_space_t fields;
    cohort_region_t region;
    cohort_partition_t parts;
    cohort_launch_t launch = COHORT_LAUNCH_INIT;
    int64_t lo = 1, hi = N, stride = sizeof(double), blocks;
    double a = 2, x[N], y[N];
    for (int i = 0; i < N; i++) {
        x[i] = i;
        y[i] = 1;
    }
    TRY(cohort_init(NULL, &rt));
    TRY(cohort_root_context(rt, &ctx));
    /* Seven, unless the file says otherwise. */
    TRY(cohort_tunable(ctx, "blocks", 7, &blocks));
    TRY(cohort_index_space_create(rt, 1, &lo, &hi, &points));
    TRY(cohort_field_space_create(rt, &fields));
    TRY(cohort_field_allocate(fields, sizeof(double), "x", &f[0]));
    TRY(cohort_field_allocate(fields, sizeof(double), "y", &f[1]));
    TRY(cohort_region_create(rt, points, fields, &region));
    TRY(cohort_partition_blocks(region, &blocks, &parts));
    TRY(cohort_attach(ctx, region, 1, &f[0], x, &stride, 0));
    TRY(cohort_attach(ctx, region, 1, &f[1], y, &stride, 0));
    TRY(cohort_task_register(rt, "saxpy", saxpy, NULL, COHORT_TASK_LEAF, &launch.task));
    cohort_requirement_t needs[] = {{.partition = parts, .fields = &f[0], .field_count = 1, .privilege = COHORT_READ_ONLY},
                                    {.partition = parts, .fields = &f[1], .field_count = 1, .privilege = COHORT_READ_WRITE}};
    launch.args = &a;
    launch.args_size = sizeof a;
    launch.requirements = needs;
    launch.requirement_count = 2;
    for (int step = 0; step < STEPS; step++)
        TRY(cohort_index_launch(ctx, &launch, (uint32_t)blocks, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
    TRY(cohort_detach(ctx, region, 2, f));
    TRY(cohort_finalize(&rt));
    for (int i = 0; i < N; i++)
        if (y[i] != 1 + STEPS * a * i) {
            printf("FAILED: y[%d] = %g\n", i, y[i]);
            return 1;
        }
    printf("%d blocks: PASSED\n", (int)blocks);
    return 0;
}
