/* Mappers choose memories of NUMA nodes: data that lies elsewhere is worked on in a copy there, data that nobody has written comes to lie
 * there, and what may not be copied stays. The machine has two nodes, really or by hwloc's description (HWLOC_SYNTHETIC): then all
 * data lies in the first and copies are made all the same. With one node nothing is ever copied. */
#define _GNU_SOURCE /* syscall */
#include "numa_pages.h"
#include "testing.h"
#include <stdatomic.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { NX = 64, NY = 96, TILES = 4, FIELDS = 2 };

static cohort_runtime_t rt;
static cohort_context_t ctx;
static cohort_field_t fields[FIELDS];
static cohort_layout_t c_order = COHORT_LAYOUT_INIT;
static cohort_task_t add, sum, outer, failing, untouched;
/* What the mapper says. */
static int32_t memory, choices;
static const cohort_layout_t *layout;
static int replay;
/* What holds: whether data that lies elsewhere can be seen to, and whether both nodes are there. */
static int moves, real;
/* What the tasks saw. */
static atomic_int copied, asked;
static char why[COHORT_COPIED_TEXT];

static int32_t options(const cohort_task_info_t *task, cohort_task_options_t *options, void *user)
{
  (void)task;
  (void)user;
  options->replay = replay;
  return 0;
}

static int32_t choose(const cohort_task_info_t *task, cohort_task_mapping_t *mapping, void *user)
{
  (void)user;
  asked++;
  for (uint32_t i = 0; i < mapping->requirement_count; i++) {
    mapping->requirements[i].memory = memory;
    if (task->requirements[i].layout_is_open)
      mapping->requirements[i].layout = layout;
  }
  return 0;
}

static int32_t choose_inline(const cohort_context_info_t *context, const cohort_requirement_info_t *need, cohort_requirement_mapping_t *mapping, void *user)
{
  (void)context;
  (void)need;
  (void)user;
  mapping->memory = memory;
  return 0;
}

/* Looks whether the task has a copy, and whether that lies where it should. */
static void look(cohort_context_t task, const void *data)
{
  cohort_copied_t one;
  TRY(cohort_task_copied(task, 0, &one));
  if (one.copies) {
    if (atomic_fetch_add(&copied, 1) == 0)
      memcpy(why, one.why, sizeof why);
    if (real)
      CHECK(node_of(data) == memory);
  }
}

static int32_t adds(cohort_context_t task, void *user)
{
  (void)user;
  for (int f = 0; f < FIELDS; f++) {
    cohort_view_t v;
    TRY(cohort_view(task, 0, fields[f], COHORT_READ_WRITE, &v));
    for (int64_t j = v.lo[1]; j <= v.hi[1]; j++)
      for (int64_t i = v.lo[0]; i <= v.hi[0]; i++)
        *(double *)((char *)v.base + (i - v.lo[0]) * v.stride[0] + (j - v.lo[1]) * v.stride[1]) += f + 1;
    if (f == 0)
      look(task, v.base);
  }
  return 0;
}

static int32_t sums(cohort_context_t task, void *user)
{
  cohort_view_t v;
  (void)user;
  TRY(cohort_view(task, 0, fields[0], COHORT_REDUCE, &v));
  for (int64_t j = v.lo[1]; j <= v.hi[1]; j++)
    for (int64_t i = v.lo[0]; i <= v.hi[0]; i++)
      *(double *)((char *)v.base + (i - v.lo[0]) * v.stride[0] + (j - v.lo[1]) * v.stride[1]) += 1;
  look(task, v.base);
  return 0;
}

static int32_t fails(cohort_context_t task, void *user)
{
  adds(task, user);
  return 1;
}

/* Launches "add" on its own region. */
static int32_t launches(cohort_context_t task, void *user)
{
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  cohort_requirement_t need = {.fields = fields, .field_count = FIELDS, .privilege = COHORT_READ_WRITE};
  cohort_copied_t one;
  (void)user;
  TRY(cohort_task_region(task, 0, &need.region));
  TRY(cohort_task_copied(task, 0, &one));
  CHECK(one.copies == 0);
  launch.task = add;
  launch.requirements = &need;
  launch.requirement_count = 1;
  TRY(cohort_launch(task, &launch, NULL));
  return 0;
}

