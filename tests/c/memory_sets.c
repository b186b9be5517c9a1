/* Sets of points for which the system has no memory: what makes or compares them is refused with a text that says so, launches among it, and the
 * program goes on. With memory all of it works, and tasks come after those that they depend on. */
#include "limited_memory.h"

/* Of RUNS points that do not touch even a list of runs takes more than the library keeps aside for when the system has no more. */
enum { RUNS = 540000, APART = 450, SIDE = 500, PIECES = 24 };
static const size_t ROOM = (size_t)8 << 20, BLOCK = (size_t)64 << 10;
static int32_t parity[2 * RUNS], named[RUNS], across[4 * SIDE * SIDE], down[4 * SIDE * SIDE];

static cohort_runtime_t rt;
static cohort_context_t ctx;
static cohort_task_t nothing, failing;
static cohort_field_t fields[7];
/* Every second point of a line, and the others; the first in pieces. */
static cohort_partition_t by_parity, pieces;
/* Both kinds of points, in pieces of the whole line. */
static cohort_partition_t even_pieces, odd_pieces;
static cohort_region_t line, even, odd;
/* The points 0 and 1. */
static cohort_region_t pair;
/* Points far apart, some in one part and some in the other. */
static cohort_partition_t apart;
/* Every second column of a square, and every second row. */
static cohort_region_t square;
static cohort_partition_t columns, rows;

static int32_t do_nothing(cohort_context_t task, void *user)
{
  (void)task;
  (void)user;
  return 0;
}

static int32_t fail(cohort_context_t task, void *user)
{
  (void)user;
  return cohort_task_fail(task, "on purpose");
}

/* A task, or one for each of so many points, with one requirement or two. */
static int launch_with_both(cohort_requirement_t *needs, uint32_t count, uint32_t points)
{
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  int launched;
  for (uint32_t i = 0; i < count; i++) {
    if (!needs[i].fields)
      needs[i].fields = &fields[3];
    needs[i].field_count = 1;
    needs[i].privilege = COHORT_READ_WRITE;
  }
  launch.task = nothing;
  launch.requirements = needs;
  launch.requirement_count = count;
  if (points > 0)
    launched = works(cohort_index_launch(ctx, &launch, points, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL), "cohort_index_launch: ");
  else
    launched = works(cohort_launch(ctx, &launch, NULL), "cohort_launch: ");
  TRY(cohort_wait_all(ctx));
  return launched;
}

static int launch_with(cohort_requirement_t need, uint32_t points)
{
  return launch_with_both(&need, 1, points);
}

static int launch_on(cohort_region_t region)
{
  return launch_with((cohort_requirement_t){.region = region}, 0);
}

static int launch_on_part(void)
{
  return launch_on(even);
}

static int launch_on_piece(void)
{
  cohort_region_t piece;
  TRY(cohort_subregion(pieces, 3, &piece));
  return launch_on(piece);
}

static int launch_on_all(void)
{
  return launch_with((cohort_requirement_t){.partition = apart}, 2);
}

/* No point uses what another one does: to know that, the pieces of the two partitions are compared. */
static int launch_on_pieces(void)
{
  cohort_requirement_t needs[] = {{.partition = even_pieces}, {.partition = odd_pieces}};
  return launch_with_both(needs, 2, PIECES);
}

static int tell_kind(void)
{
  bool disjoint = false, complete = false;
  if (!works(cohort_partition_kind(apart, &disjoint, &complete), "cohort_partition_kind: "))
    return 0;
  CHECK(disjoint && !complete);
  return 1;
}

static int copy(cohort_region_t from, cohort_region_t to, int64_t shift)
{
  cohort_copy_t what = COHORT_COPY_INIT;
  int copied;
  what.source = from;
  what.destination = to;
  what.source_fields = &fields[2];
  what.destination_fields = &fields[3];
  what.field_count = 1;
  what.shift[0] = shift;
  copied = works(cohort_copy(ctx, &what), "cohort_copy: ");
  TRY(cohort_wait_all(ctx));
  return copied;
}

static int copy_to_next(void)
{
  return copy(even, odd, 1);
}

/* What columns and rows have in common are many points, each by itself. */
static int copy_crossings(void)
{
  cohort_region_t from, to;
  TRY(cohort_subregion(columns, 0, &from));
  TRY(cohort_subregion(rows, 0, &to));
  return copy(from, to, 0);
}

static int acquire(cohort_region_t region, int field)
{
  cohort_sync_t sync = COHORT_SYNC_INIT;
  sync.region = region;
  sync.fields = &fields[field];
  sync.field_count = 1;
  return works(cohort_acquire(ctx, &sync), "cohort_acquire: ");
}

