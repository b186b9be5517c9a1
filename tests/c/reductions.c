/* Reductions that the program registers: on regions, for the results of index launches, in collectives; and what is refused. */
#include "testing.h"

enum { POINTS = 1000, TASKS = 37 };

/* The least value, and where it was. */
typedef struct {
  double value;
  int64_t where;
} least_t;

static void keep_least(void *into, const void *from, size_t count, void *user)
{
  least_t *a = into;
  const least_t *b = from;
  for (size_t i = 0; i < count; ++i)
    if (b[i].value < a[i].value || (b[i].value == a[i].value && b[i].where < a[i].where)) a[i] = b[i];
  if (*(int *)user != 7) exit(1);
}

/* Sums of three bytes each: an element of an odd size. */
static void add_triples(void *into, const void *from, size_t count, void *user)
{
  unsigned char *a = into;
  const unsigned char *b = from;
  for (size_t i = 0; i < 3 * count; ++i) a[i] = (unsigned char)(a[i] + b[i]);
  (void)user;
}

static double sample(int64_t task, int64_t point)
{
  return (double)((task * 7919 + point * 104729) % 1009);
}

static int32_t contribute(cohort_context_t task, void *user)
{
  cohort_view_t least, triple;
  uint32_t point;
  int64_t i;
  TRY(cohort_task_point(task, &point));
  TRY(cohort_view(task, 0, 0, COHORT_REDUCE, &least));
  TRY(cohort_view(task, 1, 1, COHORT_REDUCE, &triple));
  for (i = least.lo[0]; i <= least.hi[0]; ++i) {
    least_t mine = {sample(point, i), point};
    unsigned char *t = (unsigned char *)triple.base + (i - triple.lo[0]) * triple.stride[0];
    keep_least((char *)least.base + (i - least.lo[0]) * least.stride[0], &mine, 1, user);
    t[0]++, t[1] = (unsigned char)(t[1] + point), t[2] = (unsigned char)(t[2] + i);
  }
  return 0;
}

static int32_t give_least(cohort_context_t task, void *user)
{
  uint32_t point;
  least_t mine;
  (void)user;
  TRY(cohort_task_point(task, &point));
  mine.value = sample(point, 3), mine.where = point;
  TRY(cohort_task_result(task, &mine, sizeof mine));
  return 0;
}

static int32_t give_little(cohort_context_t task, void *user)
{
  (void)user;
  TRY(cohort_task_result(task, "abc", 3));
  return 0;
}

