/* Random programs of tasks that reduce on devices and on the host, over tiles, tiles with halos, halves and the whole of one region, among
 * tasks that read and write, fills and looks from outside: every look must see what the contributions give when they are folded in one after
 * another, to the last bit. With COHORT_DEVICE_MEMORY at a part of the working set, data comes and goes. Without devices the same
 * tasks run on the host. An argument says how many programs. */
#include "device_fill.h"
#include "random_tiles.h"
#include <cohort_kernel.h>
#include <math.h>

enum { NX = 24, NY = 20, STEPS = 150, PROGRAMS = 3 };
/* Fields 0 and 1 are the program's own arrays. */
enum { SUM, MORE, COUNT, SPOT, STAT, FIELDS };
enum { CONTRIBUTION = NX * NY * (8 + 8 + 8 + 16 + 24) };

/* One text for the driver and for this program. */
#define TEXT_AND_CODE(...) static const char *const text = #__VA_ARGS__; __VA_ARGS__

TEXT_AND_CODE(
typedef struct { double value; long where; } spot_t;
typedef struct { double sum; double least; long count; } stat_t;

COHORT_KERNEL void contribute(COHORT_GLOBAL double *sums, cohort_extent of_sums, COHORT_GLOBAL long *counts, cohort_extent of_counts,
                              COHORT_GLOBAL spot_t *spots, cohort_extent of_spots, COHORT_GLOBAL stat_t *stats, cohort_extent of_stats, long task)
{
  COHORT_POINT(of_sums, i, j, k)
  const double value = (double)((task * 7919 + i * 104729 + j * 31) % 1009);
  COHORT_FIELD(sums, of_sums, 0, i, j, k) += value / 3;
  COHORT_FIELD(sums, of_sums, 1, i, j, k) += value / 7;
  COHORT_FIELD(sums, of_sums, 1, i, j, k) += 1 / (value + 1);
  COHORT_AT(counts, of_counts, i, j, k) += task + i;
  if (value < COHORT_AT(spots, of_spots, i, j, k).value) {
    COHORT_AT(spots, of_spots, i, j, k).value = value;
    COHORT_AT(spots, of_spots, i, j, k).where = task;
  }
  COHORT_AT(stats, of_stats, i, j, k).sum += value / 11;
  if (value < COHORT_AT(stats, of_stats, i, j, k).least) COHORT_AT(stats, of_stats, i, j, k).least = value;
  COHORT_AT(stats, of_stats, i, j, k).count += 1;
}

COHORT_KERNEL void scale(COHORT_GLOBAL double *sums, cohort_extent of_sums, COHORT_GLOBAL long *counts, cohort_extent of_counts, long task)
{
  COHORT_POINT(of_sums, i, j, k)
  COHORT_FIELD(sums, of_sums, 0, i, j, k) /= 3;
  COHORT_FIELD(sums, of_sums, 1, i, j, k) /= 5;
  COHORT_AT(counts, of_counts, i, j, k) = 3 * COHORT_AT(counts, of_counts, i, j, k) % 65521 + task;
}
)

typedef struct {
  double sums[2][NY][NX];
  long counts[NY][NX];
  spot_t spots[NY][NX];
  stat_t stats[NY][NX];
} values;

/* What the operations so far give, one after another, and what one task contributes. */
static values expected, one;
static double arrays[2][NY][NX];

static cohort_context_t ctx;
static cohort_runtime_t rt;
static cohort_region_t everything;
static cohort_task_t contribute_task, scale_task;
static cohort_reduction_t keep_spot, add_stat;
static uint64_t capacity;
static bool has_devices;
static int ran_on_host, meant_for_host;
static const box all = {{0, 0}, {NX - 1, NY - 1}};
static parts tiles, halves, whole;

static const spot_t no_spot = {INFINITY, -1};
static const stat_t no_stat = {0, INFINITY, 0};

/* The earlier one wins if both are alike, so that the order shows. */
static void fold_spots(void *into, const void *from, size_t count, void *user)
{
  (void)user;
  for (size_t n = 0; n < count; n++)
    if (((const spot_t *)from)[n].value < ((spot_t *)into)[n].value)
      ((spot_t *)into)[n] = ((const spot_t *)from)[n];
}

