/* Future maps and predicates: values point by point, from launch to launch; operations that do their work only if a future says so. */
#include "testing.h"

enum { POINTS = 6, BIG = 9000 };

static cohort_runtime_t rt;
static cohort_context_t ctx;
static cohort_field_t field;
static cohort_region_t region, other;
static cohort_partition_t parts;
static cohort_task_t square, add_up, fill_big, look_big, fails, answer, mark, nothing_given;

static int32_t squaring(cohort_context_t task, void *user)
{
  uint32_t point;
  int64_t value;
  (void)user;
  TRY(cohort_task_point(task, &point));
  value = (int64_t)point * point;
  return cohort_task_result(task, &value, sizeof value);
}

/* The sum of what it was given: a future, then two of maps. */
static int32_t adding(cohort_context_t task, void *user)
{
  int64_t sum = 0, value;
  (void)user;
  for (uint32_t i = 0; i < 3; ++i) {
    TRY(cohort_task_future_get(task, i, &value, sizeof value));
    sum += value;
  }
  EXPECT(cohort_task_future_get(task, 3, &value, sizeof value), COHORT_ERROR_INVALID_ARGUMENT, "future 3 of a task launched with 3");
  return cohort_task_result(task, &sum, sizeof sum);
}

static int32_t filling(cohort_context_t task, void *user)
{
  static double values[2][BIG];
  uint32_t point;
  (void)user;
  TRY(cohort_task_point(task, &point));
  for (int i = 0; i < BIG; ++i) values[point][i] = i + point;
  return cohort_task_result(task, values[point], sizeof values[point]);
}

static int32_t looking(cohort_context_t task, void *user)
{
  const void *bytes;
  size_t size;
  double sum = 0;
  (void)user;
  TRY(cohort_task_future(task, 0, &bytes, &size));
  CHECK(size == BIG * sizeof(double));
  for (int i = 0; i < BIG; ++i) sum += ((const double *)bytes)[i];
  return cohort_task_result(task, &sum, sizeof sum);
}

static int32_t failing(cohort_context_t task, void *user)
{
  uint32_t point;
  (void)user;
  TRY(cohort_task_point(task, &point));
  if (point == 3) return cohort_task_fail(task, "point three broke");
  return squaring(task, user);
}

/* Gives its argument, of whatever size. */
static int32_t answering(cohort_context_t task, void *user)
{
  const void *args;
  size_t bytes;
  (void)user;
  TRY(cohort_task_args(task, &args, &bytes));
  return cohort_task_result(task, args, bytes);
}

static int32_t marking(cohort_context_t task, void *user)
{
  cohort_view_t v;
  const int64_t done = 1;
  (void)user;
  TRY(cohort_view(task, 0, field, COHORT_READ_WRITE, &v));
  for (int64_t i = 0; i <= v.hi[0] - v.lo[0]; ++i) ((double *)v.base)[i] += 1;
  return cohort_task_result(task, &done, sizeof done);
}

static int32_t nothing(cohort_context_t task, void *user)
{
  (void)task;
  (void)user;
  return 0;
}

static cohort_launch_t of(cohort_task_t task)
{
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  launch.task = task;
  return launch;
}

static cohort_future_t future_of(const void *value, size_t bytes)
{
  cohort_launch_t launch = of(answer);
  cohort_future_t future;
  launch.args = value;
  launch.args_size = bytes;
  TRY(cohort_launch(ctx, &launch, &future));
  return future;
}

static cohort_predicate_t predicate_of(const void *value, size_t bytes)
{
  cohort_future_t future = future_of(value, bytes);
  cohort_predicate_t predicate;
  TRY(cohort_predicate_from_future(future, &predicate));
  TRY(cohort_future_destroy(&future));
  return predicate;
}

/* Adds one everywhere, if the predicate holds; its result, 1 or 0. */
static int64_t marks(cohort_predicate_t predicate)
{
  const int64_t no = 0;
  cohort_requirement_t need = {.region = region, .fields = &field, .field_count = 1, .privilege = COHORT_READ_WRITE};
  cohort_launch_t launch = of(mark);
  cohort_future_t done;
  int64_t value = -1;
  launch.requirements = &need;
  launch.requirement_count = 1;
  launch.predicate = predicate;
  launch.false_result = &no;
  launch.false_result_size = sizeof no;
  TRY(cohort_launch(ctx, &launch, &done));
  TRY(cohort_future_get(done, &value, sizeof value));
  TRY(cohort_future_destroy(&done));
  return value;
}