static int release(cohort_region_t region, int field)
{
  cohort_sync_t sync = COHORT_SYNC_INIT;
  int released;
  sync.region = region;
  sync.fields = &fields[field];
  sync.field_count = 1;
  released = works(cohort_release(ctx, &sync), "cohort_release: ");
  TRY(cohort_wait_all(ctx));
  return released;
}

/* All of the line is acquired: the odd points stay so. */
static int release_half(void)
{
  return release(even, 4);
}

/* Each piece was acquired by itself. */
static int launch_on_acquired(void)
{
  return launch_with((cohort_requirement_t){
    .region = even, .fields = &fields[5], .field_count = 1, .privilege = COHORT_READ_WRITE, .coherence = COHORT_SIMULTANEOUS}, 0);
}

static int release_pieces(void)
{
  return release(even, 5);
}

/* With operations on these points before them, so that nothing but what is acquired takes memory. */
static void acquire_parts(void)
{
  CHECK(launch_with((cohort_requirement_t){.region = even, .fields = &fields[4]}, 0));
  CHECK(acquire(line, 4));
  for (uint32_t i = 0; i < PIECES; i++) {
    cohort_region_t piece;
    TRY(cohort_subregion(pieces, i, &piece));
    CHECK(acquire(piece, 5));
  }
  CHECK(launch_with((cohort_requirement_t){.region = even, .fields = &fields[5]}, 0));
}

static void check_crossings(cohort_partition_t crossings)
{
  cohort_region_t part;
  int64_t points;
  uint32_t rects;
  TRY(cohort_subregion(crossings, 1, &part));
  TRY(cohort_region_points(part, &points, &rects));
  CHECK(points == SIDE * SIDE && rects == SIDE * SIDE);
}

static int intersect(void)
{
  cohort_partition_t crossings;
  if (!works(cohort_partition_intersection(square, columns, rows, &crossings), "cohort_partition_intersection: "))
    return 0;
  check_crossings(crossings);
  TRY(cohort_partition_destroy(&crossings));
  return 1;
}

static int cross(void)
{
  cohort_partition_t crossings[2];
  if (!works(cohort_partition_cross_product(columns, rows, crossings), "cohort_partition_cross_product: "))
    return 0;
  for (int i = 0; i < 2; i++) {
    check_crossings(crossings[i]);
    TRY(cohort_partition_destroy(&crossings[i]));
  }
  return 1;
}

static void make_objects(void)
{
  const int64_t zero[2] = {0}, end = 2 * RUNS - 1, last[2] = {2 * SIDE - 1, 2 * SIDE - 1};
  const int64_t strides[2] = {sizeof *across, 2 * SIDE * sizeof *across};
  const int64_t one = 1, two = 2, in_pieces = PIECES, last_name = RUNS - 1, last_named = (int64_t)(RUNS - 1) * APART;
  int64_t begins[PIECES], ends[PIECES];
  cohort_field_space_t space;
  cohort_index_space_t points;
  cohort_region_t names, target;
  cohort_partition_t halves, blocks;
  TRY(cohort_field_space_create(rt, &space));
  TRY(cohort_fields_allocate(space, sizeof *parity, 7, &fields[0]));
  for (int i = 1; i < 7; i++)
    fields[i] = fields[0] + i;

  for (int i = 0; i < 2 * RUNS; i++)
    parity[i] = i % 2;
  TRY(cohort_index_space_create(rt, 1, zero, &end, &points));
  TRY(cohort_region_create(rt, points, space, &line));
  TRY(cohort_attach(ctx, line, 1, &fields[0], parity, strides, 0));
  TRY(cohort_partition_by_field(ctx, line, fields[0], 2, &by_parity));
  TRY(cohort_subregion(by_parity, 0, &even));
  TRY(cohort_subregion(by_parity, 1, &odd));
  for (int64_t i = 0; i < PIECES; i++) {
    begins[i] = 2 * RUNS / PIECES * i;
    ends[i] = begins[i] + 2 * RUNS / PIECES - 2;
  }
  TRY(cohort_partition_rects(even, PIECES, begins, ends, &pieces));
  TRY(cohort_partition_blocks(line, &in_pieces, &blocks));
  TRY(cohort_partition_intersection(line, blocks, pieces, &even_pieces));
  TRY(cohort_partition_difference(line, blocks, pieces, &odd_pieces));

  TRY(cohort_index_space_create(rt, 1, zero, &one, &points));
  TRY(cohort_region_create(rt, points, space, &pair));

  for (int i = 0; i < RUNS; i++)
    named[i] = APART * i;
  TRY(cohort_index_space_create(rt, 1, zero, &last_name, &points));
  TRY(cohort_region_create(rt, points, space, &names));
  TRY(cohort_attach(ctx, names, 1, &fields[0], named, strides, 0));
  TRY(cohort_partition_blocks(names, &two, &halves));
  TRY(cohort_index_space_create(rt, 1, zero, &last_named, &points));
  TRY(cohort_region_create(rt, points, space, &target));
  TRY(cohort_partition_image(ctx, target, halves, fields[0], &apart));

  for (int i = 0; i < 4 * SIDE * SIDE; i++) {
    across[i] = i % 2;
    down[i] = i / (2 * SIDE) % 2;
  }
  TRY(cohort_index_space_create(rt, 2, zero, last, &points));
  TRY(cohort_region_create(rt, points, space, &square));
  TRY(cohort_attach(ctx, square, 1, &fields[0], across, strides, 0));
  TRY(cohort_attach(ctx, square, 1, &fields[1], down, strides, 0));
  TRY(cohort_partition_by_field(ctx, square, fields[0], 2, &columns));
  TRY(cohort_partition_by_field(ctx, square, fields[1], 2, &rows));
}

