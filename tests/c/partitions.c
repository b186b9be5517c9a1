/* Regions with holes through the whole library: fills, copies, tasks, reductions and nested launches on parts of them touch the
 * parts' points and no others; partitions are refused for what is wrong with them. */
#include <cohort.h>
#include <stdio.h>
#include <string.h>
#include "testing.h"
enum { N = 12, M = 10, PARTS = 3 };
enum { COLOUR, VALUE, COPY, FIELDS };
static int32_t data[FIELDS][M][N];

/* Calls `visit` for each point of the task's requirement, by its rectangles. */
static int32_t each_point(cohort_context_t task, uint32_t requirement, cohort_view_t *v, void (*visit)(int32_t *, int64_t, int64_t))
{
    enum { MOST = N * M };
    cohort_region_t mine;
    int64_t points, lo[MOST][2], hi[MOST][2], seen = 0;
    uint32_t rects;
    TRY(cohort_task_region(task, requirement, &mine));
    TRY(cohort_region_points(mine, &points, &rects));
    TRY(cohort_region_rects(mine, MOST, lo[0], hi[0]));
    for (uint32_t r = 0; r < rects; r++)
        for (int64_t j = lo[r][1]; j <= hi[r][1]; j++)
            for (int64_t i = lo[r][0]; i <= hi[r][0]; i++, seen++)
                visit((int32_t *)((char *)v->base + (i - v->lo[0]) * v->stride[0] + (j - v->lo[1]) * v->stride[1]), i, j);
    TRY(cohort_region_destroy(&mine));
    return seen != points;
}

static void add_place(int32_t *at, int64_t i, int64_t j) { *at += (int32_t)(i + 100 * j); }

static int32_t add_places(cohort_context_t task, void *user)
{
    cohort_view_t v;
    (void)user;
    TRY(cohort_view(task, 0, VALUE, COHORT_READ_WRITE, &v));
    return each_point(task, 0, &v, add_place);
}

static int32_t reduce_places(cohort_context_t task, void *user)
{
    cohort_view_t v;
    (void)user;
    TRY(cohort_view(task, 0, VALUE, COHORT_REDUCE, &v));
    return each_point(task, 0, &v, add_place);
}

/* Fills its own part, through a task's privileges, in halves; a part of another is refused. */
static int32_t fill_halves(cohort_context_t task, void *user)
{
    const cohort_field_t field = VALUE;
    cohort_region_t mine, half;
    cohort_partition_t halves;
    int32_t point_value;
    uint32_t point;
    TRY(cohort_task_point(task, &point));
    point_value = 7 + (int32_t)point;
    TRY(cohort_task_region(task, 0, &mine));
    TRY(cohort_partition_equal(mine, 2, &halves));
    for (uint32_t c = 0; c < 2; c++) {
        TRY(cohort_subregion(halves, c, &half));
        TRY(cohort_fill(task, half, 1, &field, &point_value, sizeof point_value));
    }
    TRY(cohort_wait_all(task));
    EXPECT(cohort_fill(task, *(cohort_region_t *)user, 1, &field, &point_value, sizeof point_value), COHORT_ERROR_PRIVILEGE, "does not hold");
    EXPECT(cohort_partition_by_field(task, mine, COLOUR, 2, &halves), COHORT_ERROR_PRIVILEGE, "does not hold");
    TRY(cohort_partition_destroy(&halves));
    TRY(cohort_region_destroy(&mine));
    return 0;
}

static int32_t launch(cohort_context_t ctx, cohort_task_t task, cohort_partition_t parts, cohort_requirement_t need)
{
    const cohort_field_t field = VALUE;
    cohort_launch_t l = COHORT_LAUNCH_INIT;
    need.partition = parts;
    need.fields = &field;
    need.field_count = 1;
    l.task = task;
    l.requirements = &need;
    l.requirement_count = 1;
    return cohort_index_launch(ctx, &l, PARTS, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL);
}

/* Colour of a point, or -1: stripes along a diagonal with gaps between. */
static int32_t colour_of(int i, int j) { int c = (i + 2 * j) % 5; return c < PARTS ? c : -1; }

static int32_t expect(int32_t (*wanted)(int i, int j))
{
    for (int j = 0; j < M; j++)
        for (int i = 0; i < N; i++)
            if (data[VALUE][j][i] != wanted(i, j)) {
                fprintf(stderr, "point (%d,%d) holds %d, not %d\n", i, j, data[VALUE][j][i], wanted(i, j));
                return 1;
            }
    return 0;
}