static void refuse(cohort_runtime_t rt, cohort_context_t ctx, cohort_region_t region, cohort_task_t task, cohort_reduction_t least)
{
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  cohort_requirement_t need = {0};
  cohort_collective_t collective;
  cohort_reduction_t other;
  cohort_future_t future;
  cohort_field_t field = 1;
  char large[17] = {0};
  const double zero = 0;

  EXPECT(cohort_reduction_register(rt, "a", 8, &zero, NULL, NULL, &other), COHORT_ERROR_INVALID_ARGUMENT, "fold is null");
  EXPECT(cohort_reduction_register(rt, "a", 0, &zero, keep_least, NULL, &other), COHORT_ERROR_INVALID_ARGUMENT, "elements of 0 bytes");
  EXPECT(cohort_reduction_register(rt, "a", 8, NULL, keep_least, NULL, &other), COHORT_ERROR_INVALID_ARGUMENT, "identity is null");
  EXPECT(cohort_reduction_register(rt, NULL, 8, &zero, keep_least, NULL, &other), COHORT_ERROR_INVALID_ARGUMENT, "name is null");
  EXPECT(cohort_reduction_register(rt, "a", 8, &zero, keep_least, NULL, NULL), COHORT_ERROR_INVALID_ARGUMENT, "pointer for the result");
  EXPECT(cohort_reduction_register(rt, "least", 8, &zero, keep_least, NULL, &other), COHORT_ERROR_INVALID_ARGUMENT, "\"least\" is registered already");

  need.region = region, need.fields = &field, need.field_count = 1, need.privilege = COHORT_REDUCE, need.reduction = least;
  launch.task = task, launch.requirements = &need, launch.requirement_count = 1;
  EXPECT(cohort_launch(ctx, &launch, NULL), COHORT_ERROR_INVALID_ARGUMENT, "16 bytes, the size of an element of the reduction \"least\"");
  need.reduction_type = COHORT_DOUBLE, field = 0;
  EXPECT(cohort_launch(ctx, &launch, NULL), COHORT_ERROR_INVALID_ARGUMENT, "use COHORT_TYPE_NONE");
  need.reduction_type = COHORT_TYPE_NONE, need.reduction = least + 100;
  EXPECT(cohort_launch(ctx, &launch, NULL), COHORT_ERROR_INVALID_ARGUMENT, "or what cohort_reduction_register gave");
  need.reduction = 200;
  EXPECT(cohort_launch(ctx, &launch, NULL), COHORT_ERROR_INVALID_ARGUMENT, "reduction is 200");
  need.reduction = least, need.flags = 64;
  EXPECT(cohort_launch(ctx, &launch, NULL), COHORT_ERROR_INVALID_ARGUMENT, "flags is 0x40");
  need.flags = COHORT_FOLD_ANY_ORDER, need.privilege = COHORT_READ_WRITE, need.reduction = COHORT_REDUCTION_NONE;
  EXPECT(cohort_launch(ctx, &launch, NULL), COHORT_ERROR_INVALID_ARGUMENT, "does not reduce");

  TRY(cohort_reduction_register(rt, "large", sizeof large, large, add_triples, NULL, &other));
  CHECK(other > least);
  EXPECT(cohort_collective_create(rt, 1, other, COHORT_TYPE_NONE, &collective), COHORT_ERROR_INVALID_ARGUMENT, "have 17 bytes");
  launch.requirement_count = 0;
  TRY(cohort_task_register(rt, "little", give_little, NULL, COHORT_TASK_LEAF, &launch.task));
  TRY(cohort_index_launch(ctx, &launch, 2, least, COHORT_TYPE_NONE, &future));
  EXPECT(cohort_wait_all(ctx), COHORT_ERROR_TASK_FAILED, "a result of 3 bytes where the reduction's elements have 16");
  TRY(cohort_future_destroy(&future));
}

static int32_t contribute_or_fail(cohort_context_t task, void *user)
{
  cohort_view_t sums;
  uint32_t point;
  TRY(cohort_task_point(task, &point));
  TRY(cohort_view(task, 0, 0, COHORT_REDUCE, &sums));
  for (int64_t i = 0; i < POINTS; ++i) ((int64_t *)sums.base)[i] += point;
  return point == 20 && *(bool *)user ? 5 : 0;
}

static int32_t read_sums(cohort_context_t task, void *user)
{
  cohort_view_t sums;
  TRY(cohort_view(task, 0, 0, COHORT_READ_ONLY, &sums));
  ++*(int *)user;
  CHECK(*(int64_t *)sums.base == TASKS * (TASKS - 1) / 2);
  return 0;
}

