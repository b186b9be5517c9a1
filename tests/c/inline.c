/* Inline mappings: in the root context and in tasks, what they wait for, what they keep out, and what is wrong with a use. */
#include "testing.h"

enum { N = 64, PIECES = 4, ROUNDS = 200 };
enum { X, Y, FIELDS };

static cohort_field_t both[FIELDS] = {X, Y};
static cohort_task_t add, outer, careless, failing;
static cohort_partition_t pieces;
static cohort_region_t all;

static cohort_requirement_t need(cohort_region_t region, uint32_t count, const cohort_field_t *fields, int32_t right)
{
  return (cohort_requirement_t){.region = region, .fields = fields, .field_count = count, .privilege = right};
}

static double *element(const cohort_view_t *v, int64_t i)
{
  return (double *)((char *)v->base + (i - v->lo[0]) * v->stride[0]);
}

/* Adds 1 to X everywhere. */
static int32_t add_one(cohort_context_t task, void *user)
{
  cohort_view_t x;
  (void)user;
  TRY(cohort_view(task, 0, X, COHORT_READ_WRITE, &x));
  for (int64_t i = x.lo[0]; i <= x.hi[0]; i++)
    *element(&x, i) += 1;
  return 0;
}

static void launch_add(cohort_context_t ctx, cohort_region_t region)
{
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  cohort_requirement_t x = need(region, 1, both, COHORT_READ_WRITE);
  launch.task = add;
  launch.requirements = &x;
  launch.requirement_count = 1;
  TRY(cohort_launch(ctx, &launch, NULL));
}

/* Launches children, and looks at and changes their results between the launches. */
static int32_t map_inside(cohort_context_t task, void *user)
{
  cohort_region_t mine;
  cohort_mapping_t mapping;
  cohort_view_t x;
  cohort_requirement_t asked;
  (void)user;
  TRY(cohort_task_region(task, 0, &mine));
  for (int round = 0; round < 3; round++) {
    launch_add(task, mine);
    asked = need(mine, 1, both, COHORT_READ_WRITE);
    TRY(cohort_inline_map(task, &asked, &mapping));
    TRY(cohort_inline_view(mapping, X, COHORT_READ_WRITE, &x));
    for (int64_t i = x.lo[0]; i <= x.hi[0]; i++) {
      CHECK(*element(&x, i) == 11 * round + 1);
      *element(&x, i) += 10;
    }
    TRY(cohort_inline_unmap(&mapping));
  }
  asked = need(mine, 1, &both[Y], COHORT_READ_WRITE);
  EXPECT(cohort_inline_map(task, &asked, &mapping), COHORT_ERROR_PRIVILEGE, "does not hold");
  asked = need(all, 1, both, COHORT_READ_ONLY);
  EXPECT(cohort_inline_map(task, &asked, &mapping), COHORT_ERROR_PRIVILEGE, "does not hold");
  return 0;
}

static cohort_mapping_t forgotten;

static int32_t leave_open(cohort_context_t task, void *user)
{
  cohort_region_t mine;
  cohort_view_t x;
  (void)user;
  TRY(cohort_task_region(task, 0, &mine));
  const cohort_requirement_t asked = need(mine, 1, both, COHORT_READ_WRITE);
  TRY(cohort_inline_map(task, &asked, &forgotten));
  TRY(cohort_inline_view(forgotten, X, COHORT_READ_WRITE, &x));
  *element(&x, x.lo[0]) = -7;
  return 0;
}

static int32_t fail(cohort_context_t task, void *user)
{
  (void)user;
  TRY(cohort_task_fail(task, "on purpose"));
  return 0;
}

static cohort_launch_t with(cohort_task_t task, const cohort_requirement_t *asked)
{
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  launch.task = task;
  launch.requirements = asked;
  launch.requirement_count = 1;
  return launch;
}

