/* Layouts: storage of regions in every layout, tasks that ask for one and work on copies where the data lies otherwise, what is copied
 * and what is said about it, restricted data, and wrong calls. */
#include "testing.h"

enum { NX = 19, NY = 7, NZ = 5, TILES = 4, FIELDS = 3, LAYOUTS = 9, STEPS = 3 };

static cohort_field_t all_fields[FIELDS] = {0, 1, 2};
static const size_t sizes[FIELDS] = {8, 4, 8};
static cohort_layout_t layouts[LAYOUTS];

static void make_layouts(void)
{
  for (int i = 0; i < LAYOUTS; i++)
    layouts[i] = (cohort_layout_t)COHORT_LAYOUT_INIT;
  layouts[1].order = COHORT_ORDER_C;
  layouts[2].grouping = COHORT_AOS;
  layouts[3].grouping = COHORT_AOS;
  layouts[3].order = COHORT_ORDER_C;
  layouts[4].grouping = COHORT_BLOCKED;
  layouts[4].block = 4;
  layouts[5].grouping = COHORT_BLOCKED;
  layouts[5].block = 3;
  layouts[5].order = COHORT_ORDER_C;
  layouts[5].alignment = 64;
  layouts[6].padding[0] = 5;
  layouts[6].padding[1] = 1;
  layouts[6].flags = COHORT_LAYOUT_EXACT;
  layouts[7].alignment = 4096;
  layouts[8].grouping = COHORT_BLOCKED;
  layouts[8].block = 8;
  layouts[8].padding[2] = 2;
}

/* The address of a point by what the header says of views. */
static char *address(const cohort_view_t *v, const int64_t p[3])
{
  int64_t offset = 0;
  for (int d = 0; d < v->dim; d++) {
    const int64_t i = p[d] - v->lo[d];
    if (v->block && v->block_dim == d) {
      const int64_t k = i + v->block_offset;
      offset += k / v->block * v->block_stride + (k % v->block - v->block_offset) * v->stride[d];
    } else {
      offset += i * v->stride[d];
    }
  }
  return (char *)v->base + offset;
}

static double value(const int64_t p[3], int field, int step)
{
  return 1000 * field + 100 * step + p[0] + 20 * p[1] + 150 * p[2];
}

static double load(const cohort_view_t *v, const int64_t p[3], int field)
{
  if (sizes[field] == 4)
    return *(float *)address(v, p);
  return *(double *)address(v, p);
}

static void store(const cohort_view_t *v, const int64_t p[3], int field, double x)
{
  if (sizes[field] == 4)
    *(float *)address(v, p) = (float)x;
  else
    *(double *)address(v, p) = x;
}

#define EACH_POINT(p, v) \
  for (p[2] = (v).lo[2]; p[2] <= (v).hi[2]; p[2]++) \
    for (p[1] = (v).lo[1]; p[1] <= (v).hi[1]; p[1]++) \
      for (p[0] = (v).lo[0]; p[0] <= (v).hi[0]; p[0]++)

typedef struct {
  int step;
  int right;
} step_args;

/* Reads what the step before wrote and writes its own, through views of whatever layout. */
static int32_t advance(cohort_context_t task, void *user)
{
  step_args a;
  (void)user;
  TRY(cohort_task_args_get(task, &a, sizeof a));
  for (int f = 0; f < FIELDS; f++) {
    cohort_view_t v;
    int64_t p[3];
    TRY(cohort_view(task, 0, all_fields[f], a.right, &v));
    EACH_POINT(p, v) {
      if (a.right != COHORT_WRITE_DISCARD)
        CHECK(load(&v, p, f) == value(p, f, a.step - 1));
      if (a.right != COHORT_READ_ONLY)
        store(&v, p, f, value(p, f, a.step));
    }
  }
  return 0;
}

static int32_t sum_up(cohort_context_t task, void *user)
{
  cohort_view_t v;
  int64_t p[3];
  (void)user;
  TRY(cohort_view(task, 0, 2, COHORT_REDUCE, &v));
  EACH_POINT(p, v)
    store(&v, p, 2, load(&v, p, 2) + 1);
  return 0;
}

