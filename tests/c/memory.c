/* The system gives no more memory: launches are refused, with a text that says so, what was launched ends, and after a wait the program
 * goes on, again and again. Views of more data than there is memory for are refused, too, and objects; with memory they are made. */
#include "limited_memory.h"
#include <stdatomic.h>

enum { ROUNDS = 3, AFTER = 20000, MOST = 1000000, BIG = 1 << 30, MANY = 250000, POINTS = 2500000, TILES = 100000 };
static const size_t ROOM = (size_t)96 << 20, HALF = (size_t)48 << 20, LITTLE = (size_t)24 << 20;
static atomic_int completed;
static cohort_future_t results[MOST];
static int64_t corners[MANY], colours[2 * POINTS], *const pointers = colours + POINTS;
static char arguments[16384];
static cohort_field_t field;

static int32_t count(cohort_context_t task, void *user)
{
  const int32_t one = 1;
  (void)user;
  atomic_fetch_add(&completed, 1);
  return cohort_task_result(task, &one, sizeof one);
}

static int32_t look(cohort_context_t task, void *user)
{
  cohort_view_t view;
  (void)user;
  EXPECT(cohort_view(task, 0, field, COHORT_READ_WRITE, &view), COHORT_ERROR_OUT_OF_MEMORY, "bytes of field data cannot be had");
  return 0;
}

/* Launches tasks that wait for a phase until a launch is refused, and some more; how many were launched. */
static int launch_all(cohort_context_t ctx, cohort_launch_t *launch, int with_results)
{
  int launched = 0, refused = 0;
  while (refused < 100) {
    CHECK(launched < MOST);
    if (cohort_launch(ctx, launch, with_results ? &results[launched] : NULL) == COHORT_OK) {
      launched++;
      continue;
    }
    /* Of a handle for a result, or of the operation. */
    CHECK(strstr(cohort_last_error(), "memory"));
    refused++;
  }
  return launched;
}

/* How many points of an index launch of AFTER are launched. */
static int launched_points(cohort_status_t status)
{
  static const char before[] = "points of the launch ";
  const char *text = strstr(cohort_last_error(), before);
  if (status == COHORT_OK)
    return AFTER;
  CHECK(status == COHORT_ERROR_RESOURCES && strstr(cohort_last_error(), "memory"));
  return text ? atoi(text + strlen(before)) : 0;
}

/* Makes what needs more memory than HALF, one after the other; whether all were made, or none. */
static int make_large(cohort_runtime_t rt, cohort_context_t ctx, cohort_region_t region, cohort_partition_t halves, cohort_partition_t points, cohort_region_t target)
{
  const int64_t many = MANY;
  cohort_index_space_t scattered;
  cohort_partition_t blocks, coloured, named, naming;
  const int made[] = {
    works(cohort_index_space_create_rects(rt, 1, MANY, corners, corners, &scattered), "cohort_index_space_create_rects: "),
    works(cohort_partition_blocks(target, &many, &blocks), "cohort_partition_blocks: "),
    works(cohort_partition_by_field(ctx, region, field, 2, &coloured), "cohort_partition_by_field: "),
    works(cohort_partition_image(ctx, target, halves, field + 1, &named), "cohort_partition_image: "),
    works(cohort_partition_preimage(ctx, region, points, field, &naming), "cohort_partition_preimage: "),
  };
  const int all = sizeof made / sizeof *made;
  int count = 0;
  for (int i = 0; i < all; i++)
    count += made[i];
  CHECK(count == 0 || count == all);
  if (count == 0)
    return 0;
  TRY(cohort_index_space_destroy(&scattered));
  TRY(cohort_partition_destroy(&blocks));
  TRY(cohort_partition_destroy(&coloured));
  TRY(cohort_partition_destroy(&named));
  TRY(cohort_partition_destroy(&naming));
  return 1;
}

/* Makes futures until one is refused, and destroys them; how many. */
static int make_futures(cohort_runtime_t rt)
{
  static char value[1000];
  int made = 0;
  while (made < MOST && works(cohort_future_value(rt, value, sizeof value, &results[made]), "cohort_future_value: "))
    made++;
  CHECK(made < MOST);
  for (int i = 0; i < made; i++)
    TRY(cohort_future_destroy(&results[i]));
  return made;
}

/* Tasks use one tile after the other, until what is known of them takes all memory. */
static void use_tiles(cohort_context_t ctx, cohort_launch_t launch, cohort_partition_t tiles)
{
  cohort_requirement_t need = {.fields = &field, .field_count = 1, .privilege = COHORT_READ_WRITE};
  int launched = 0, refused = 0;
  atomic_store(&completed, 0);
  launch.requirements = &need;
  launch.requirement_count = 1;
  for (uint32_t i = 0; i < TILES && !refused; i++) {
    refused = !works(cohort_subregion(tiles, i, &need.region), "cohort_subregion: ");
    if (refused)
      break;
    refused = cohort_launch(ctx, &launch, NULL) != COHORT_OK;
    CHECK(!refused || strstr(cohort_last_error(), "no memory for"));
    launched += !refused;
    if (i % 256 == 0)
      TRY(cohort_wait_all(ctx));
  }
  CHECK(refused);
  TRY(cohort_wait_all(ctx));
  CHECK(atomic_load(&completed) == launched);
  /* Somebody else gave memory back. */
  limit_memory(LITTLE);
  TRY(cohort_subregion(tiles, 0, &need.region));
  TRY(cohort_launch(ctx, &launch, NULL));
  TRY(cohort_wait_all(ctx));
  CHECK(atomic_load(&completed) == launched + 1);
}

