/* Index launches whose points get sub-regions by projection: what each gets, what is refused, and that what points share is found
 * exactly. */
#include "testing.h"

enum { N = 48, PARTS = 8, MANY = 20000 };

static cohort_runtime_t rt;
static cohort_context_t ctx;
static cohort_field_t f[2];
static cohort_region_t region;
static cohort_partition_t blocks, halos, many, all_alike;
static cohort_task_t mark, look;
static cohort_projection_t reversed, halved, outside, negative, launching;
static int calls;

static int64_t reverse(uint32_t point, uint32_t points, void *user)
{
  (void)user;
  ++calls;
  return (int64_t)points - 1 - point;
}

static int64_t halve(uint32_t point, uint32_t points, void *user)
{
  (void)points;
  return point / *(const uint32_t *)user;
}

static int64_t beyond(uint32_t point, uint32_t points, void *user)
{
  (void)points;
  (void)user;
  return point == 3 ? INT64_C(1) << 40 : point;
}

static int64_t below(uint32_t point, uint32_t points, void *user)
{
  (void)points;
  (void)user;
  return (int64_t)point - 2;
}

/* Writes its point into every element of its part. */
static int32_t marking(cohort_context_t task, void *user)
{
  cohort_view_t v;
  uint32_t point;
  (void)user;
  TRY(cohort_task_point(task, &point));
  TRY(cohort_view(task, 0, f[0], COHORT_READ_WRITE, &v));
  for (int64_t i = 0; i <= v.hi[0] - v.lo[0]; ++i) ((double *)v.base)[i] = point;
  return 0;
}

/* Gives the first element of its part. */
static int32_t looking(cohort_context_t task, void *user)
{
  cohort_view_t v;
  (void)user;
  TRY(cohort_view(task, 0, f[0], COHORT_READ_ONLY, &v));
  TRY(cohort_task_result(task, v.base, sizeof(double)));
  return 0;
}

static cohort_requirement_t part(cohort_partition_t of, cohort_privilege_t privilege, cohort_projection_t projection, int64_t offset)
{
  cohort_requirement_t need = {.partition = of, .fields = &f[0], .field_count = 1, .privilege = privilege};
  need.projection = projection;
  need.projection_offset = offset;
  return need;
}

static int32_t index_of(cohort_task_t task, uint32_t points, const cohort_requirement_t *needs, uint32_t count)
{
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  launch.task = task;
  launch.requirements = needs;
  launch.requirement_count = count;
  return cohort_index_launch(ctx, &launch, points, 0, 0, NULL);
}

static int32_t one_of(cohort_task_t task, uint32_t points, cohort_requirement_t need)
{
  return index_of(task, points, &need, 1);
}

static double sum_of_first(cohort_requirement_t need, uint32_t points)
{
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  cohort_future_t sum;
  double value;
  launch.task = look;
  launch.requirements = &need;
  launch.requirement_count = 1;
  TRY(cohort_index_launch(ctx, &launch, points, COHORT_SUM, COHORT_DOUBLE, &sum));
  TRY(cohort_future_get(sum, &value, sizeof value));
  TRY(cohort_future_destroy(&sum));
  return value;
}

/* A projection that launches: its own launch comes first. */
static int64_t launch_too(uint32_t point, uint32_t points, void *user)
{
  (void)user;
  if (point == 0) TRY(one_of(mark, PARTS, part(blocks, COHORT_READ_WRITE, reversed, 0)));
  return points - 1 - point;
}

static void what_points_get(void)
{
  double expected = 0;
  TRY(one_of(mark, PARTS, part(blocks, COHORT_READ_WRITE, reversed, 0)));
  CHECK(calls == PARTS);
  for (int c = 0; c < PARTS; ++c) {
    const double value = sum_of_first(part(blocks, COHORT_READ_ONLY, COHORT_PROJECTION_OFFSET, c), 1);
    CHECK(value == PARTS - 1 - c);
    expected += value;
  }
  CHECK(sum_of_first(part(blocks, COHORT_READ_ONLY, 0, 0), PARTS) == expected);
  /* Points 2p and 2p + 1 read part p, which point p wrote. */
  TRY(one_of(mark, PARTS, part(blocks, COHORT_READ_WRITE, 0, 0)));
  CHECK(sum_of_first(part(blocks, COHORT_READ_ONLY, halved, 0), 2 * PARTS) == PARTS * (PARTS - 1));
  CHECK(sum_of_first(part(blocks, COHORT_READ_ONLY, COHORT_PROJECTION_OFFSET, 3), PARTS - 3) == 3 + 4 + 5 + 6 + 7);
  TRY(one_of(mark, PARTS, part(blocks, COHORT_READ_WRITE, launching, 0)));
  CHECK(sum_of_first(part(blocks, COHORT_READ_ONLY, COHORT_PROJECTION_OFFSET, 1), 1) == PARTS - 2);
}

