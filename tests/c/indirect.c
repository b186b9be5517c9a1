/* Copies with gather and scatter: what goes where, in which order, between which other operations; values that name points elsewhere;
 * wrong calls. Sites carry values, visitors the numbers of sites. */
#include <cohort.h>
#include <stdio.h>
#include <string.h>
#include "testing.h"
enum { SITES = 50, VISITORS = 120, X = 7, Y = 5 };
enum { AT, VALUE, FIELDS };
static double site[SITES], other[SITES], seen[VISITORS];
static int32_t at[VISITORS];
static int64_t place[SITES][2];
static float plane[Y][X];
static cohort_runtime_t rt;
static cohort_context_t ctx;

/* A region from lo[] on with fields of these sizes. */
static cohort_region_t region(int dim, const int64_t *lo, const int64_t *hi, int fields, const size_t *bytes)
{
    cohort_index_space_t points;
    cohort_field_space_t space;
    cohort_field_t field;
    cohort_region_t made;
    TRY(cohort_index_space_create(rt, dim, lo, hi, &points));
    TRY(cohort_field_space_create(rt, &space));
    for (int i = 0; i < fields; i++)
        TRY(cohort_field_allocate(space, bytes[i], NULL, &field));
    TRY(cohort_region_create(rt, points, space, &made));
    return made;
}

static cohort_copy_t copy_of(cohort_region_t from, const cohort_field_t *from_field, cohort_region_t to, const cohort_field_t *to_field)
{
    cohort_copy_t copy = COHORT_COPY_INIT;
    copy.source = from;
    copy.source_fields = from_field;
    copy.destination = to;
    copy.destination_fields = to_field;
    copy.field_count = 1;
    return copy;
}

static int32_t move_on(cohort_context_t task, void *user)
{
    cohort_view_t v;
    (void)user;
    TRY(cohort_view(task, 0, AT, COHORT_READ_WRITE, &v));
    for (int i = 0; i < VISITORS; i++)
        ((int32_t *)v.base)[i] = ((int32_t *)v.base)[i] % SITES + 1;
    return 0;
}

static const cohort_field_t f0 = 0, f1 = 1;
static cohort_region_t sites, visitors, map;

/* A task may gather what it holds, and nothing else. */
static int32_t gather_inside(cohort_context_t task, void *user)
{
    cohort_copy_t copy = copy_of(sites, &f0, visitors, &f1);
    (void)user;
    copy.gather = visitors;
    copy.gather_field = AT;
    TRY(cohort_copy(task, &copy));
    copy.source_fields = &f1;
    EXPECT(cohort_copy(task, &copy), COHORT_ERROR_PRIVILEGE, "does not hold");
    return 0;
}

/* All have moved on `moved` times after this. */
static void gathers(int moved)
{
    cohort_copy_t copy = copy_of(sites, &f0, visitors, &f1);
    copy.gather = visitors;
    copy.gather_field = AT;
    for (int round = 0; round < 3; round++) {
        cohort_requirement_t need = {.region = visitors, .fields = &f0, .field_count = 1, .privilege = COHORT_READ_WRITE};
        cohort_launch_t launch = COHORT_LAUNCH_INIT;
        TRY(cohort_task_register(rt, "move on", move_on, NULL, COHORT_TASK_LEAF, &launch.task));
        launch.requirements = &need;
        launch.requirement_count = 1;
        TRY(cohort_launch(ctx, &launch, NULL));
        TRY(cohort_copy(ctx, &copy));
    }
    TRY(cohort_wait_all(ctx));
    for (int i = 0; i < VISITORS; i++)
        CHECK(at[i] == (i * 37 + moved) % SITES + 1 && seen[i] == site[at[i] - 1]);
    cohort_requirement_t needs[] = {{.region = sites, .fields = &f0, .field_count = 1, .privilege = COHORT_READ_ONLY},
                                    {.region = visitors, .fields = &f0, .field_count = 1, .privilege = COHORT_READ_ONLY},
                                    {.region = visitors, .fields = &f1, .field_count = 1, .privilege = COHORT_READ_WRITE}};
    cohort_launch_t launch = COHORT_LAUNCH_INIT;
    TRY(cohort_task_register(rt, "gather inside", gather_inside, NULL, 0, &launch.task));
    launch.requirements = needs;
    launch.requirement_count = 3;
    memset(seen, 0, sizeof seen);
    TRY(cohort_launch(ctx, &launch, NULL));
    TRY(cohort_wait_all(ctx));
    for (int i = 0; i < VISITORS; i++)
        CHECK(seen[i] == site[at[i] - 1]);
}

