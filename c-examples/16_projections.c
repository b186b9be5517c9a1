/* Index launches whose points get sub-regions by a projection, and hand values to the points of the next launch: every part of a
 * ring smooths itself with what the part after it said of its first element, with no wait in between. At the end the points of a launch
 * get the parts after their own by an offset. */
#include <cohort.h>
#include <stdio.h>
#define TRY(call) do { if (call) { fprintf(stderr, "FAILED: %s\n", cohort_last_error()); return 1; } } while (0)
enum { N = 60, PARTS = 6, STEPS = 40 };

static cohort_field_t field;

/* Point p gets the part after its own; the last one the first. */
static int64_t next_part(uint32_t point, uint32_t points, void *user)
{
    (void)user;
    return (point + 1) % points;
}

/* The first element of the part that the point gets. */
static int32_t first(cohort_context_t task, void *user)
{
    cohort_view_t q;
    (void)user;
    TRY(cohort_view(task, 0, field, COHORT_READ_ONLY, &q));
    return cohort_task_result(task, q.base, sizeof(double));
}

/* Given the first element of the next part, moves every element half the way to the one after it. */
static int32_t relax(cohort_context_t task, void *user)
{
    cohort_view_t v;
    double beyond;
    (void)user;
    TRY(cohort_view(task, 0, field, COHORT_READ_WRITE, &v));
    TRY(cohort_task_future_get(task, 0, &beyond, sizeof beyond));
    double *q = v.base;
    const int64_t last = v.hi[0] - v.lo[0];
    for (int64_t i = 0; i <= last; i++)
        q[i] = 0.5 * (q[i] + (i < last ? q[i + 1] : beyond));
    return cohort_task_result(task, &q[0], sizeof q[0]);
}

int main(void)
{
    cohort_runtime_t rt;
    cohort_context_t ctx;
    cohort_index_space_t points;
    cohort_field_space_t fields;
    cohort_region_t region;
    cohort_partition_t parts;
    cohort_task_t first_task, relax_task;
    cohort_projection_t next;
    cohort_future_map_t beyond, moved;
    cohort_future_t sum, sum_of_later;
    const int64_t lo = 0, hi = N - 1, count = PARTS, stride = sizeof(double);
    double q[N], expected[N], total, of_later, expected_total = 0, expected_of_later = 0, one;
    for (int i = 0; i < N; i++)
        q[i] = expected[i] = i * i % 17;
    TRY(cohort_init(NULL, &rt));
    TRY(cohort_root_context(rt, &ctx));
    TRY(cohort_index_space_create(rt, 1, &lo, &hi, &points));
    TRY(cohort_field_space_create(rt, &fields));
    TRY(cohort_field_allocate(fields, sizeof(double), "q", &field));
    TRY(cohort_region_create(rt, points, fields, &region));
    TRY(cohort_attach(ctx, region, 1, &field, q, &stride, 0));
    TRY(cohort_partition_blocks(region, &count, &parts));
    TRY(cohort_task_register(rt, "first", first, NULL, COHORT_TASK_LEAF, &first_task));
    TRY(cohort_task_register(rt, "relax", relax, NULL, COHORT_TASK_LEAF, &relax_task));
    TRY(cohort_projection_register(rt, "next part", next_part, NULL, &next));

    cohort_requirement_t other = {.partition = parts, .fields = &field, .field_count = 1, .privilege = COHORT_READ_ONLY};
    cohort_requirement_t later = other, own = {.partition = parts, .fields = &field, .field_count = 1, .privilege = COHORT_READ_WRITE};
    other.projection = next;
    later.projection = COHORT_PROJECTION_OFFSET;
    later.projection_offset = 1;
    cohort_launch_t look = COHORT_LAUNCH_INIT, work = COHORT_LAUNCH_INIT;
    look.task = first_task;
    look.requirements = &other;
    look.requirement_count = 1;
    work.task = relax_task;
    work.requirements = &own;
    work.requirement_count = 1;
    work.future_maps = &beyond;
    work.future_map_count = 1;
    for (int step = 0; step < STEPS; step++) {
        if (step > 0)
            TRY(cohort_future_map_destroy(&moved));
        TRY(cohort_index_launch_map(ctx, &look, PARTS, &beyond));
        TRY(cohort_index_launch_map(ctx, &work, PARTS, &moved)); /* point p is given what point p of the other saw */
        TRY(cohort_future_map_destroy(&beyond));
    }
    TRY(cohort_future_map_reduce(ctx, moved, COHORT_SUM, COHORT_DOUBLE, &sum));
    TRY(cohort_future_get(sum, &total, sizeof total));
    look.requirements = &later;
    TRY(cohort_index_launch(ctx, &look, PARTS - 1, COHORT_SUM, COHORT_DOUBLE, &sum_of_later)); /* point p gets part p + 1 */
    TRY(cohort_future_get(sum_of_later, &of_later, sizeof of_later));
    TRY(cohort_future_map_get(moved, PARTS - 1, &one, sizeof one));
    TRY(cohort_detach(ctx, region, 1, &field));
    TRY(cohort_finalize(&rt));

    for (int step = 0; step < STEPS; step++) {
        const double around = expected[0];
        for (int i = 0; i < N; i++)
            expected[i] = 0.5 * (expected[i] + (i + 1 < N ? expected[i + 1] : around));
    }
    for (int p = 0; p < PARTS; p++)
        expected_total += expected[p * N / PARTS];
    for (int p = 1; p < PARTS; p++)
        expected_of_later += expected[p * N / PARTS];
    for (int i = 0; i < N; i++)
        if (q[i] != expected[i] || of_later != expected_of_later || total != expected_total || one != expected[N - N / PARTS]) {
            printf("FAILED: %g instead of %g at %d; the sum is %g instead of %g\n", q[i], expected[i], i, total, expected_total);
            return 1;
        }
    return puts("PASSED") < 0;
}