/* Tasks and the program by turns, with no other wait. */
static void take_turns(cohort_context_t ctx)
{
  const double zero = 0;
  TRY(cohort_fill(ctx, all, FIELDS, both, &zero, sizeof zero));
  for (int round = 0; round < ROUNDS; round++) {
    for (uint32_t p = 0; p < PIECES; p++) {
      cohort_region_t piece;
      TRY(cohort_subregion(pieces, p, &piece));
      launch_add(ctx, piece);
    }
    cohort_mapping_t mapping;
    cohort_view_t x;
    const cohort_requirement_t asked = need(all, 1, both, COHORT_READ_WRITE);
    TRY(cohort_inline_map(ctx, &asked, &mapping));
    TRY(cohort_inline_view(mapping, X, COHORT_READ_WRITE, &x));
    for (int64_t i = 0; i < N; i++) {
      CHECK(*element(&x, i) == 3 * round + 1);
      *element(&x, i) += 2;
    }
    TRY(cohort_inline_unmap(&mapping));
    CHECK(mapping.id == 0);
  }
  TRY(cohort_wait_all(ctx));
}

/* What a mapping keeps out: all that conflicts, of every kind of operation, and nothing else. */
static void keep_out(cohort_runtime_t rt, cohort_context_t ctx)
{
  cohort_region_t left, right, other;
  cohort_index_space_t space;
  cohort_field_space_t fields;
  cohort_field_t field;
  cohort_mapping_t mapping, second, third;
  const int64_t lo = 0, hi = N - 1, stride = 8;
  const double zero = 0;
  static double array[N];
  TRY(cohort_index_space_create(rt, 1, &lo, &hi, &space));
  TRY(cohort_field_space_create(rt, &fields));
  TRY(cohort_fields_allocate(fields, 8, 1, &field));
  TRY(cohort_region_create(rt, space, fields, &other));
  TRY(cohort_fill(ctx, other, 1, both, &zero, sizeof zero));
  TRY(cohort_subregion(pieces, 0, &left));
  TRY(cohort_subregion(pieces, PIECES - 1, &right));
  cohort_requirement_t asked = need(left, 1, both, COHORT_READ_WRITE);
  TRY(cohort_inline_map(ctx, &asked, &mapping));

  cohort_requirement_t x = need(all, 1, both, COHORT_READ_ONLY);
  cohort_launch_t launch = with(add, &x);
  EXPECT(cohort_launch(ctx, &launch, NULL), COHORT_ERROR_INTERFERENCE, "call cohort_inline_unmap first");
  x = need(left, 1, both, COHORT_READ_WRITE);
  EXPECT(cohort_launch(ctx, &launch, NULL), COHORT_ERROR_INTERFERENCE, "call cohort_inline_unmap first");
  x = (cohort_requirement_t){.partition = pieces, .fields = both, .field_count = 1, .privilege = COHORT_READ_WRITE};
  EXPECT(cohort_index_launch(ctx, &launch, PIECES, 0, 0, NULL), COHORT_ERROR_INTERFERENCE, "call cohort_inline_unmap first");
  x = need(all, 1, both, COHORT_READ_ONLY);
  EXPECT(cohort_index_launch(ctx, &launch, PIECES, 0, 0, NULL), COHORT_ERROR_INTERFERENCE, "call cohort_inline_unmap first");
  EXPECT(cohort_fill(ctx, left, 1, both, &zero, sizeof zero), COHORT_ERROR_INTERFERENCE, "call cohort_inline_unmap first");
  cohort_copy_t copy = COHORT_COPY_INIT;
  copy.source = left;
  copy.destination = other;
  copy.source_fields = copy.destination_fields = both;
  copy.field_count = 1;
  EXPECT(cohort_copy(ctx, &copy), COHORT_ERROR_INTERFERENCE, "call cohort_inline_unmap first");
  cohort_sync_t sync = COHORT_SYNC_INIT;
  sync.region = left;
  sync.fields = both;
  sync.field_count = 1;
  EXPECT(cohort_acquire(ctx, &sync), COHORT_ERROR_INTERFERENCE, "call cohort_inline_unmap first");
  EXPECT(cohort_attach(ctx, all, 1, both, array, &stride, 0), COHORT_ERROR_INTERFERENCE, "call cohort_inline_unmap first");
  asked = need(all, 1, both, COHORT_READ_ONLY);
  EXPECT(cohort_inline_map(ctx, &asked, &second), COHORT_ERROR_INTERFERENCE, "call cohort_inline_unmap first");

  /* Other points, other fields, other regions. */
  launch_add(ctx, right);
  TRY(cohort_fill(ctx, all, 1, &both[Y], &zero, sizeof zero));
  copy.source = right;
  TRY(cohort_copy(ctx, &copy));
  TRY(cohort_attach(ctx, all, 1, &both[Y], array, &stride, 0));
  TRY(cohort_detach(ctx, all, 1, &both[Y]));
  asked = need(right, FIELDS, both, COHORT_READ_WRITE);
  TRY(cohort_inline_map(ctx, &asked, &second));
  TRY(cohort_wait_all(ctx));
  TRY(cohort_inline_unmap(&second));
  TRY(cohort_inline_unmap(&mapping));

  /* Readers do not keep readers out. */
  asked = need(all, FIELDS, both, COHORT_READ_ONLY);
  TRY(cohort_inline_map(ctx, &asked, &second));
  TRY(cohort_inline_map(ctx, &asked, &third));
  copy.source = left;
  TRY(cohort_copy(ctx, &copy));
  EXPECT(cohort_fill(ctx, left, 1, both, &zero, sizeof zero), COHORT_ERROR_INTERFERENCE, "ReadOnly");
  TRY(cohort_inline_unmap(&third));
  EXPECT(cohort_fill(ctx, left, 1, both, &zero, sizeof zero), COHORT_ERROR_INTERFERENCE, "ReadOnly");
  TRY(cohort_inline_unmap(&second));
  TRY(cohort_fill(ctx, left, 1, both, &zero, sizeof zero));
  TRY(cohort_wait_all(ctx));
  TRY(cohort_region_destroy(&other));
}