/* Takes all that there is, so that what malloc kept from before does not count; the first of a chain of blocks. */
static void **take_all(void)
{
  void **first = NULL, **block;
  while ((block = malloc(BLOCK))) {
    *block = first;
    first = block;
  }
  return first;
}

static void give_back(void **first)
{
  while (first) {
    void **next = *first;
    free(first);
    first = next;
  }
}

/* The parts of a partition have many points; those that they name are few. */
static void name_few(void)
{
  cohort_partition_t named;
  cohort_region_t one;
  int64_t points;
  uint32_t rects;
  TRY(cohort_partition_image(ctx, pair, by_parity, fields[0], &named));
  for (uint32_t i = 0; i < 2; i++) {
    TRY(cohort_subregion(named, i, &one));
    TRY(cohort_region_points(one, &points, &rects));
    CHECK(points == 1);
  }
  TRY(cohort_partition_destroy(&named));
}

/* What needs no set goes on. */
static void use_what_is_there(void)
{
  bool disjoint, complete;
  const int64_t stride = sizeof *parity;
  name_few();
  CHECK(launch_on(line));
  TRY(cohort_partition_kind(by_parity, &disjoint, &complete));
  CHECK(disjoint && complete);
  TRY(cohort_attach(ctx, even, 1, &fields[1], parity, &stride, 0));
  TRY(cohort_detach(ctx, even, 1, &fields[1]));
}

/* What was refused has left nothing behind that is wrong: a task on all points comes after one on some, and fails with it. */
static void see_dependence(cohort_region_t region)
{
  cohort_requirement_t part = {.region = region, .fields = &fields[6], .field_count = 1, .privilege = COHORT_READ_WRITE}, all = part;
  cohort_launch_t first = COHORT_LAUNCH_INIT, second = COHORT_LAUNCH_INIT;
  cohort_future_t result;
  all.region = line;
  first.task = failing;
  first.requirements = &part;
  second.task = nothing;
  second.requirements = &all;
  first.requirement_count = second.requirement_count = 1;
  TRY(cohort_launch(ctx, &first, NULL));
  TRY(cohort_launch(ctx, &second, &result));
  EXPECT(cohort_wait_all(ctx), COHORT_ERROR_TASK_FAILED, "on purpose");
  EXPECT(cohort_future_get(result, NULL, 0), COHORT_ERROR_TASK_FAILED, "on purpose");
  TRY(cohort_future_destroy(&result));
}

/* Without memory, then with it. */
static void see(int (*const cases[])(void), int count)
{
  void **taken;
  limit_memory(ROOM);
  taken = take_all();
  for (int limited = 1; limited >= 0; limited--) {
    limit_memory(limited ? ROOM : 0);
    for (int i = 0; i < count; i++)
      CHECK(cases[i]() == !limited);
    use_what_is_there();
  }
  give_back(taken);
}

int main(void)
{
  static int (*const cases[])(void) = {launch_on_part, launch_on_piece, launch_on_all, launch_on_pieces, tell_kind, copy_to_next, copy_crossings, intersect, cross};
  static int (*const of_acquired[])(void) = {release_half, launch_on_acquired, release_pieces};
  cohort_config_t config = COHORT_CONFIG_INIT;
  cohort_region_t piece;
  TRY(cohort_init(&config, &rt));
  TRY(cohort_root_context(rt, &ctx));
  TRY(cohort_task_register(rt, "nothing", do_nothing, NULL, COHORT_TASK_LEAF, &nothing));
  TRY(cohort_task_register(rt, "failing", fail, NULL, COHORT_TASK_LEAF, &failing));
  make_objects();
  see(cases, sizeof cases / sizeof *cases);
  acquire_parts();
  see(of_acquired, sizeof of_acquired / sizeof *of_acquired);
  TRY(cohort_subregion(pieces, 3, &piece));
  see_dependence(even);
  see_dependence(piece);
  TRY(cohort_finalize(&rt));
  puts("PASSED");
  return 0;
}