static void fold_stats(void *into, const void *from, size_t count, void *user)
{
  (void)user;
  for (size_t n = 0; n < count; n++) {
    stat_t *a = (stat_t *)into + n;
    const stat_t *b = (const stat_t *)from + n;
    a->sum += b->sum;
    a->least = b->least < a->least ? b->least : a->least;
    a->count += b->count;
  }
}

/* Where the values of a field lie: of its whole array, and as the launch's own work sees it. */
static cohort_extent extent_of(const box *on, const int64_t *stride, int64_t field)
{
  cohort_extent made = {.lo = {on->lo[0], on->lo[1], 0}, .hi = {on->hi[0], on->hi[1], 0}, .field = field};
  made.stride[0] = stride[0];
  made.stride[1] = stride[1];
  return made;
}

static cohort_extent extent_of_view(const cohort_view_t *v, int64_t bytes, const cohort_view_t *next)
{
  const box on = {{v->lo[0], v->lo[1]}, {v->hi[0], v->hi[1]}};
  const int64_t stride[2] = {v->stride[0] / bytes, v->stride[1] / bytes};
  return extent_of(&on, stride, next ? ((char *)next->base - (char *)v->base) / bytes : 0);
}

#define FOR_ITEMS(of) \
  for (cohort_index[1] = 0; cohort_index[1] <= (of).hi[1] - (of).lo[1]; cohort_index[1]++) \
    for (cohort_index[0] = 0; cohort_index[0] <= (of).hi[0] - (of).lo[0]; cohort_index[0]++)

static cohort_view_t view_of(cohort_context_t task, uint32_t requirement, cohort_field_t field, int32_t right)
{
  cohort_view_t view;
  TRY(cohort_view(task, requirement, field, right, &view));
  return view;
}

static int32_t contribute_on_host(cohort_context_t task, void *user)
{
  long number;
  const cohort_view_t sum = view_of(task, 0, SUM, COHORT_REDUCE), more = view_of(task, 0, MORE, COHORT_REDUCE);
  const cohort_view_t count = view_of(task, 1, COUNT, COHORT_REDUCE), spot = view_of(task, 2, SPOT, COHORT_REDUCE);
  const cohort_view_t stat = view_of(task, 3, STAT, COHORT_REDUCE);
  const cohort_extent of_sums = extent_of_view(&sum, 8, &more), of_counts = extent_of_view(&count, 8, NULL);
  const cohort_extent of_spots = extent_of_view(&spot, sizeof(spot_t), NULL), of_stats = extent_of_view(&stat, sizeof(stat_t), NULL);
  (void)user;
  TRY(cohort_task_args_get(task, &number, sizeof number));
  FOR_ITEMS(of_sums)
    contribute(sum.base, of_sums, count.base, of_counts, spot.base, of_spots, stat.base, of_stats, number);
  __atomic_fetch_add(&ran_on_host, 1, __ATOMIC_RELAXED);
  return 0;
}

static int32_t scale_on_host(cohort_context_t task, void *user)
{
  long number;
  const cohort_view_t sum = view_of(task, 0, SUM, COHORT_READ_WRITE), more = view_of(task, 0, MORE, COHORT_READ_WRITE);
  const cohort_view_t count = view_of(task, 1, COUNT, COHORT_READ_WRITE);
  const cohort_extent of_sums = extent_of_view(&sum, 8, &more), of_counts = extent_of_view(&count, 8, NULL);
  (void)user;
  TRY(cohort_task_args_get(task, &number, sizeof number));
  FOR_ITEMS(of_sums)
    scale(sum.base, of_sums, count.base, of_counts, number);
  __atomic_fetch_add(&ran_on_host, 1, __ATOMIC_RELAXED);
  return 0;
}

/* The extent of a part of one of the arrays of `values`. */
static cohort_extent part_of(const box *on)
{
  const int64_t stride[2] = {1, NX};
  cohort_extent made = extent_of(on, stride, NX * NY);
  made.offset = on->lo[1] * NX + on->lo[0];
  return made;
}