static void values_go_from_launch_to_launch(void)
{
  cohort_future_map_t squares, sums, maps[2];
  cohort_future_t ten, one, total;
  cohort_launch_t launch = of(square);
  const int64_t given = 10;
  int64_t value;
  uint32_t points;
  TRY(cohort_index_launch_map(ctx, &launch, POINTS, &squares));
  TRY(cohort_future_map_count(squares, &points));
  CHECK(points == POINTS);
  TRY(cohort_future_value(rt, &given, sizeof given, &ten));
  maps[0] = maps[1] = squares;
  launch = of(add_up);
  launch.futures = &ten;
  launch.future_count = 1;
  launch.future_maps = maps;
  launch.future_map_count = 2;
  TRY(cohort_index_launch_map(ctx, &launch, POINTS - 1, &sums));
  EXPECT(cohort_index_launch_map(ctx, &launch, POINTS + 1, &maps[1]), COHORT_ERROR_INVALID_ARGUMENT, "a future map of 6 points, for 7");
  EXPECT(cohort_launch(ctx, &launch, NULL), COHORT_ERROR_INVALID_ARGUMENT, "a future map, in a launch of one task");
  TRY(cohort_future_map_reduce(ctx, sums, COHORT_SUM, COHORT_INT64, &total));
  for (uint32_t p = 0; p + 1 < POINTS; ++p) {
    TRY(cohort_future_map_get(sums, p, &value, sizeof value));
    CHECK(value == 10 + 2 * p * p);
  }
  TRY(cohort_future_map_wait(squares));
  TRY(cohort_future_map_future(squares, 4, &one));
  TRY(cohort_future_map_destroy(&squares));
  TRY(cohort_future_get(one, &value, sizeof value));
  CHECK(value == 16);
  TRY(cohort_future_get(total, &value, sizeof value));
  CHECK(value == 5 * 10 + 2 * (1 + 4 + 9 + 16));
  EXPECT(cohort_future_map_get(sums, 5, &value, sizeof value), COHORT_ERROR_BOUNDS, "point 5 of a future map of 5 points");
  EXPECT(cohort_future_map_get(sums, 0, &value, 4), COHORT_ERROR_INVALID_ARGUMENT, "has 8 bytes and 4 are asked for");
  EXPECT(cohort_future_map_get(squares, 0, &value, 8), COHORT_ERROR_INVALID_HANDLE, "future map is the null handle");
  EXPECT(cohort_future_map_future(sums, 9, &one), COHORT_ERROR_BOUNDS, "point 9");
  EXPECT(cohort_future_map_reduce(ctx, sums, 0, 0, &total), COHORT_ERROR_INVALID_ARGUMENT, "no reduction");
  launch.future_count = 0;
  launch.future_map_count = 1;
  EXPECT(cohort_index_launch_map(ctx, &launch, 0, &maps[1]), COHORT_ERROR_INVALID_ARGUMENT, "0 points");
  TRY(cohort_future_map_destroy(&sums));
  TRY(cohort_future_map_destroy(&sums));
  TRY(cohort_future_destroy(&one));
  TRY(cohort_future_destroy(&total));
  TRY(cohort_future_destroy(&ten));
}

/* Far more than 64 KiB a value. */
static void values_may_be_large(void)
{
  static double back[BIG];
  cohort_launch_t launch = of(fill_big);
  cohort_future_map_t map, sums;
  double sum;
  TRY(cohort_index_launch_map(ctx, &launch, 2, &map));
  launch = of(look_big);
  launch.future_maps = &map;
  launch.future_map_count = 1;
  TRY(cohort_index_launch_map(ctx, &launch, 2, &sums));
  TRY(cohort_future_map_get(sums, 1, &sum, sizeof sum));
  CHECK(sum == (double)BIG * (BIG - 1) / 2 + BIG);
  TRY(cohort_future_map_get(map, 1, back, sizeof back));
  CHECK(back[0] == 1 && back[BIG - 1] == BIG);
  TRY(cohort_future_map_destroy(&map));
  TRY(cohort_future_map_destroy(&sums));
}

static void a_point_that_fails_leaves_the_others(void)
{
  cohort_launch_t launch = of(fails);
  cohort_future_map_t map;
  cohort_future_t total;
  int64_t value;
  TRY(cohort_index_launch_map(ctx, &launch, POINTS, &map));
  TRY(cohort_future_map_reduce(ctx, map, COHORT_SUM, COHORT_INT64, &total));
  EXPECT(cohort_wait_all(ctx), COHORT_ERROR_TASK_FAILED, "point three broke");
  TRY(cohort_future_map_get(map, 2, &value, sizeof value));
  CHECK(value == 4);
  EXPECT(cohort_future_map_get(map, 3, &value, sizeof value), COHORT_ERROR_TASK_FAILED, "point three broke");
  EXPECT(cohort_future_map_wait(map), COHORT_ERROR_TASK_FAILED, "point three broke");
  EXPECT(cohort_future_get(total, &value, sizeof value), COHORT_ERROR_TASK_FAILED, "point three broke");
  TRY(cohort_future_map_destroy(&map));
  TRY(cohort_future_destroy(&total));
}