static int32_t filled(int i, int j) { int c = colour_of(i, j); return c < 0 ? 1 : 7 + c; }
static int32_t added(int i, int j) { return filled(i, j) + (colour_of(i, j) < 0 ? 0 : i + 100 * j); }
static int32_t reduced(int i, int j) { return added(i, j) + (colour_of(i, j) < 0 ? 0 : 2 * (i + 100 * j)); }

/* A region that has holes itself: two corners of the array that it is attached to. What lies between is left alone. */
static int32_t check_corners(cohort_runtime_t rt, cohort_context_t ctx)
{
    static int32_t corners[4][4];
    const int64_t lo[] = {0, 0, 2, 2}, hi[] = {1, 1, 3, 3}, strides[] = {sizeof(int32_t), sizeof corners[0]};
    const cohort_field_t field = 0;
    const int32_t seven = 7;
    cohort_index_space_t points;
    cohort_field_space_t fields;
    cohort_field_t first;
    cohort_region_t region;
    int64_t volume, found_lo[2][2], found_hi[2][2];
    uint32_t rects;
    TRY(cohort_index_space_create_rects(rt, 2, 2, lo, hi, &points));
    TRY(cohort_field_space_create(rt, &fields));
    TRY(cohort_field_allocate(fields, sizeof(int32_t), "corner", &first));
    TRY(cohort_region_create(rt, points, fields, &region));
    TRY(cohort_region_points(region, &volume, &rects));
    CHECK(volume == 8 && rects == 2);
    TRY(cohort_region_rects(region, rects, found_lo[0], found_hi[0]));
    CHECK(!memcmp(found_lo, lo, sizeof lo) && !memcmp(found_hi, hi, sizeof hi));
    TRY(cohort_attach(ctx, region, 1, &field, corners, strides, 0));
    TRY(cohort_fill(ctx, region, 1, &field, &seven, sizeof seven));
    TRY(cohort_detach(ctx, region, 1, &field));
    for (int j = 0; j < 4; j++)
        for (int i = 0; i < 4; i++)
            CHECK(corners[j][i] == (i / 2 == j / 2 ? 7 : 0));
    TRY(cohort_region_destroy(&region));
    return 0;
}

static int32_t check_wrong_calls(cohort_runtime_t rt, cohort_context_t ctx, cohort_region_t region, cohort_partition_t parts)
{
    const cohort_partition_t nothing = {0};
    cohort_partition_t p, two;
    cohort_index_space_t space;
    const int64_t lo[] = {0, 5}, hi[] = {1, 4}, zero[2] = {0, 0}, one[2] = {1, 1}, big[2] = {INT64_MAX, 0};
    int64_t box[2];
    bool disjoint;
    EXPECT(cohort_index_space_create_rects(rt, 1, 2, lo, hi, &space), COHORT_ERROR_BOUNDS, "rectangle 1");
    EXPECT(cohort_index_space_create_rects(rt, 1, 0, lo, hi, &space), COHORT_ERROR_INVALID_ARGUMENT, "without points");
    EXPECT(cohort_region_rects(region, 0, box, box), COHORT_ERROR_BOUNDS, "has 1 rectangles");
    EXPECT(cohort_partition_equal(region, 0, &p), COHORT_ERROR_INVALID_ARGUMENT, "0 sub-regions");
    EXPECT(cohort_partition_by_field(ctx, region, COLOUR, 0, &p), COHORT_ERROR_INVALID_ARGUMENT, "0 colours");
    EXPECT(cohort_partition_by_field(ctx, region, FIELDS, 2, &p), COHORT_ERROR_INVALID_ARGUMENT, "field 3");
    EXPECT(cohort_partition_image(ctx, region, parts, COLOUR, &p), COHORT_ERROR_INVALID_ARGUMENT, "a point of 2 dimensions");
    EXPECT(cohort_partition_preimage_range(ctx, region, parts, COLOUR, &p), COHORT_ERROR_INVALID_ARGUMENT, "range");
    EXPECT(cohort_partition_image(ctx, region, nothing, COLOUR, &p), COHORT_ERROR_INVALID_HANDLE, "partition");
    EXPECT(cohort_partition_kind(parts, &disjoint, NULL), COHORT_ERROR_INVALID_ARGUMENT, "null");
    EXPECT(cohort_partition_restriction(region, 4, zero, one, one, zero, one, &p), COHORT_ERROR_INVALID_ARGUMENT, "dimension is 4");
    EXPECT(cohort_partition_restriction(region, 1, one, zero, one, zero, one, &p), COHORT_ERROR_INVALID_ARGUMENT, "1 to 2^24 colours");
    EXPECT(cohort_partition_restriction(region, 1, one, one, big, one, one, &p), COHORT_ERROR_BOUNDS, "64 bits");
    TRY(cohort_partition_equal(region, 2, &two));
    EXPECT(cohort_partition_union(region, parts, two, &p), COHORT_ERROR_INVALID_ARGUMENT, "3 and 2");
    EXPECT(cohort_partition_cross_product(parts, two, NULL), COHORT_ERROR_INVALID_ARGUMENT, "null");
    return 0;
}