static void expect_contribution(const box *on, long task)
{
  const cohort_extent part = part_of(on);
  EACH_POINT(on, i, j) {
    one.sums[0][j][i] = one.sums[1][j][i] = 0;
    one.counts[j][i] = 0;
    one.spots[j][i] = no_spot;
    one.stats[j][i] = no_stat;
  }
  FOR_ITEMS(part)
    contribute(one.sums[0][0], part, one.counts[0], part, one.spots[0], part, one.stats[0], part, task);
  EACH_POINT(on, i, j) {
    expected.sums[0][j][i] += one.sums[0][j][i];
    expected.sums[1][j][i] += one.sums[1][j][i];
    expected.counts[j][i] += one.counts[j][i];
    fold_spots(&expected.spots[j][i], &one.spots[j][i], 1, NULL);
    fold_stats(&expected.stats[j][i], &one.stats[j][i], 1, NULL);
  }
}

static void expect_scale(const box *on, long task)
{
  const cohort_extent part = part_of(on);
  FOR_ITEMS(part)
    scale(expected.sums[0][0], part, expected.counts[0], part, task);
}

static cohort_requirement_t reduce(cohort_region_t region, uint32_t count, const cohort_field_t *fields, int32_t reduction, int32_t type)
{
  cohort_requirement_t made = need(region, count, fields, COHORT_REDUCE);
  made.reduction = reduction;
  made.reduction_type = type;
  return made;
}

static const cohort_field_t both_sums[2] = {SUM, MORE}, only_count = COUNT, only_spot = SPOT, only_stat = STAT;

static void launch(cohort_task_t task, long number, uint32_t count, const cohort_requirement_t *needs, int32_t processor)
{
  cohort_launch_t what = COHORT_LAUNCH_INIT;
  what.task = task;
  what.args = &number;
  what.args_size = sizeof number;
  what.requirements = needs;
  what.requirement_count = count;
  what.processor = processor;
  TRY(cohort_launch(ctx, &what, NULL));
}

static void launch_contribution(cohort_region_t region, long number, int32_t processor)
{
  cohort_requirement_t needs[4] = {
    reduce(region, 2, both_sums, COHORT_SUM, COHORT_DOUBLE), reduce(region, 1, &only_count, COHORT_SUM, COHORT_INT64),
    reduce(region, 1, &only_spot, keep_spot, COHORT_TYPE_NONE), reduce(region, 1, &only_stat, add_stat, COHORT_TYPE_NONE)};
  needs[1].flags = COHORT_FOLD_ANY_ORDER;
  launch(contribute_task, number, 4, needs, processor);
}

/* On a device, by chance, if there is room for what it needs at once: `bytes` for each point, and what each field is rounded up by. */
static int32_t random_processor(const box *on, uint64_t bytes)
{
  const uint64_t points = (uint64_t)((on->hi[0] - on->lo[0] + 1) * (on->hi[1] - on->lo[1] + 1));
  if (has_devices && points * bytes + 5 * 512 <= capacity && below(3) > 0)
    return COHORT_PROC_DEVICE;
  meant_for_host++;
  return COHORT_PROC_CPU;
}

static void random_task(bool reduces)
{
  const parts *of = below(3) ? &tiles : below(2) ? &halves : &whole;
  const uint32_t n = below(of->count), number = below(1000);
  const bool wide = below(2);
  const cohort_region_t region = wide ? of->wide[n] : of->region[n];
  const box *on = wide ? &of->around[n] : &of->own[n];
  const int32_t processor = random_processor(on, reduces ? 64 : 24);
  if (reduces) {
    launch_contribution(region, number, processor);
    expect_contribution(on, number);
  } else {
    const cohort_requirement_t needs[2] = {need(region, 2, both_sums, COHORT_READ_WRITE), need(region, 1, &only_count, COHORT_READ_WRITE)};
    launch(scale_task, number, 2, needs, processor);
    expect_scale(on, number);
  }
}