static void predicates_decide(void)
{
  const int8_t byte = 1;
  const int32_t word = 0;
  const int64_t high = INT64_C(1) << 40;
  cohort_predicate_t yes, no, of_byte = predicate_of(&byte, 1), of_word = predicate_of(&word, 4), of_high = predicate_of(&high, 8);
  cohort_predicate_t list[3], both, any, not_both, twice;
  int expected = 0;
  double value;
  cohort_requirement_t need = {.region = region, .fields = &field, .field_count = 1, .privilege = COHORT_READ_ONLY};
  cohort_copy_t copy = COHORT_COPY_INIT;
  cohort_sync_t sync = COHORT_SYNC_INIT;
  TRY(cohort_predicate_constant(rt, true, &yes));
  TRY(cohort_predicate_not(yes, &no));
  CHECK(marks(yes) == 1 && marks(no) == 0 && marks(of_byte) == 1 && marks(of_word) == 0 && marks(of_high) == 1);
  expected += 3;
  list[0] = yes; list[1] = of_byte; list[2] = of_word;
  TRY(cohort_predicate_and(ctx, 3, list, &both));
  TRY(cohort_predicate_or(ctx, 3, list, &any));
  TRY(cohort_predicate_not(both, &not_both));
  list[0] = not_both; list[1] = any;
  TRY(cohort_predicate_and(ctx, 2, list, &twice));
  CHECK(marks(both) == 0 && marks(any) == 1 && marks(not_both) == 1 && marks(twice) == 1);
  expected += 3;
  /* A copy, and what comes after it, whether it is done or not. */
  copy.source = region; copy.destination = other;
  copy.source_fields = copy.destination_fields = &field; copy.field_count = 1;
  copy.predicate = yes; TRY(cohort_copy(ctx, &copy));
  CHECK(marks(yes) == 1);
  copy.predicate = no; TRY(cohort_copy(ctx, &copy));
  sync.region = other; sync.fields = &field; sync.field_count = 1; sync.predicate = of_word;
  TRY(cohort_acquire(ctx, &sync)); TRY(cohort_release(ctx, &sync));
  {
    cohort_mapping_t mapping;
    cohort_view_t v;
    need.region = other;
    TRY(cohort_inline_map(ctx, &need, &mapping));
    TRY(cohort_inline_view(mapping, field, COHORT_READ_ONLY, &v));
    value = *(double *)v.base;
    TRY(cohort_inline_unmap(&mapping));
  }
  CHECK(value == expected);
  EXPECT(cohort_predicate_and(ctx, 0, list, &both), COHORT_ERROR_INVALID_ARGUMENT, "0 predicates");
  EXPECT(cohort_predicate_or(ctx, 1, NULL, &both), COHORT_ERROR_INVALID_ARGUMENT, "predicates is null");
  list[0].id = 0;
  EXPECT(cohort_predicate_and(ctx, 1, list, &both), COHORT_ERROR_INVALID_HANDLE, "predicate is the null handle");
  EXPECT(cohort_predicate_not(list[0], &both), COHORT_ERROR_INVALID_HANDLE, "null handle");
  TRY(cohort_predicate_destroy(&yes)); TRY(cohort_predicate_destroy(&no)); TRY(cohort_predicate_destroy(&of_byte));
  TRY(cohort_predicate_destroy(&of_word)); TRY(cohort_predicate_destroy(&of_high)); TRY(cohort_predicate_destroy(&both));
  TRY(cohort_predicate_destroy(&any)); TRY(cohort_predicate_destroy(&not_both)); TRY(cohort_predicate_destroy(&twice));
}

/* All the points of an index launch, and what is reduced of them. */
static void predicates_of_index_launches(void)
{
  const int32_t none = 0;
  const int64_t instead = 7;
  cohort_predicate_t never = predicate_of(&none, 4);
  cohort_requirement_t need = {.partition = parts, .fields = &field, .field_count = 1, .privilege = COHORT_READ_WRITE};
  cohort_launch_t launch = of(mark);
  cohort_future_map_t map;
  cohort_future_t total;
  int64_t value;
  launch.requirements = &need;
  launch.requirement_count = 1;
  launch.false_result = &instead;
  launch.false_result_size = sizeof instead;
  EXPECT(cohort_index_launch_map(ctx, &launch, 2, &map), COHORT_ERROR_INVALID_ARGUMENT, "a false result and no predicate");
  launch.predicate = never;
  TRY(cohort_index_launch_map(ctx, &launch, 2, &map));
  TRY(cohort_index_launch(ctx, &launch, 2, COHORT_SUM, COHORT_INT64, &total));
  TRY(cohort_future_map_get(map, 1, &value, sizeof value));
  CHECK(value == 7);
  TRY(cohort_future_get(total, &value, sizeof value));
  CHECK(value == 7);
  TRY(cohort_future_destroy(&total));
  TRY(cohort_future_map_destroy(&map));
  /* The wrong size is found by who reads. */
  launch.requirement_count = 0;
  launch.false_result = NULL;
  EXPECT(cohort_launch(ctx, &launch, &total), COHORT_ERROR_INVALID_ARGUMENT, "false_result is null");
  launch.false_result_size = 0;
  TRY(cohort_launch(ctx, &launch, &total));
  EXPECT(cohort_future_get(total, &value, sizeof value), COHORT_ERROR_INVALID_ARGUMENT, "has 0 bytes and 8 are asked for");
  TRY(cohort_future_destroy(&total));
  TRY(cohort_predicate_destroy(&never));
}