int main(void)
{
    const int64_t lo[] = {0, 0}, hi[] = {N - 1, M - 1}, strides[] = {sizeof(int32_t), sizeof data[0][0]};
    const cohort_field_t all[] = {COLOUR, VALUE, COPY}, value = VALUE, copied = COPY;
    const int32_t one = 1;
    cohort_runtime_t rt;
    cohort_context_t ctx;
    cohort_index_space_t points;
    cohort_field_space_t fields;
    cohort_field_t first;
    cohort_region_t region, part;
    cohort_partition_t parts, united;
    cohort_task_t fill, add, reduce;
    bool disjoint, complete;
    for (int j = 0; j < M; j++)
        for (int i = 0; i < N; i++)
            data[COLOUR][j][i] = colour_of(i, j);
    TRY(cohort_init(NULL, &rt));
    TRY(cohort_root_context(rt, &ctx));
    TRY(cohort_index_space_create(rt, 2, lo, hi, &points));
    TRY(cohort_field_space_create(rt, &fields));
    TRY(cohort_fields_allocate(fields, sizeof(int32_t), FIELDS, &first));
    TRY(cohort_region_create(rt, points, fields, &region));
    TRY(cohort_attach(ctx, region, FIELDS, all, data, strides, sizeof data[0]));
    TRY(cohort_partition_by_field(ctx, region, COLOUR, PARTS, &parts));
    TRY(cohort_partition_kind(parts, &disjoint, &complete));
    CHECK(disjoint && !complete);
    TRY(cohort_subregion(parts, 0, &part));

    TRY(cohort_task_register(rt, "fill halves", fill_halves, &region, 0, &fill));
    TRY(cohort_task_register(rt, "add places", add_places, NULL, 0, &add));
    TRY(cohort_task_register(rt, "reduce places", reduce_places, NULL, 0, &reduce));
    TRY(cohort_fill(ctx, region, 1, &value, &one, sizeof one));
    TRY(launch(ctx, fill, parts, (cohort_requirement_t){.privilege = COHORT_READ_WRITE}));
    TRY(cohort_wait_all(ctx));
    TRY(expect(filled));
    TRY(launch(ctx, add, parts, (cohort_requirement_t){.privilege = COHORT_READ_WRITE}));
    TRY(cohort_wait_all(ctx));
    TRY(expect(added));

    /* The same points twice: a union of a partition with itself. */
    TRY(cohort_partition_union(region, parts, parts, &united));
    for (int twice = 0; twice < 2; twice++)
        TRY(launch(ctx, reduce, united, (cohort_requirement_t){.privilege = COHORT_REDUCE, .reduction = COHORT_SUM, .reduction_type = COHORT_INT32}));
    TRY(cohort_wait_all(ctx));
    TRY(expect(reduced));

    cohort_copy_t copy = COHORT_COPY_INIT;
    copy.source = part;
    copy.destination = region;
    copy.source_fields = &value;
    copy.destination_fields = &copied;
    copy.field_count = 1;
    TRY(cohort_copy(ctx, &copy));
    TRY(cohort_wait_all(ctx));
    for (int j = 0; j < M; j++)
        for (int i = 0; i < N; i++)
            CHECK(data[COPY][j][i] == (colour_of(i, j) == 0 ? data[VALUE][j][i] : 0));

    if (check_corners(rt, ctx) || check_wrong_calls(rt, ctx, region, parts))
        return 1;
    TRY(cohort_finalize(&rt));
    puts("PASSED");
    return 0;
}