static cohort_runtime_t rt;
static cohort_context_t ctx;

static cohort_region_t make_region(cohort_partition_t *tiles)
{
  const int64_t lo[3] = {-2, 1, 0}, hi[3] = {NX - 3, NY, NZ - 1}, counts[3] = {2, 2, 1};
  cohort_index_space_t space;
  cohort_field_space_t fields;
  cohort_region_t region;
  TRY(cohort_index_space_create(rt, 3, lo, hi, &space));
  TRY(cohort_field_space_create(rt, &fields));
  for (int f = 0; f < FIELDS; f++)
    TRY(cohort_field_allocate(fields, sizes[f], "q", &all_fields[f]));
  TRY(cohort_region_create(rt, space, fields, &region));
  TRY(cohort_partition_blocks(region, counts, tiles));
  return region;
}

static void launch(cohort_task_t task, cohort_partition_t tiles, int step, int right)
{
  cohort_launch_t l = COHORT_LAUNCH_INIT;
  const step_args a = {step, right};
  const cohort_requirement_t r = {.partition = tiles, .fields = all_fields, .field_count = FIELDS, .privilege = right};
  l.task = task;
  l.args = &a;
  l.args_size = sizeof a;
  l.requirements = &r;
  l.requirement_count = 1;
  TRY(cohort_index_launch(ctx, &l, TILES, 0, 0, NULL));
}

/* Every layout of a region with every layout that a task asks for. */
static void every_pair(void)
{
  for (int of_region = 0; of_region < LAYOUTS; of_region++) {
    for (int of_task = 0; of_task < LAYOUTS; of_task++) {
      cohort_partition_t tiles;
      cohort_region_t region = make_region(&tiles);
      cohort_task_t plain, asking;
      cohort_copied_t copied;
      TRY(cohort_region_layout(region, FIELDS, all_fields, &layouts[of_region]));
      TRY(cohort_task_register(rt, "plain", advance, NULL, COHORT_TASK_LEAF, &plain));
      TRY(cohort_task_register(rt, "asking", advance, NULL, COHORT_TASK_LEAF, &asking));
      TRY(cohort_task_layout(asking, COHORT_PROC_ANY, 0, &layouts[of_task]));
      launch(plain, tiles, 0, COHORT_WRITE_DISCARD);
      for (int step = 1; step <= STEPS; step++) {
        launch(asking, tiles, 3 * step - 2, COHORT_READ_WRITE);
        launch(plain, tiles, 3 * step - 1, COHORT_READ_WRITE);
        launch(asking, tiles, 3 * step, COHORT_WRITE_DISCARD);
        launch(plain, tiles, 3 * step + 1, COHORT_READ_ONLY);
        launch(asking, tiles, 3 * step + 1, COHORT_READ_ONLY);
      }
      TRY(cohort_wait_all(ctx));
      TRY(cohort_task_copied_total(plain, &copied));
      CHECK(copied.copies == 0 && copied.bytes_in == 0 && copied.bytes_out == 0 && copied.why[0] == 0);
      TRY(cohort_task_copied_total(asking, &copied));
      const uint64_t bytes = STEPS * (uint64_t)(NX * NY * NZ * 20);
      if (copied.copies == 3 * STEPS * TILES)
        CHECK(copied.bytes_in == 2 * bytes && copied.bytes_out == 2 * bytes && strstr(copied.why, "is asked for: field"));
      /* Tiles at the region's edge may lie as asked where others do not. */
      CHECK(copied.copies % (3 * STEPS) == 0 && (copied.copies > 0) == (copied.why[0] != 0));
      if (of_region == of_task && of_region < 4)
        CHECK(copied.copies == 0);
      if (of_region % 2 != of_task % 2 && of_region < 4 && of_task < 4)
        CHECK(copied.copies == 3 * STEPS * TILES);
      TRY(cohort_region_destroy(&region));
    }
  }
}

static cohort_task_t child;
static int32_t inner_status;