static void wrong_calls(cohort_context_t ctx)
{
  cohort_mapping_t mapping = {0}, copy;
  cohort_view_t view;
  const cohort_field_t unknown = 9;
  cohort_requirement_t asked = need(all, 1, both, COHORT_READ_ONLY);
  TRY(cohort_inline_unmap(&mapping));
  EXPECT(cohort_inline_view(mapping, X, COHORT_READ_ONLY, &view), COHORT_ERROR_INVALID_HANDLE, "the null handle");
  EXPECT(cohort_inline_map(ctx, NULL, &mapping), COHORT_ERROR_INVALID_ARGUMENT, "requirement is null");
  EXPECT(cohort_inline_map(ctx, &asked, NULL), COHORT_ERROR_INVALID_ARGUMENT, "pointer for the result is null");
  asked.privilege = COHORT_NO_ACCESS;
  EXPECT(cohort_inline_map(ctx, &asked, &mapping), COHORT_ERROR_INVALID_ARGUMENT, "COHORT_NO_ACCESS");
  asked.privilege = COHORT_REDUCE;
  asked.reduction = COHORT_SUM;
  asked.reduction_type = COHORT_DOUBLE;
  EXPECT(cohort_inline_map(ctx, &asked, &mapping), COHORT_ERROR_INVALID_ARGUMENT, "map with COHORT_READ_WRITE");
  asked = (cohort_requirement_t){.partition = pieces, .fields = both, .field_count = 1, .privilege = COHORT_READ_ONLY};
  EXPECT(cohort_inline_map(ctx, &asked, &mapping), COHORT_ERROR_INVALID_ARGUMENT, "a partition");
  asked = need(all, 1, &unknown, COHORT_READ_ONLY);
  EXPECT(cohort_inline_map(ctx, &asked, &mapping), COHORT_ERROR_INVALID_ARGUMENT, "field 9");
  asked = need(all, 1, both, COHORT_READ_ONLY);
  TRY(cohort_inline_map(ctx, &asked, &mapping));
  EXPECT(cohort_inline_view(mapping, Y, COHORT_READ_ONLY, &view), COHORT_ERROR_PRIVILEGE, "not among those of the inline mapping");
  EXPECT(cohort_inline_view(mapping, X, COHORT_READ_WRITE, &view), COHORT_ERROR_PRIVILEGE, "declared ReadOnly");
  copy = mapping;
  TRY(cohort_inline_unmap(&mapping));
  EXPECT(cohort_inline_view(copy, X, COHORT_READ_ONLY, &view), COHORT_ERROR_INVALID_HANDLE, "mapping");
  EXPECT(cohort_inline_unmap(&copy), COHORT_ERROR_INVALID_HANDLE, "mapping");
}