static void predicates_that_fail(void)
{
  const int16_t odd = 1;
  cohort_predicate_t wrong = predicate_of(&odd, 2), yes, both, list[2];
  cohort_launch_t launch = of(fails);
  cohort_future_map_t map;
  cohort_future_t third, done;
  int64_t value;
  TRY(cohort_predicate_constant(rt, true, &yes));
  launch = of(nothing_given);
  launch.predicate = wrong;
  TRY(cohort_launch(ctx, &launch, &done));
  EXPECT(cohort_wait_all(ctx), COHORT_ERROR_TASK_FAILED, "a predicate's future has 2 bytes");
  EXPECT(cohort_future_get(done, &value, 0), COHORT_ERROR_TASK_FAILED, "a predicate's future has 2 bytes");
  TRY(cohort_future_destroy(&done));
  list[0] = yes;
  list[1] = wrong;
  TRY(cohort_predicate_and(ctx, 2, list, &both));
  EXPECT(cohort_wait_all(ctx), COHORT_ERROR_TASK_FAILED, "task \"combination of predicates\" failed on rank 0: a predicate's future has 2 bytes");
  launch.predicate = both;
  TRY(cohort_launch(ctx, &launch, &done));
  EXPECT(cohort_wait_all(ctx), COHORT_ERROR_TASK_FAILED, "combination of predicates");
  TRY(cohort_future_destroy(&done));
  /* Of a task that failed. */
  launch = of(fails);
  TRY(cohort_index_launch_map(ctx, &launch, POINTS, &map));
  TRY(cohort_future_map_future(map, 3, &third));
  TRY(cohort_predicate_destroy(&wrong));
  TRY(cohort_predicate_from_future(third, &wrong));
  launch = of(nothing_given);
  launch.predicate = wrong;
  TRY(cohort_launch(ctx, &launch, &done));
  EXPECT(cohort_wait_all(ctx), COHORT_ERROR_TASK_FAILED, "point three broke");
  EXPECT(cohort_future_get(done, &value, 0), COHORT_ERROR_TASK_FAILED, "point three broke");
  TRY(cohort_future_destroy(&done));
  TRY(cohort_future_destroy(&third));
  TRY(cohort_future_map_destroy(&map));
  TRY(cohort_predicate_destroy(&wrong));
  TRY(cohort_predicate_destroy(&both));
  TRY(cohort_predicate_destroy(&yes));
}

static void make_task(const char *name, cohort_task_function_t function, cohort_task_t *task)
{
  TRY(cohort_task_register(rt, name, function, NULL, COHORT_TASK_LEAF, task));
}

int main(void)
{
  const int64_t lo = 0, hi = 9, two = 2;
  const double zero = 0;
  cohort_index_space_t space;
  cohort_field_space_t fields;
  TRY(cohort_init(NULL, &rt));
  TRY(cohort_root_context(rt, &ctx));
  TRY(cohort_index_space_create(rt, 1, &lo, &hi, &space));
  TRY(cohort_field_space_create(rt, &fields));
  TRY(cohort_field_allocate(fields, sizeof(double), "f", &field));
  TRY(cohort_region_create(rt, space, fields, &region));
  TRY(cohort_region_create(rt, space, fields, &other));
  TRY(cohort_partition_blocks(region, &two, &parts));
  TRY(cohort_fill(ctx, region, 1, &field, &zero, sizeof zero));
  TRY(cohort_fill(ctx, other, 1, &field, &zero, sizeof zero));
  make_task("square", squaring, &square);
  make_task("add", adding, &add_up);
  make_task("fill", filling, &fill_big);
  make_task("look", looking, &look_big);
  make_task("fail", failing, &fails);
  make_task("answer", answering, &answer);
  make_task("mark", marking, &mark);
  make_task("nothing", nothing, &nothing_given);
  values_go_from_launch_to_launch();
  values_may_be_large();
  a_point_that_fails_leaves_the_others();
  predicates_decide();
  predicates_of_index_launches();
  predicates_that_fail();
  TRY(cohort_finalize(&rt));
  puts("PASSED");
  return 0;
}