static int32_t reports(cohort_context_t task, void *user)
{
  cohort_copied_t copied;
  (void)user;
  TRY(cohort_task_copied(task, 0, &copied));
  CHECK(copied.copies == 1 && copied.bytes_in == 2 * 8 * NX * NY * NZ && copied.bytes_out == 0);
  CHECK(strstr(copied.why, "AOS in Fortran order is asked for: field \"q\" (0) has neighbours 8 bytes apart in dimension 0, and 16"));
  TRY(cohort_task_copied(task, 1, &copied));
  CHECK(copied.copies == 0 && copied.why[0] == 0);
  EXPECT(cohort_task_copied(task, 2, &copied), COHORT_ERROR_INVALID_ARGUMENT, "requirement 2");
  return 0;
}

/* Launches on what it has a copy of. */
static int32_t launches(cohort_context_t task, void *user)
{
  cohort_launch_t l = COHORT_LAUNCH_INIT;
  cohort_mapping_t mapping;
  const step_args a = {0, COHORT_WRITE_DISCARD};
  cohort_requirement_t r = {.fields = all_fields, .field_count = FIELDS, .privilege = COHORT_READ_WRITE};
  (void)user;
  TRY(cohort_task_region(task, 0, &r.region));
  l.task = child;
  l.args = &a;
  l.args_size = sizeof a;
  l.requirements = &r;
  l.requirement_count = 1;
  EXPECT(cohort_launch(task, &l, NULL), COHORT_ERROR_INTERFERENCE, "works on a copy of it, which requirement 0 asked for");
  EXPECT(cohort_index_launch(task, &l, 1, 0, 0, NULL), COHORT_ERROR_INTERFERENCE, "works on a copy of it");
  inner_status = cohort_inline_map(task, &r, &mapping);
  return 0;
}

static int32_t writes_and_fails(cohort_context_t task, void *user)
{
  cohort_view_t v;
  (void)user;
  TRY(cohort_view(task, 0, 0, COHORT_READ_WRITE, &v));
  *(double *)v.base = -1;
  return 1;
}

static void what_is_said(void)
{
  cohort_partition_t tiles;
  cohort_region_t region = make_region(&tiles);
  cohort_task_t report, outer, failing;
  cohort_launch_t l = COHORT_LAUNCH_INIT;
  const cohort_field_t two[2] = {0, 2};
  cohort_requirement_t r[2] = {{.region = region, .fields = two, .field_count = 2, .privilege = COHORT_READ_ONLY},
                               {.region = region, .fields = &all_fields[1], .field_count = 1, .privilege = COHORT_READ_WRITE}};
  TRY(cohort_task_register(rt, "child", advance, NULL, COHORT_TASK_LEAF, &child));
  TRY(cohort_task_register(rt, "report", reports, NULL, COHORT_TASK_LEAF, &report));
  TRY(cohort_task_register(rt, "outer", launches, NULL, 0, &outer));
  TRY(cohort_task_register(rt, "failing", writes_and_fails, NULL, COHORT_TASK_LEAF, &failing));
  TRY(cohort_task_layout(report, COHORT_PROC_ANY, 0, &layouts[2]));
  TRY(cohort_task_layout(report, COHORT_PROC_ANY, 1, &layouts[2]));
  launch(child, tiles, 0, COHORT_WRITE_DISCARD);
  l.task = report;
  l.requirements = r;
  l.requirement_count = 2;
  TRY(cohort_launch(ctx, &l, NULL));
  TRY(cohort_wait_all(ctx));

  TRY(cohort_task_layout(outer, COHORT_PROC_CPU, 0, &layouts[2]));
  r[0] = (cohort_requirement_t){.region = region, .fields = all_fields, .field_count = FIELDS, .privilege = COHORT_READ_WRITE};
  l.task = outer;
  l.requirement_count = 1;
  TRY(cohort_launch(ctx, &l, NULL));
  TRY(cohort_wait_all(ctx));
  CHECK(inner_status == COHORT_ERROR_INTERFERENCE);

  /* A task that fails leaves the data as it was. */
  TRY(cohort_task_layout(failing, COHORT_PROC_CPU, 0, &layouts[4]));
  l.task = failing;
  TRY(cohort_launch(ctx, &l, NULL));
  EXPECT(cohort_wait_all(ctx), COHORT_ERROR_TASK_FAILED, "\"failing\"");
  launch(child, tiles, 1, COHORT_READ_ONLY);
  TRY(cohort_wait_all(ctx));

  /* Nor may it have a copy of what others write at the same time, nor may the points of an index launch. */
  r[0].coherence = COHORT_SIMULTANEOUS;
  r[0].privilege = COHORT_READ_WRITE;
  TRY(cohort_launch(ctx, &l, NULL));
  EXPECT(cohort_wait_all(ctx), COHORT_ERROR_TASK_FAILED, "acquire the region before (cohort_acquire)");
  TRY(cohort_index_launch(ctx, &l, 2, 0, 0, NULL));
  EXPECT(cohort_wait_all(ctx), COHORT_ERROR_TASK_FAILED, "acquire the region before (cohort_acquire)");
  /* Unless it is this context's own for a while. */
  cohort_sync_t sync = COHORT_SYNC_INIT;
  cohort_copied_t copied;
  sync.region = region;
  sync.fields = all_fields;
  sync.field_count = FIELDS;
  TRY(cohort_acquire(ctx, &sync));
  l.task = report;
  r[0] = (cohort_requirement_t){.region = region, .fields = two, .field_count = 2, .privilege = COHORT_READ_ONLY,
                                .coherence = COHORT_SIMULTANEOUS};
  l.requirement_count = 2;
  TRY(cohort_launch(ctx, &l, NULL));
  TRY(cohort_index_launch(ctx, &l, 1, 0, 0, NULL));
  TRY(cohort_release(ctx, &sync));
  TRY(cohort_wait_all(ctx));
  TRY(cohort_task_copied_total(report, &copied));
  CHECK(copied.copies == 3);
  TRY(cohort_region_destroy(&region));
}