/* Writes first what nobody has written: where the mapper says. */
static int32_t touches(cohort_context_t task, void *user)
{
  cohort_view_t v;
  cohort_copied_t one;
  (void)user;
  TRY(cohort_view(task, 0, fields[1], COHORT_WRITE_DISCARD, &v));
  TRY(cohort_task_copied(task, 0, &one));
  CHECK(one.copies == 0);
  char *last = (char *)v.base + (v.hi[0] - v.lo[0]) * v.stride[0] + (v.hi[1] - v.lo[1]) * v.stride[1];
  if (real)
    CHECK(node_of((char *)v.base + PAGE) == memory && node_of(last - PAGE) == memory);
  for (int64_t j = v.lo[1]; j <= v.hi[1]; j++)
    for (int64_t i = v.lo[0]; i <= v.hi[0]; i++)
      *(double *)((char *)v.base + (i - v.lo[0]) * v.stride[0] + (j - v.lo[1]) * v.stride[1]) = 7;
  return 0;
}

static cohort_region_t make_region(int64_t nx, int64_t ny, cohort_partition_t *tiles)
{
  const int64_t lo[2] = {1, 1}, hi[2] = {nx, ny}, counts[2] = {1, TILES};
  cohort_index_space_t space;
  cohort_field_space_t space_of_fields;
  cohort_region_t region;
  TRY(cohort_index_space_create(rt, 2, lo, hi, &space));
  TRY(cohort_field_space_create(rt, &space_of_fields));
  for (int f = 0; f < FIELDS; f++)
    TRY(cohort_field_allocate(space_of_fields, sizeof(double), "q", &fields[f]));
  TRY(cohort_region_create(rt, space, space_of_fields, &region));
  TRY(cohort_partition_blocks(region, counts, tiles));
  return region;
}