/* Gives the fields of a part new values, and the expected ones. */
static void fill_part(cohort_region_t region, const box *on, double value)
{
  const cohort_field_t fields[FIELDS] = {SUM, MORE, COUNT, SPOT, STAT};
  const long count = (long)value;
  TRY(cohort_fill(ctx, region, 2, fields, &value, sizeof value));
  TRY(cohort_fill(ctx, region, 1, &fields[COUNT], &count, sizeof count));
  TRY(cohort_fill(ctx, region, 1, &fields[SPOT], &no_spot, sizeof no_spot));
  TRY(cohort_fill(ctx, region, 1, &fields[STAT], &no_stat, sizeof no_stat));
  EACH_POINT(on, i, j) {
    expected.sums[0][j][i] = expected.sums[1][j][i] = value;
    expected.counts[j][i] = count;
    expected.spots[j][i] = no_spot;
    expected.stats[j][i] = no_stat;
  }
}

#define CHECK_FIELD(field, kind, wanted) \
  do { \
    cohort_view_t v; \
    TRY(cohort_inline_view(mapping, field, COHORT_READ_ONLY, &v)); \
    EACH_POINT(on, i, j) { \
      const kind *found = (const kind *)((char *)v.base + (i - v.lo[0]) * v.stride[0] + (j - v.lo[1]) * v.stride[1]); \
      if (memcmp(found, &wanted[j][i], sizeof *found)) \
        FAIL_HERE("field %d is not what it should be at %d, %d", field, (int)i, (int)j); \
    } \
  } while (0)

static void look_at(cohort_region_t region, const box *on)
{
  const cohort_field_t fields[FIELDS] = {SUM, MORE, COUNT, SPOT, STAT};
  const cohort_requirement_t asked = need(region, FIELDS, fields, COHORT_READ_ONLY);
  cohort_mapping_t mapping;
  TRY(cohort_inline_map(ctx, &asked, &mapping));
  CHECK_FIELD(SUM, double, expected.sums[0]);
  CHECK_FIELD(MORE, double, expected.sums[1]);
  CHECK_FIELD(COUNT, long, expected.counts);
  CHECK_FIELD(SPOT, spot_t, expected.spots);
  CHECK_FIELD(STAT, stat_t, expected.stats);
  TRY(cohort_inline_unmap(&mapping));
}

/* The program's own arrays, after a wait. */
static void look_at_arrays(void)
{
  TRY(cohort_wait_all(ctx));
  for (int f = 0; f < 2; f++)
    EACH_POINT(&all, i, j)
      if (arrays[f][j][i] != expected.sums[f][j][i])
        FAIL_HERE("array %d at %d, %d: %.17g instead of %.17g", f, (int)i, (int)j, arrays[f][j][i], expected.sums[f][j][i]);
}

static void random_step(void)
{
  const uint32_t choice = below(100), n = below(TILES);
  if (choice < 75)
    random_task(true);
  else if (choice < 90)
    random_task(false);
  else if (choice < 93)
    fill_part(tiles.region[n], &tiles.own[n], below(1000));
  else if (choice < 98)
    look_at(tiles.wide[n], &tiles.around[n]);
  else
    look_at_arrays();
}

static void set_up(void)
{
  const int64_t lo[2] = {0, 0}, hi[2] = {NX - 1, NY - 1}, stride[2] = {8, 8 * NX};
  cohort_index_space_t space;
  cohort_field_space_t fields;
  cohort_field_t first;
  TRY(cohort_index_space_create(rt, 2, lo, hi, &space));
  TRY(cohort_field_space_create(rt, &fields));
  TRY(cohort_fields_allocate(fields, 8, 3, &first));
  TRY(cohort_fields_allocate(fields, sizeof(spot_t), 1, &first));
  TRY(cohort_fields_allocate(fields, sizeof(stat_t), 1, &first));
  CHECK(first == STAT);
  TRY(cohort_region_create(rt, space, fields, &everything));
  for (cohort_field_t f = 0; f < 2; f++)
    TRY(cohort_attach(ctx, everything, 1, &f, arrays[f], stride, 0));
  TRY(cohort_reduction_register(rt, "spot", sizeof no_spot, &no_spot, fold_spots, NULL, &keep_spot));
  TRY(cohort_reduction_register(rt, "stat", sizeof no_stat, &no_stat, fold_stats, NULL, &add_stat));
  contribute_task = task_with_kernel(rt, "contribute", contribute_on_host, text, 0);
  scale_task = task_with_kernel(rt, "scale", scale_on_host, text, 0);
  tiles = make_parts(everything, TILES_X, TILES_Y);
  halves = make_parts(everything, 1, 2);
  whole = make_parts(everything, 1, 1);
}