static void what_is_refused(void)
{
  cohort_requirement_t need;
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  EXPECT(one_of(mark, PARTS, part(blocks, COHORT_READ_WRITE, outside, 0)), COHORT_ERROR_BOUNDS,
         "requirement 0: point 3 of 8 gets colour 1099511627776 by projection \"outside\", and the partition of region (0)..(47) has 8");
  EXPECT(one_of(mark, PARTS, part(blocks, COHORT_READ_WRITE, negative, 0)), COHORT_ERROR_BOUNDS, "point 0 of 8 gets colour -2");
  EXPECT(one_of(mark, PARTS, part(blocks, COHORT_READ_WRITE, COHORT_PROJECTION_OFFSET, 2)), COHORT_ERROR_BOUNDS,
         "point 6 of 8 gets colour 8 with offset 2");
  EXPECT(one_of(mark, PARTS, part(blocks, COHORT_READ_WRITE, COHORT_PROJECTION_OFFSET, INT64_MAX)), COHORT_ERROR_BOUNDS, "point 0");
  EXPECT(one_of(mark, PARTS, part(blocks, COHORT_READ_WRITE, COHORT_PROJECTION_OFFSET, INT64_MIN)), COHORT_ERROR_BOUNDS, "point 0");
  EXPECT(one_of(mark, PARTS, part(blocks, COHORT_READ_WRITE, 77, 0)), COHORT_ERROR_INVALID_ARGUMENT, "requirement 0: projection is 77");
  EXPECT(one_of(mark, PARTS, part(blocks, COHORT_READ_WRITE, 0, 1)), COHORT_ERROR_INVALID_ARGUMENT, "projection_offset is 1 but");
  need = part(blocks, COHORT_READ_WRITE, reversed, 0);
  need.partition.id = 0;
  need.region = region;
  EXPECT(one_of(mark, PARTS, need), COHORT_ERROR_INVALID_ARGUMENT, "a projection and no partition");
  launch.task = mark;
  launch.requirements = &need;
  launch.requirement_count = 1;
  EXPECT(cohort_launch(ctx, &launch, NULL), COHORT_ERROR_INVALID_ARGUMENT, "a projection, in a launch of one task");
  EXPECT(cohort_projection_register(rt, NULL, reverse, NULL, &reversed), COHORT_ERROR_INVALID_ARGUMENT, "name is null");
  EXPECT(cohort_projection_register(rt, "none", NULL, NULL, &reversed), COHORT_ERROR_INVALID_ARGUMENT, "function is null");
  EXPECT(cohort_projection_register(rt, "none", reverse, NULL, NULL), COHORT_ERROR_INVALID_ARGUMENT, "pointer for the result is null");
}