/* Contributions in another layout than the data. */
static void reductions(void)
{
  for (int i = 0; i < LAYOUTS; i++) {
    cohort_partition_t tiles;
    cohort_region_t region = make_region(&tiles);
    cohort_launch_t l = COHORT_LAUNCH_INIT;
    const double three = 3;
    const cohort_field_t sum = 2;
    cohort_mapping_t mapping;
    cohort_view_t v;
    int64_t p[3];
    const cohort_requirement_t r = {.region = region, .fields = &sum, .field_count = 1, .privilege = COHORT_REDUCE,
                                    .reduction = COHORT_SUM, .reduction_type = COHORT_DOUBLE};
    const cohort_requirement_t look = {.region = region, .fields = &sum, .field_count = 1, .privilege = COHORT_READ_ONLY};
    TRY(cohort_region_layout(region, FIELDS, all_fields, &layouts[LAYOUTS - 1 - i]));
    TRY(cohort_fill(ctx, region, 1, &sum, &three, sizeof three));
    TRY(cohort_task_register(rt, "sum", sum_up, NULL, COHORT_TASK_LEAF, &l.task));
    TRY(cohort_task_layout(l.task, COHORT_PROC_ANY, 0, &layouts[i]));
    l.requirements = &r;
    l.requirement_count = 1;
    TRY(cohort_index_launch(ctx, &l, 5, 0, 0, NULL));
    TRY(cohort_inline_map(ctx, &look, &mapping));
    TRY(cohort_inline_view(mapping, sum, COHORT_READ_ONLY, &v));
    EACH_POINT(p, v)
      CHECK(load(&v, p, 2) == 8);
    TRY(cohort_inline_unmap(&mapping));
    TRY(cohort_region_destroy(&region));
  }
}