/* The last in order stays, or all are summed. */
static void scatters(void)
{
    double expected[SITES];
    cohort_copy_t copy = copy_of(visitors, &f1, sites, &f1);
    copy.scatter = visitors;
    copy.scatter_field = AT;
    for (int s = 0; s < SITES; s++)
        expected[s] = other[s] = -s;
    for (int i = 0; i < VISITORS; i++)
        expected[at[i] - 1] = seen[i] = 1000 + i;
    TRY(cohort_copy(ctx, &copy));
    TRY(cohort_wait_all(ctx));
    CHECK(!memcmp(other, expected, sizeof other));
    copy.reduction = COHORT_SUM;
    copy.reduction_type = COHORT_DOUBLE;
    for (int i = 0; i < VISITORS; i++)
        expected[at[i] - 1] += seen[i];
    TRY(cohort_copy(ctx, &copy));
    TRY(cohort_wait_all(ctx));
    CHECK(!memcmp(other, expected, sizeof other));
}

/* From sites that visitors name to points of a plane that a map names: both sides, other dimensions, 8-byte coordinates. */
static void both(cohort_region_t values, cohort_region_t onto)
{
    float expected[Y][X] = {{0}};
    cohort_copy_t copy = copy_of(values, &f0, onto, &f0);
    cohort_region_t back;
    const int64_t lo = 1, hi = SITES;
    const size_t bytes = sizeof(int32_t);
    back = region(1, &lo, &hi, 1, &bytes);
    static int32_t reversed[SITES];
    static float value[SITES];
    const int64_t four = 4;
    for (int s = 0; s < SITES; s++) {
        reversed[s] = SITES - s;
        value[s] = 0.5f * s;
        place[s][0] = 10 + s * 3 % X;
        place[s][1] = -2 + s * 2 % Y;
        expected[s * 2 % Y][s * 3 % X] = 0.5f * (SITES - s - 1);
    }
    memset(plane, 0, sizeof plane);
    TRY(cohort_attach(ctx, back, 1, &f0, reversed, &four, 0));
    TRY(cohort_attach(ctx, values, 1, &f0, value, &four, 0));
    copy.gather = back;
    copy.gather_field = 0;
    copy.scatter = map;
    copy.scatter_field = 0;
    TRY(cohort_copy(ctx, &copy));
    TRY(cohort_wait_all(ctx));
    CHECK(!memcmp(plane, expected, sizeof plane));
    TRY(cohort_detach(ctx, back, 1, &f0));
    TRY(cohort_detach(ctx, values, 1, &f0));
}

/* A value that names no site: the copy fails before it has copied anything, or passes it over. */
static void astray(void)
{
    cohort_copy_t copy = copy_of(sites, &f0, visitors, &f1);
    const int32_t kept = at[VISITORS / 2];
    copy.gather = visitors;
    copy.gather_field = AT;
    at[VISITORS / 2] = SITES + 1;
    for (int i = 0; i < VISITORS; i++)
        seen[i] = -1;
    TRY(cohort_copy(ctx, &copy));
    EXPECT(cohort_wait_all(ctx), COHORT_ERROR_TASK_FAILED, "gather: field");
    CHECK(strstr(cohort_last_error(), "at [61] names [51]") && strstr(cohort_last_error(), "(1)..(50)"));
    for (int i = 0; i < VISITORS; i++)
        CHECK(seen[i] == -1);
    copy.flags = COHORT_COPY_SKIP_OUT_OF_RANGE;
    TRY(cohort_copy(ctx, &copy));
    TRY(cohort_wait_all(ctx));
    for (int i = 0; i < VISITORS; i++)
        CHECK(seen[i] == (i == VISITORS / 2 ? -1 : site[at[i] - 1]));
    at[VISITORS / 2] = kept;
}