static void use_objects(cohort_runtime_t rt, cohort_context_t ctx, cohort_region_t target, cohort_field_space_t fields, cohort_launch_t launch)
{
  const int64_t lo = 0, hi = POINTS - 1, two = 2, tile_count = TILES, stride = sizeof *colours, ends[] = {0, 1};
  const cohort_field_t both[] = {field, field + 1};
  cohort_index_space_t space;
  cohort_region_t region;
  cohort_partition_t halves, points, tiles;
  int futures;
  for (int i = 0; i < MANY; i++)
    corners[i] = 2 * (int64_t)i;
  TRY(cohort_index_space_create(rt, 1, &lo, &hi, &space));
  TRY(cohort_region_create(rt, space, fields, &region));
  TRY(cohort_partition_blocks(region, &two, &halves));
  TRY(cohort_partition_blocks(target, &tile_count, &tiles));
  TRY(cohort_partition_rects(region, 2, ends, ends, &points));
  /* Neighbours have different colours, and name points that are none. */
  for (int i = 0; i < POINTS; i++) {
    colours[i] = i % 2;
    pointers[i] = 4 * (int64_t)i;
  }
  TRY(cohort_attach(ctx, region, 2, both, colours, &stride, POINTS * stride));
  limit_memory(LITTLE);
  use_tiles(ctx, launch, tiles);
  limit_memory(HALF);
  CHECK(!make_large(rt, ctx, region, halves, points, target));
  futures = make_futures(rt);
  CHECK(make_futures(rt) >= futures / 4 * 3);
  CHECK(!make_large(rt, ctx, region, halves, points, target));
  limit_memory(0);
  CHECK(make_large(rt, ctx, region, halves, points, target));
  TRY(cohort_detach(ctx, region, 2, both));
  TRY(cohort_partition_destroy(&tiles));
  TRY(cohort_partition_destroy(&points));
  TRY(cohort_partition_destroy(&halves));
  TRY(cohort_region_destroy(&region));
}

int main(void)
{
  cohort_config_t config = COHORT_CONFIG_INIT;
  cohort_launch_t launch = COHORT_LAUNCH_INIT, gated, viewing = COHORT_LAUNCH_INIT;
  cohort_runtime_t rt;
  cohort_context_t ctx;
  cohort_phase_barrier_t gate, open;
  cohort_index_space_t space;
  cohort_field_space_t fields;
  cohort_requirement_t need = {.fields = &field, .field_count = 1, .privilege = COHORT_READ_WRITE};
  const int64_t lo = 0, hi = BIG - 1;
  const size_t sizes[] = {0, 16, sizeof arguments};
  int first[3] = {0};
  config.window = MOST;
  config.task_stack_bytes = 1 << 20;
  TRY(cohort_init(&config, &rt));
  TRY(cohort_root_context(rt, &ctx));
  TRY(cohort_task_register(rt, "count", count, NULL, COHORT_TASK_LEAF, &launch.task));
  TRY(cohort_task_register(rt, "look", look, NULL, COHORT_TASK_LEAF, &viewing.task));
  TRY(cohort_index_space_create(rt, 1, &lo, &hi, &space));
  TRY(cohort_field_space_create(rt, &fields));
  TRY(cohort_fields_allocate(fields, 8, 2, &field));
  TRY(cohort_region_create(rt, space, fields, &need.region));
  TRY(cohort_phase_barrier_create(rt, 1, &gate));
  use_objects(rt, ctx, need.region, fields, launch);
  limit_memory(ROOM);

  for (int round = 0; round < 3 * ROUNDS; round++) {
    const int kind = round / ROUNDS, with_results = kind == 1;
    int launched, points;
    atomic_store(&completed, 0);
    TRY(cohort_phase_barrier_advance(gate, &open));
    gated = launch;
    gated.args = arguments;
    gated.args_size = sizes[kind];
    gated.wait_barriers = &open;
    gated.wait_barrier_count = 1;
    /* What is left of the memory for one kind is all that the next has; but arguments take much. */
    if (round == 2 * ROUNDS)
      limit_memory(ROOM);
    points = kind == 2 ? launched_points(cohort_index_launch(ctx, &gated, AFTER, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL)) : 0;
    CHECK(kind != 2 || (points > 0 && points < AFTER));
    launched = launch_all(ctx, &gated, with_results);
    /* Without arguments as a whole or not at all. */
    if (kind < 2) {
      points = launched_points(cohort_index_launch(ctx, &gated, AFTER, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
      CHECK(points == 0 || points == AFTER);
    }
    TRY(cohort_phase_barrier_arrive(gate, 1));
    gate = open;
    TRY(cohort_wait_all(ctx));
    CHECK(atomic_load(&completed) == launched + points);
    for (int i = 0; with_results && i < launched; i++) {
      int32_t one = 0;
      TRY(cohort_future_get(results[i], &one, sizeof one));
      CHECK(one == 1);
      TRY(cohort_future_destroy(&results[i]));
    }
    /* Nothing is lost from round to round. */
    if (round % ROUNDS == 0)
      first[kind] = launched + points;
    CHECK(launched + points >= first[kind] / 4 * 3);

    atomic_store(&completed, 0);
    for (int i = 0; i < AFTER; i++)
      TRY(cohort_launch(ctx, &launch, NULL));
    TRY(cohort_wait_all(ctx));
    CHECK(atomic_load(&completed) == AFTER);
  }

  viewing.requirements = &need;
  viewing.requirement_count = 1;
  TRY(cohort_launch(ctx, &viewing, NULL));
  TRY(cohort_wait_all(ctx));
  TRY(cohort_phase_barrier_destroy(&gate));
  TRY(cohort_finalize(&rt));
  puts("PASSED");
  return 0;
}