static void wrong_calls(void)
{
  cohort_partition_t tiles;
  cohort_region_t region = make_region(&tiles), tile;
  cohort_layout_t wrong = COHORT_LAYOUT_INIT;
  cohort_task_t task;
  const cohort_field_t unknown = 17, twice[2] = {1, 1};
  const double zero = 0;
  TRY(cohort_task_register(rt, "task", advance, NULL, COHORT_TASK_LEAF, &task));
  TRY(cohort_subregion(tiles, 0, &tile));
  EXPECT(cohort_region_layout(tile, 1, all_fields, &wrong), COHORT_ERROR_INVALID_ARGUMENT, "sub-region");
  EXPECT(cohort_region_layout(region, 0, all_fields, &wrong), COHORT_ERROR_INVALID_ARGUMENT, "0 fields");
  EXPECT(cohort_region_layout(region, 1, &unknown, &wrong), COHORT_ERROR_INVALID_ARGUMENT, "field 17");
  EXPECT(cohort_region_layout(region, 2, twice, &wrong), COHORT_ERROR_INVALID_ARGUMENT, "twice");
  EXPECT(cohort_region_layout(region, 1, all_fields, NULL), COHORT_ERROR_INVALID_ARGUMENT, "layout is null");
  wrong.order = 5;
  EXPECT(cohort_region_layout(region, 1, all_fields, &wrong), COHORT_ERROR_INVALID_ARGUMENT, "order is 5");
  wrong = (cohort_layout_t)COHORT_LAYOUT_INIT;
  wrong.grouping = 7;
  EXPECT(cohort_task_layout(task, COHORT_PROC_ANY, 0, &wrong), COHORT_ERROR_INVALID_ARGUMENT, "grouping is 7");
  wrong.grouping = COHORT_BLOCKED;
  EXPECT(cohort_task_layout(task, COHORT_PROC_ANY, 0, &wrong), COHORT_ERROR_INVALID_ARGUMENT, "blocks of 0 points");
  wrong.grouping = COHORT_SOA;
  wrong.block = 8;
  EXPECT(cohort_task_layout(task, COHORT_PROC_ANY, 0, &wrong), COHORT_ERROR_INVALID_ARGUMENT, "block is 8");
  wrong = (cohort_layout_t)COHORT_LAYOUT_INIT;
  wrong.alignment = 48;
  EXPECT(cohort_task_layout(task, COHORT_PROC_ANY, 0, &wrong), COHORT_ERROR_INVALID_ARGUMENT, "alignment is 48");
  wrong.alignment = 0;
  wrong.flags = 2;
  EXPECT(cohort_task_layout(task, COHORT_PROC_ANY, 0, &wrong), COHORT_ERROR_INVALID_ARGUMENT, "flags is 0x2");
  wrong.flags = 0;
  wrong.size = 3;
  EXPECT(cohort_task_layout(task, COHORT_PROC_ANY, 0, &wrong), COHORT_ERROR_VERSION, "COHORT_LAYOUT_INIT");
  wrong.size = sizeof wrong;
  EXPECT(cohort_task_layout(task, 9, 0, &wrong), COHORT_ERROR_INVALID_ARGUMENT, "processor is 9");
  TRY(cohort_task_layout(task, COHORT_PROC_CPU, 0, &wrong));
  EXPECT(cohort_task_layout(task, COHORT_PROC_ANY, 0, &wrong), COHORT_ERROR_WRONG_ORDER, "has a layout for this kind of processor already");
  TRY(cohort_task_layout(task, COHORT_PROC_MPI, 0, &wrong));
  TRY(cohort_region_layout(region, 2, all_fields, &wrong));
  EXPECT(cohort_region_layout(region, 1, all_fields, &wrong), COHORT_ERROR_WRONG_ORDER, "given a layout before");
  TRY(cohort_fill(ctx, region, 1, &all_fields[2], &zero, sizeof zero));
  TRY(cohort_wait_all(ctx));
  EXPECT(cohort_region_layout(region, 1, &all_fields[2], &wrong), COHORT_ERROR_WRONG_ORDER, "before the field is first used");
}

int main(void)
{
  TRY(cohort_init(NULL, &rt));
  TRY(cohort_root_context(rt, &ctx));
  make_layouts();
  every_pair();
  what_is_said();
  reductions();
  wrong_calls();
  TRY(cohort_finalize(&rt));
  return puts("PASSED") < 0;
}