static void refusals(cohort_region_t onto)
{
    cohort_copy_t copy = copy_of(sites, &f0, visitors, &f1);
    copy.flags = COHORT_COPY_SKIP_OUT_OF_RANGE;
    EXPECT(cohort_copy(ctx, &copy), COHORT_ERROR_INVALID_ARGUMENT, "without indirection");
    copy.gather = visitors;
    copy.gather_field = VALUE;
    EXPECT(cohort_copy(ctx, &copy), COHORT_ERROR_INTERFERENCE, "share");
    copy.gather_field = 9;
    EXPECT(cohort_copy(ctx, &copy), COHORT_ERROR_INVALID_ARGUMENT, "gather: field 9 is not");
    copy.gather_field = AT;
    copy.flags = 8;
    EXPECT(cohort_copy(ctx, &copy), COHORT_ERROR_INVALID_ARGUMENT, "flags is 0x8");
    copy.flags = 0;
    copy.shift[0] = 1;
    EXPECT(cohort_copy(ctx, &copy), COHORT_ERROR_INVALID_ARGUMENT, "whose points are named");
    copy.shift[0] = 0;
    copy.reduction = COHORT_SUM;
    copy.reduction_type = COHORT_INT32;
    EXPECT(cohort_copy(ctx, &copy), COHORT_ERROR_INVALID_ARGUMENT, "does not have 4 bytes");
    copy.reduction = COHORT_REDUCTION_NONE;
    copy.gather = map;
    copy.gather_field = 0;
    EXPECT(cohort_copy(ctx, &copy), COHORT_ERROR_INVALID_ARGUMENT, "gather: field 0 has 16 bytes; a point of 1");
    copy.gather.id += (uint64_t)1 << 40;
    CHECK(cohort_copy(ctx, &copy) == COHORT_ERROR_INVALID_HANDLE);
    copy = copy_of(sites, &f0, onto, &f0);
    copy.gather = visitors;
    copy.gather_field = AT;
    EXPECT(cohort_copy(ctx, &copy), COHORT_ERROR_INVALID_ARGUMENT, "points of 1 dimensions and go to points of 2");
    copy = copy_of(sites, &f0, sites, &f0);
    copy.scatter = visitors;
    copy.scatter_field = AT;
    EXPECT(cohort_copy(ctx, &copy), COHORT_ERROR_INTERFERENCE, "share points and fields");
    TRY(cohort_wait_all(ctx));
}

int main(void)
{
    const int64_t one = 1, number = SITES, count = VISITORS, lo[] = {10, -2}, hi[] = {10 + X - 1, -2 + Y - 1};
    const int64_t four = 4, eight = 8, sixteen = 16, strides[] = {sizeof plane[0][0], sizeof plane[0]};
    const size_t site_bytes[] = {8, 8}, visitor_bytes[] = {4, 8}, point_bytes[] = {16}, value_bytes[] = {4};
    TRY(cohort_init(NULL, &rt));
    TRY(cohort_root_context(rt, &ctx));
    sites = region(1, &one, &number, 2, site_bytes);
    visitors = region(1, &one, &count, 2, visitor_bytes);
    map = region(1, &one, &number, 1, point_bytes);
    cohort_region_t onto = region(2, lo, hi, 1, value_bytes), values = region(1, &one, &number, 1, value_bytes);
    for (int s = 0; s < SITES; s++)
        site[s] = s * s;
    for (int i = 0; i < VISITORS; i++)
        at[i] = (i * 37) % SITES + 1;
    TRY(cohort_attach(ctx, sites, 1, &f0, site, &eight, 0));
    TRY(cohort_attach(ctx, sites, 1, &f1, other, &eight, 0));
    TRY(cohort_attach(ctx, visitors, 1, &f0, at, &four, 0));
    TRY(cohort_attach(ctx, visitors, 1, &f1, seen, &eight, 0));
    TRY(cohort_attach(ctx, map, 1, &f0, place, &sixteen, 0));
    TRY(cohort_attach(ctx, onto, 1, &f0, plane, strides, 0));
    gathers(3);
    scatters();
    both(values, onto);
    astray();
    refusals(onto);
    gathers(6);
    CHECK(cohort_finalize(&rt) == COHORT_OK);
    puts("PASSED");
    return 0;
}