/* A task whose contributions can never be there together. */
static void ask_for_too_much(void)
{
  char taken[40];
  if (!has_devices || capacity >= CONTRIBUTION)
    return;
  snprintf(taken, sizeof taken, "take %d bytes", (int)CONTRIBUTION);
  launch_contribution(everything, 1, COHORT_PROC_DEVICE);
  EXPECT(cohort_wait_all(ctx), COHORT_ERROR_RESOURCES, "\"contribute\" cannot run");
  CHECK(strstr(cohort_last_error(), taken));
  look_at(everything, &all);
}

enum { FILLED = 42 };

/* Contributes FILLED to the first row with the driver's own function; argument 1: fails after that. */
static int32_t fill_row(cohort_context_t task, const cohort_device_t *device, void *user)
{
  cohort_device_view_t view;
  long fails;
  const long value = FILLED;
  (void)user;
  TRY(cohort_task_args_get(task, &fails, sizeof fails));
  EXPECT(cohort_view_device(task, 0, COUNT, COHORT_READ_WRITE, &view), COHORT_ERROR_PRIVILEGE, "declared Reduce");
  TRY(cohort_view_device(task, 0, COUNT, COHORT_REDUCE, &view));
  CHECK(view.stride[0] == 8 && view.stride[1] == 8 * (view.hi[0] - view.lo[0] + 1));
  if (device_fill(device, &view, &value, (size_t)view.stride[1] / sizeof value))
    return 9;
  return fails ? 3 : 0;
}

static int32_t not_here(cohort_context_t task, void *user)
{
  (void)user;
  return cohort_task_fail(task, "ran on the host");
}

/* Functions of the program that reduce, and what a failure leaves: nothing of the task's own. */
static void functions(void)
{
  const cohort_region_t region = tiles.wide[1];
  const box *on = &tiles.around[1];
  cohort_requirement_t needs = reduce(region, 1, &only_count, COHORT_SUM, COHORT_INT64);
  cohort_task_t task;
  TRY(cohort_task_register(rt, "fill row", not_here, NULL, COHORT_TASK_LEAF, &task));
  TRY(cohort_task_device_callback(task, COHORT_DEVICE_ANY, fill_row, NULL));
  for (int round = 0; round < 3; round++) {
    launch(task, 0, 1, &needs, COHORT_PROC_DEVICE);
    for (int64_t i = on->lo[0]; i <= on->hi[0]; i++)
      expected.counts[on->lo[1]][i] += FILLED;
  }
  look_at(region, on);
  launch(task, 1, 1, &needs, COHORT_PROC_DEVICE);
  EXPECT(cohort_wait_all(ctx), COHORT_ERROR_TASK_FAILED, "its body returned 3");
  look_at(everything, &all);
}

int main(int count, char **arguments)
{
  const int programs = count > 1 ? atoi(arguments[1]) : PROGRAMS;
  has_devices = devices_are_there();
  capacity = device_memory();
  TRY(cohort_init(NULL, &rt));
  TRY(cohort_root_context(rt, &ctx));
  set_up();
  for (int program = 0; program < programs; program++) {
    seed(program);
    fill_part(everything, &all, 1);
    for (int step = 0; step < STEPS; step++)
      random_step();
    look_at_arrays();
    look_at(everything, &all);
    if (ran_on_host != meant_for_host)
      FAIL_HERE("program %d: %d tasks ran on the host, %d were to", program, ran_on_host, meant_for_host);
  }
  ask_for_too_much();
  if (has_devices)
    functions();
  TRY(cohort_finalize(&rt));
  puts("PASSED");
  return 0;
}