static void launch(cohort_task_t task, const cohort_requirement_t *need, int points)
{
  cohort_launch_t l = COHORT_LAUNCH_INIT;
  copied = 0;
  why[0] = 0;
  l.task = task;
  l.requirements = need;
  l.requirement_count = 1;
  if (points > 1)
    TRY(cohort_index_launch(ctx, &l, points, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
  else
    TRY(cohort_launch(ctx, &l, NULL));
}

/* All of both fields are these. */
static void check(cohort_region_t region, double first, double second)
{
  const cohort_requirement_t need = {.region = region, .fields = fields, .field_count = FIELDS, .privilege = COHORT_READ_ONLY};
  const double expected[FIELDS] = {first, second};
  cohort_mapping_t mapping;
  TRY(cohort_inline_map(ctx, &need, &mapping));
  for (int f = 0; f < FIELDS; f++) {
    cohort_view_t v;
    TRY(cohort_inline_view(mapping, fields[f], COHORT_READ_ONLY, &v));
    for (int64_t j = v.lo[1]; j <= v.hi[1]; j++)
      for (int64_t i = v.lo[0]; i <= v.hi[0]; i++)
        CHECK(*(double *)((char *)v.base + (i - v.lo[0]) * v.stride[0] + (j - v.lo[1]) * v.stride[1]) == expected[f]);
  }
  TRY(cohort_inline_unmap(&mapping));
}

/* Tasks add in each memory in turn; the data's own is not copied to. `array`: NULL, or the program's, points of both fields side by side. */
static void in_each_memory(double *array)
{
  cohort_partition_t tiles;
  cohort_region_t region = make_region(NX, NY, &tiles);
  const cohort_requirement_t need = {.partition = tiles, .fields = fields, .field_count = FIELDS, .privilege = COHORT_READ_WRITE};
  const double zero = 0;
  cohort_copied_t before, after;
  if (array) {
    const int64_t strides[2] = {16, 16 * NX};
    TRY(cohort_attach(ctx, region, FIELDS, fields, array, strides, 8));
  }
  memory = -1;
  TRY(cohort_fill(ctx, region, FIELDS, fields, &zero, sizeof zero));
  TRY(cohort_wait_all(ctx));
  TRY(cohort_task_copied_total(add, &before));
  int most = 0;
  for (int step = 1; step <= 6; step++) {
    memory = step % choices;
    launch(add, &need, TILES);
    TRY(cohort_wait_all(ctx));
    check(region, step, 2 * step);
    CHECK(copied == 0 || moves);
    if (!real && moves)
      CHECK(copied == (memory == 1 ? TILES : 0));
    if (copied)
      CHECK(strstr(why, memory == 1 ? "memory 1 (NUMA node 1) is asked for: the data lies in NUMA node 0" : "memory 0 (NUMA node 0) is asked for: the data lies in NUMA node 1"));
    most += copied;
  }
  /* The fill touched all of it first, on one node. */
  CHECK(most == (moves ? 3 * TILES : 0));
  TRY(cohort_task_copied_total(add, &after));
  CHECK(after.copies - before.copies == (uint64_t)most);
  CHECK(after.bytes_in - before.bytes_in == (uint64_t)most * NX * NY / TILES * FIELDS * sizeof(double));
  CHECK(after.bytes_out - before.bytes_out == after.bytes_in - before.bytes_in);
  if (array)
    TRY(cohort_detach(ctx, region, FIELDS, fields));
  TRY(cohort_region_destroy(&region));
}

/* Everything that is no plain task. */
static void other_uses(void)
{
  cohort_partition_t tiles;
  cohort_region_t region = make_region(NX, NY, &tiles);
  cohort_requirement_t need = {.partition = tiles, .fields = fields, .field_count = FIELDS, .privilege = COHORT_READ_WRITE};
  const double zero = 0;
  memory = -1;
  TRY(cohort_fill(ctx, region, FIELDS, fields, &zero, sizeof zero));
  TRY(cohort_wait_all(ctx));
  /* A layout and a memory. */
  int expected = 0;
  for (int32_t m = 0; m < 2; m++) {
    memory = m;
    layout = &c_order;
    launch(add, &need, TILES);
    TRY(cohort_wait_all(ctx));
    CHECK(copied == TILES && strstr(why, "SOA in C order is asked for: field"));
    expected += strstr(why, "; memory") != NULL;
    check(region, m + 1, 2 * (m + 1));
  }
  CHECK(expected == moves);
  layout = NULL;

  /* A task that launches others has its data where it lies; those may have copies. */
  memory = 1;
  need.partition.id = 0;
  need.region = region;
  launch(outer, &need, 1);
  TRY(cohort_wait_all(ctx));
  CHECK(!moves || real || copied == 1);
  check(region, 3, 6);

  /* Contributions. */
  cohort_requirement_t one = need;
  one.field_count = 1;
  one.privilege = COHORT_REDUCE;
  one.reduction = COHORT_SUM;
  one.reduction_type = COHORT_DOUBLE;
  for (int32_t m = 0; m < 2; m++) {
    memory = m;
    launch(sum, &one, 1);
    TRY(cohort_wait_all(ctx));
  }
  check(region, 5, 6);

  /* What others may use at the same time stays where it is. */
  need.coherence = COHORT_SIMULTANEOUS;
  for (int32_t m = 0; m < 2; m++) {
    memory = m;
    launch(add, &need, 1);
    TRY(cohort_wait_all(ctx));
    CHECK(copied == 0);
  }
  check(region, 7, 10);
  need.coherence = COHORT_EXCLUSIVE;

  /* A task that fails leaves the data of which it had a copy. */
  memory = -1;
  launch(add, &need, 1);
  TRY(cohort_wait_all(ctx));
  memory = 1;
  launch(failing, &need, 1);
  EXPECT(cohort_wait_all(ctx), COHORT_ERROR_TASK_FAILED, "failing");
  if (copied)
    check(region, 8, 12);
  TRY(cohort_region_destroy(&region));
}

/* Answers that are used again say memories, too. */
static void replayed(void)
{
  cohort_partition_t tiles;
  cohort_region_t region = make_region(NX, NY, &tiles);
  const cohort_requirement_t need = {.partition = tiles, .fields = fields, .field_count = FIELDS, .privilege = COHORT_READ_WRITE};
  const double zero = 0;
  int total = 0;
  TRY(cohort_fill(ctx, region, FIELDS, fields, &zero, sizeof zero));
  TRY(cohort_wait_all(ctx));
  replay = 1;
  memory = 1;
  asked = 0;
  for (int step = 0; step < 5; step++) {
    launch(add, &need, TILES);
    TRY(cohort_wait_all(ctx));
    total += copied;
  }
  CHECK(asked == TILES && total % (5 * TILES) == 0 && (real || total == 5 * TILES * moves));
  check(region, 5, 10);
  replay = 0;
  TRY(cohort_region_destroy(&region));
}

/* Tiles that nobody has written come to lie where they are first mapped to, and are not copied from then on. */
static void first_use(void)
{
  cohort_partition_t tiles;
  cohort_region_t region = make_region(512, 512, &tiles), tile;
  cohort_requirement_t need = {.fields = &fields[1], .field_count = 1, .privilege = COHORT_WRITE_DISCARD};
  for (int64_t t = 0; t < TILES; t++) {
    TRY(cohort_subregion(tiles, t, &tile));
    need.region = tile;
    memory = (int32_t)(t % 2);
    need.privilege = COHORT_WRITE_DISCARD;
    launch(untouched, &need, 1);
    TRY(cohort_wait_all(ctx));
    if (real) {
      /* Found there from now on. */
      cohort_requirement_t both = {.region = tile, .fields = &fields[1], .field_count = 1, .privilege = COHORT_READ_WRITE};
      launch(untouched, &both, 1);
      TRY(cohort_wait_all(ctx));
    }
  }
  need = (cohort_requirement_t){.region = region, .fields = fields, .field_count = 1, .privilege = COHORT_READ_WRITE};
  memory = 1;
  cohort_mapping_t mapping;
  cohort_view_t v;
  TRY(cohort_inline_map(ctx, &need, &mapping));
  TRY(cohort_inline_view(mapping, fields[0], COHORT_READ_WRITE, &v));
  if (real)
    CHECK(node_of((char *)v.base + 5 * PAGE) == memory);
  TRY(cohort_inline_unmap(&mapping));
  TRY(cohort_region_destroy(&region));
}

static void nonsense(cohort_mapper_handle_t mapper, uint32_t memories)
{
  cohort_partition_t tiles;
  cohort_region_t region = make_region(NX, NY, &tiles);
  const cohort_requirement_t need = {.region = region, .fields = fields, .field_count = FIELDS, .privilege = COHORT_READ_WRITE};
  char text[512];
  uint64_t refused;
  TRY(cohort_mapper_refusals(mapper, &refused, text, sizeof text));
  CHECK(refused == 0);
  memory = (int32_t)memories;
  launch(add, &need, 1);
  TRY(cohort_wait_all(ctx));
  TRY(cohort_mapper_refusals(mapper, &refused, text, sizeof text));
  CHECK(refused == 1 && strstr(text, "what ranks share holds ghost regions alone"));
  TRY(cohort_region_destroy(&region));
}

int main(void)
{
  static double array[FIELDS * NX * NY];
  cohort_mapper_t table = COHORT_MAPPER_INIT;
  cohort_mapper_handle_t mapper;
  uint32_t memories;
  /* Tiles in one huge page would all lie where the first of them does. */
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  TRY(cohort_init(NULL, &rt));
  TRY(cohort_root_context(rt, &ctx));
  TRY(cohort_machine_memories(rt, COHORT_MEMORY_SYSTEM, 0, NULL, &memories));
  choices = memories > 1 ? 2 : 1;
  array[0] = 1;
  moves = memories > 1 && node_of(array) >= 0;
  real = moves && access("/sys/devices/system/node/node1", F_OK) == 0;
  c_order.order = COHORT_ORDER_C;
  TRY(cohort_task_register(rt, "add", adds, NULL, COHORT_TASK_LEAF, &add));
  TRY(cohort_task_register(rt, "sum", sums, NULL, COHORT_TASK_LEAF, &sum));
  TRY(cohort_task_register(rt, "outer", launches, NULL, 0, &outer));
  TRY(cohort_task_register(rt, "failing", fails, NULL, COHORT_TASK_LEAF, &failing));
  TRY(cohort_task_register(rt, "untouched", touches, NULL, COHORT_TASK_LEAF, &untouched));
  table.select_task_options = options;
  table.map_task = choose;
  table.map_inline = choose_inline;
  TRY(cohort_mapper_register(rt, &table, "memories", &mapper));
  TRY(cohort_mapper_use(mapper, NULL, 0));
  in_each_memory(NULL);
  in_each_memory(array);
  if (memories > 1) {
    other_uses();
    replayed();
    first_use();
  }
  nonsense(mapper, memories);
  TRY(cohort_finalize(&rt));
  printf("PASSED, %s\n", real ? "two nodes" : moves ? "two nodes described" : "nothing to move");
  return 0;
}