static void what_points_share(void)
{
  cohort_requirement_t two[2];
  /* Two points on one part. */
  EXPECT(one_of(mark, PARTS, part(blocks, COHORT_READ_WRITE, halved, 0)), COHORT_ERROR_INTERFERENCE,
         "requirement 0 of point 1 writes what requirement 0 of point 0 uses, region (0)..(5)");
  TRY(one_of(look, PARTS, part(blocks, COHORT_READ_ONLY, halved, 0)));
  /* Parts that overlap their neighbours: every second one is free of the others. */
  EXPECT(one_of(mark, 2, part(halos, COHORT_READ_WRITE, 0, 0)), COHORT_ERROR_INTERFERENCE, "point 1");
  {
    static const uint32_t step = 1;
    cohort_projection_t same;
    TRY(cohort_projection_register(rt, "same", halve, (void *)&step, &same));
    EXPECT(one_of(mark, 2, part(halos, COHORT_READ_WRITE, same, 0)), COHORT_ERROR_INTERFERENCE, "disjoint sub-regions");
  }
  /* Each point reads the part that another one writes. */
  two[0] = part(blocks, COHORT_READ_WRITE, 0, 0);
  two[1] = part(blocks, COHORT_READ_ONLY, COHORT_PROJECTION_OFFSET, 1);
  EXPECT(index_of(mark, PARTS - 1, two, 2), COHORT_ERROR_INTERFERENCE, "requirement 0 of point 1 writes what requirement 1 of point 0 uses");
  two[1].projection_offset = 4;
  TRY(index_of(mark, 4, two, 2));
  two[1] = part(blocks, COHORT_READ_ONLY, reversed, 0);
  EXPECT(index_of(mark, PARTS, two, 2), COHORT_ERROR_INTERFERENCE, "requirement 0 of point 7 writes what requirement 1 of point 0 uses");
  EXPECT(index_of(mark, 5, two, 2), COHORT_ERROR_INTERFERENCE, "requirements 0 and 1 of point 2 share");
  /* The first four points read what lies around the last four parts. */
  two[1] = part(halos, COHORT_READ_ONLY, COHORT_PROJECTION_OFFSET, 4);
  EXPECT(index_of(mark, 4, two, 2), COHORT_ERROR_INTERFERENCE, "requirement 0 of point 3 writes what requirement 1 of point 0 uses");
  two[1].projection_offset = 5;
  TRY(index_of(mark, 3, two, 2));
}

/* As many points as there may be, all of which read the same: the checks take no longer than for parts of their own. */
static void many_that_share_are_no_trouble(void)
{
  static const uint32_t large = 2 * MANY;
  cohort_projection_t first;
  cohort_requirement_t two[2];
  TRY(cohort_projection_register(rt, "first", halve, (void *)&large, &first));
  two[0] = part(many, COHORT_READ_WRITE, COHORT_PROJECTION_OFFSET, 1);
  two[1] = part(blocks, COHORT_READ_ONLY, first, 0);
  two[1].partition = all_alike;
  TRY(index_of(mark, MANY - 1, two, 2));
  two[1].projection = 0;
  TRY(index_of(mark, MANY - 1, two, 2));
  TRY(cohort_wait_all(ctx));
}

int main(void)
{
  const int64_t lo = 0, hi = N - 1, parts = PARTS, depth = 1, long_hi = MANY - 1, count = MANY;
  static const uint32_t two = 2;
  static int64_t zeros[MANY];
  cohort_index_space_t space, line;
  cohort_field_space_t fields;
  cohort_region_t long_region;
  double zero = 0;
  TRY(cohort_init(NULL, &rt));
  TRY(cohort_root_context(rt, &ctx));
  TRY(cohort_index_space_create(rt, 1, &lo, &hi, &space));
  TRY(cohort_index_space_create(rt, 1, &lo, &long_hi, &line));
  TRY(cohort_field_space_create(rt, &fields));
  TRY(cohort_fields_allocate(fields, sizeof(double), 2, &f[0]));
  f[1] = f[0] + 1;
  TRY(cohort_region_create(rt, space, fields, &region));
  TRY(cohort_region_create(rt, line, fields, &long_region));
  TRY(cohort_partition_blocks(region, &parts, &blocks));
  TRY(cohort_partition_tiles_halo(blocks, &depth, &halos));
  TRY(cohort_partition_blocks(long_region, &count, &many));
  TRY(cohort_partition_rects(long_region, MANY, zeros, zeros, &all_alike));
  TRY(cohort_fill(ctx, region, 1, &f[0], &zero, sizeof zero));
  TRY(cohort_fill(ctx, long_region, 1, &f[0], &zero, sizeof zero));
  TRY(cohort_task_register(rt, "mark", marking, NULL, COHORT_TASK_LEAF, &mark));
  TRY(cohort_task_register(rt, "look", looking, NULL, COHORT_TASK_LEAF, &look));
  TRY(cohort_projection_register(rt, "reverse", reverse, NULL, &reversed));
  TRY(cohort_projection_register(rt, "halve", halve, (void *)&two, &halved));
  TRY(cohort_projection_register(rt, "outside", beyond, NULL, &outside));
  TRY(cohort_projection_register(rt, "negative", below, NULL, &negative));
  TRY(cohort_projection_register(rt, "launching", launch_too, NULL, &launching));
  what_points_get();
  what_is_refused();
  what_points_share();
  many_that_share_are_no_trouble();
  TRY(cohort_finalize(&rt));
  puts("PASSED");
  return 0;
}
