/* A plate with gaps and an island: an index space of rectangles, which may overlap and leave holes between them. Blocks of it have the
 * points that there are; tasks go through these, rectangle by rectangle, and what lies in the holes of the array stays as it is. */
#include <cohort.h>
#include <stdbool.h>
#include <stdio.h>
#define TRY(call) do { if (call) { fprintf(stderr, "FAILED: %s\n", cohort_last_error()); return 1; } } while (0)
enum { NX = 30, NY = 20, RECTS = 4, MOST = 20, STEPS = 3, NOTHING = -1 };
static const int64_t corner[RECTS][2] = {{1, 1}, {1, 1}, {20, 1}, {12, 10}}, opposite[RECTS][2] = {{NX, 5}, {8, NY}, {NX, NY}, {15, 14}};
static cohort_field_t heat;

/* The task's result is how many points it has. */
static int32_t warm(cohort_context_t task, void *user)
{
    int64_t lo[MOST][2], hi[MOST][2], points;
    uint32_t rects;
    cohort_region_t mine;
    cohort_view_t v;
    (void)user;
    TRY(cohort_task_region(task, 0, &mine));
    TRY(cohort_region_points(mine, &points, &rects));
    TRY(cohort_region_rects(mine, MOST, lo[0], hi[0])); /* refused if there are more */
    TRY(cohort_view(task, 0, heat, COHORT_READ_WRITE, &v));
    for (uint32_t r = 0; r < rects; r++)
        for (int64_t j = lo[r][1]; j <= hi[r][1]; j++)
            for (int64_t i = lo[r][0]; i <= hi[r][0]; i++)
                *(double *)((char *)v.base + (i - v.lo[0]) * v.stride[0] + (j - v.lo[1]) * v.stride[1]) += (double)(i + 100 * j);
    return cohort_task_result(task, &points, sizeof points);
}

static bool is_there(int i, int j)
{
    for (int r = 0; r < RECTS; r++)
        if (i >= corner[r][0] && i <= opposite[r][0] && j >= corner[r][1] && j <= opposite[r][1])
            return true;
    return false;
}

int main(void)
{
    static double plate[NY][NX];
    const int64_t counts[2] = {2, 2}, stride[2] = {sizeof plate[0][0], sizeof plate[0]};
    int64_t expected = 0, found;
    cohort_runtime_t rt;
    cohort_context_t ctx;
    cohort_index_space_t points;
    cohort_field_space_t fields;
    cohort_region_t region;
    cohort_partition_t blocks;
    cohort_launch_t launch = COHORT_LAUNCH_INIT;
    cohort_future_t future;
    for (int j = 1; j <= NY; j++)
        for (int i = 1; i <= NX; i++) {
            plate[j - 1][i - 1] = NOTHING;
            expected += is_there(i, j);
        }
    TRY(cohort_init(NULL, &rt));
    TRY(cohort_root_context(rt, &ctx));
    TRY(cohort_index_space_create_rects(rt, 2, RECTS, corner[0], opposite[0], &points));
    TRY(cohort_field_space_create(rt, &fields));
    TRY(cohort_field_allocate(fields, sizeof(double), "heat", &heat));
    TRY(cohort_region_create(rt, points, fields, &region));
    TRY(cohort_attach(ctx, region, 1, &heat, plate, stride, 0));
    TRY(cohort_partition_blocks(region, counts, &blocks));
    TRY(cohort_task_register(rt, "warm", warm, NULL, COHORT_TASK_LEAF, &launch.task));
    cohort_requirement_t need = {.partition = blocks, .fields = &heat, .field_count = 1, .privilege = COHORT_READ_WRITE};
    launch.requirements = &need;
    launch.requirement_count = 1;
    for (int step = 0; step < STEPS; step++) {
        TRY(cohort_index_launch(ctx, &launch, 4, COHORT_SUM, COHORT_INT64, &future));
        TRY(cohort_future_get(future, &found, sizeof found));
        TRY(cohort_future_destroy(&future));
        if (found != expected) {
            printf("FAILED: tasks found %d points instead of %d\n", (int)found, (int)expected);
            return 1;
        }
    }
    TRY(cohort_detach(ctx, region, 1, &heat));
    TRY(cohort_finalize(&rt));
    for (int j = 1; j <= NY; j++)
        for (int i = 1; i <= NX; i++)
            if (plate[j - 1][i - 1] != NOTHING + (is_there(i, j) ? STEPS * (i + 100 * j) : 0)) {
                printf("FAILED: %g at %d, %d\n", plate[j - 1][i - 1], i, j);
                return 1;
            }
    printf("%d of %d points are there\n", (int)expected, NX * NY);
    return puts("PASSED") < 0;
}