int main(void)
{
  cohort_runtime_t rt;
  cohort_context_t ctx;
  cohort_index_space_t space;
  cohort_field_space_t fields;
  cohort_field_t first;
  cohort_mapping_t mapping;
  cohort_view_t x;
  const int64_t lo = 0, hi = N - 1, counts = PIECES;
  const double zero = 0;
  TRY(cohort_init(NULL, &rt));
  TRY(cohort_root_context(rt, &ctx));
  TRY(cohort_index_space_create(rt, 1, &lo, &hi, &space));
  TRY(cohort_field_space_create(rt, &fields));
  TRY(cohort_fields_allocate(fields, 8, FIELDS, &first));
  TRY(cohort_region_create(rt, space, fields, &all));
  TRY(cohort_partition_blocks(all, &counts, &pieces));
  TRY(cohort_task_register(rt, "add", add_one, NULL, COHORT_TASK_LEAF, &add));
  TRY(cohort_task_register(rt, "outer", map_inside, NULL, 0, &outer));
  TRY(cohort_task_register(rt, "careless", leave_open, NULL, 0, &careless));
  TRY(cohort_task_register(rt, "failing", fail, NULL, COHORT_TASK_LEAF, &failing));

  take_turns(ctx);
  keep_out(rt, ctx);
  wrong_calls(ctx);

  TRY(cohort_fill(ctx, all, FIELDS, both, &zero, sizeof zero));
  const cohort_requirement_t of_piece = {.partition = pieces, .fields = both, .field_count = 1, .privilege = COHORT_READ_WRITE};
  cohort_launch_t launch = with(outer, &of_piece);
  TRY(cohort_index_launch(ctx, &launch, PIECES, 0, 0, NULL));
  TRY(cohort_wait_all(ctx));

  /* A task that ends with an open mapping fails; what it wrote is there. */
  const cohort_requirement_t writes = need(all, 1, both, COHORT_READ_WRITE);
  launch = with(careless, &writes);
  TRY(cohort_launch(ctx, &launch, NULL));
  EXPECT(cohort_wait_all(ctx), COHORT_ERROR_TASK_FAILED, "1 inline mapping(s) are open");
  EXPECT(cohort_inline_view(forgotten, X, COHORT_READ_ONLY, &x), COHORT_ERROR_INVALID_HANDLE, "has ended");
  EXPECT(cohort_inline_unmap(&forgotten), COHORT_ERROR_INVALID_HANDLE, "has ended");
  const cohort_requirement_t reads = need(all, 1, both, COHORT_READ_ONLY);
  TRY(cohort_inline_map(ctx, &reads, &mapping));
  TRY(cohort_inline_view(mapping, X, COHORT_READ_ONLY, &x));
  CHECK(*element(&x, 0) == -7 && *element(&x, 1) == 33);
  TRY(cohort_inline_unmap(&mapping));

  /* What it waits for fails. */
  launch = with(failing, &writes);
  TRY(cohort_launch(ctx, &launch, NULL));
  EXPECT(cohort_inline_map(ctx, &reads, &mapping), COHORT_ERROR_TASK_FAILED, "on purpose");
  (void)cohort_wait_all(ctx);

  TRY(cohort_inline_map(ctx, &writes, &mapping));
  EXPECT(cohort_finalize(&rt), COHORT_ERROR_WRONG_ORDER, "1 inline mapping(s) are open");
  CHECK(rt.id != 0);
  TRY(cohort_inline_unmap(&mapping));
  TRY(cohort_finalize(&rt));
  return puts("PASSED") < 0;
}