/* Of tasks that share copies one fails: what depends on any of them does not run. */
static void one_of_many_fails(cohort_runtime_t rt)
{
  static bool fails = true;
  static int read;
  const int64_t lo = 0, hi = POINTS - 1, zero = 0;
  cohort_context_t ctx;
  cohort_index_space_t is;
  cohort_field_space_t fs;
  cohort_region_t region;
  cohort_launch_t add = COHORT_LAUNCH_INIT, look = COHORT_LAUNCH_INIT;
  cohort_field_t field;
  TRY(cohort_root_context(rt, &ctx));
  TRY(cohort_index_space_create(rt, 1, &lo, &hi, &is));
  TRY(cohort_field_space_create(rt, &fs));
  TRY(cohort_field_allocate(fs, sizeof(int64_t), "sums", &field));
  TRY(cohort_region_create(rt, is, fs, &region));
  cohort_requirement_t reduce = {.region = region, .fields = &field, .field_count = 1, .privilege = COHORT_REDUCE,
                                 .reduction = COHORT_SUM, .reduction_type = COHORT_INT64, .flags = COHORT_FOLD_ANY_ORDER};
  cohort_requirement_t reads = {.region = region, .fields = &field, .field_count = 1, .privilege = COHORT_READ_ONLY};
  TRY(cohort_task_register(rt, "add or fail", contribute_or_fail, &fails, COHORT_TASK_LEAF, &add.task));
  TRY(cohort_task_register(rt, "look", read_sums, &read, COHORT_TASK_LEAF, &look.task));
  add.requirements = &reduce, add.requirement_count = 1, look.requirements = &reads, look.requirement_count = 1;
  for (int round = 0; round < 6; ++round) {
    fails = round % 2 == 0;
    TRY(cohort_fill(ctx, region, 1, &field, &zero, sizeof zero));
    TRY(cohort_index_launch(ctx, &add, TASKS, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
    TRY(cohort_launch(ctx, &look, NULL));
    if (fails)
      EXPECT(cohort_wait_all(ctx), COHORT_ERROR_TASK_FAILED, "returned 5");
    else
      TRY(cohort_wait_all(ctx));
    CHECK(read == (round + 1) / 2);
  }
  TRY(cohort_region_destroy(&region));
}

static void in_a_collective(cohort_runtime_t rt, cohort_context_t ctx, cohort_reduction_t least)
{
  cohort_collective_t collective;
  cohort_future_t future;
  least_t values[3] = {{4, 0}, {2, 1}, {2, 2}}, found;
  TRY(cohort_collective_create(rt, 3, least, COHORT_TYPE_NONE, &collective));
  for (int i = 2; i >= 0; --i) TRY(cohort_collective_arrive(collective, &values[i]));
  TRY(cohort_collective_advance(collective, &collective));
  TRY(cohort_collective_future(ctx, collective, &future));
  TRY(cohort_future_get(future, &found, sizeof found));
  CHECK(found.value == 2 && found.where == 1);
  TRY(cohort_future_destroy(&future));
  TRY(cohort_collective_destroy(&collective));
}

static void on_a_region(cohort_runtime_t rt, cohort_reduction_t least, cohort_reduction_t triples, uint32_t flags)
{
  static least_t found[POINTS];
  static unsigned char sums[POINTS][5]; /* elements of three bytes, five apart */
  static int user = 7;
  cohort_context_t ctx;
  cohort_index_space_t is;
  cohort_field_space_t fs;
  cohort_region_t region;
  cohort_task_t task;
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  cohort_requirement_t needs[2];
  cohort_field_t fields[2];
  int64_t lo = 0, hi = POINTS - 1, strides[2] = {sizeof(least_t), 5};
  TRY(cohort_root_context(rt, &ctx));
  TRY(cohort_index_space_create(rt, 1, &lo, &hi, &is));
  TRY(cohort_field_space_create(rt, &fs));
  TRY(cohort_field_allocate(fs, sizeof(least_t), "least", &fields[0]));
  TRY(cohort_field_allocate(fs, 3, "triples", &fields[1]));
  TRY(cohort_region_create(rt, is, fs, &region));
  for (int i = 0; i < POINTS; ++i) {
    found[i].value = i % 2 ? 1e9 : 5, found[i].where = -1;
    for (int k = 0; k < 5; ++k) sums[i][k] = (unsigned char)(k + 1);
  }
  TRY(cohort_attach(ctx, region, 1, &fields[0], found, &strides[0], 0));
  TRY(cohort_attach(ctx, region, 1, &fields[1], sums, &strides[1], 0));
  TRY(cohort_task_register(rt, "contribute", contribute, &user, COHORT_TASK_LEAF, &task));
  memset(needs, 0, sizeof needs);
  for (int i = 0; i < 2; ++i) {
    needs[i].region = region, needs[i].fields = &fields[i], needs[i].field_count = 1, needs[i].privilege = COHORT_REDUCE;
    needs[i].flags = flags;
  }
  needs[0].reduction = least, needs[1].reduction = triples;
  launch.task = task, launch.requirements = needs, launch.requirement_count = 2;
  TRY(cohort_index_launch(ctx, &launch, TASKS, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
  TRY(cohort_wait_all(ctx));
  for (int64_t i = 0; i < POINTS; ++i) {
    least_t expected = {i % 2 ? 1e9 : 5, -1};
    unsigned char triple[5] = {1 + TASKS, 2, 3, 4, 5};
    int seven = 7;
    for (int64_t t = 0; t < TASKS; ++t) {
      least_t one = {sample(t, i), t};
      keep_least(&expected, &one, 1, &seven);
      triple[1] = (unsigned char)(triple[1] + t), triple[2] = (unsigned char)(triple[2] + i);
    }
    CHECK(found[i].value == expected.value && found[i].where == expected.where);
    CHECK(memcmp(sums[i], triple, 5) == 0);
  }
  if (flags == 0) refuse(rt, ctx, region, task, least);
  TRY(cohort_region_destroy(&region));
  TRY(cohort_field_space_destroy(&fs));
  TRY(cohort_index_space_destroy(&is));
}

int main(void)
{
  static int user = 7;
  cohort_runtime_t rt;
  cohort_context_t ctx;
  cohort_reduction_t least, triples, stale;
  cohort_task_t task;
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  cohort_future_t future;
  least_t none = {1e300, INT64_MAX}, found, expected = none;
  const unsigned char zeros[3] = {0};

  TRY(cohort_init(NULL, &rt));
  TRY(cohort_root_context(rt, &ctx));
  TRY(cohort_reduction_register(rt, "least", sizeof none, &none, keep_least, &user, &least));
  TRY(cohort_reduction_register(rt, "triples", 3, zeros, add_triples, NULL, &triples));
  CHECK(least >= 256 && triples > least);
  on_a_region(rt, least, triples, 0);
  on_a_region(rt, least, triples, COHORT_FOLD_ANY_ORDER);

  TRY(cohort_task_register(rt, "give", give_least, NULL, COHORT_TASK_LEAF, &task));
  launch.task = task;
  TRY(cohort_index_launch(ctx, &launch, TASKS, least, COHORT_TYPE_NONE, &future));
  TRY(cohort_future_get(future, &found, sizeof found));
  for (int64_t t = 0; t < TASKS; ++t) {
    least_t one = {sample(t, 3), t};
    keep_least(&expected, &one, 1, &user);
  }
  CHECK(found.value == expected.value && found.where == expected.where);
  TRY(cohort_future_destroy(&future));
  in_a_collective(rt, ctx, least);
  one_of_many_fails(rt);
  TRY(cohort_finalize(&rt));

  /* The number of an ended runtime is not that of another operator. */
  stale = least;
  TRY(cohort_init(NULL, &rt));
  TRY(cohort_root_context(rt, &ctx));
  TRY(cohort_reduction_register(rt, "triples", 3, zeros, add_triples, NULL, &triples));
  CHECK(triples != stale);
  EXPECT(cohort_index_launch(ctx, &launch, 1, stale, COHORT_TYPE_NONE, &future), COHORT_ERROR_INVALID_HANDLE, "a runtime that has ended");
  for (int i = 1; i < 4096; ++i) {
    char name[32];
    snprintf(name, sizeof name, "one of many: %d", i);
    TRY(cohort_reduction_register(rt, name, 3, zeros, add_triples, NULL, &triples));
  }
  EXPECT(cohort_reduction_register(rt, "one too many", 3, zeros, add_triples, NULL, &triples), COHORT_ERROR_RESOURCES, "room for 4096");
  TRY(cohort_finalize(&rt));
  puts("PASSED");
  return 0;
}
