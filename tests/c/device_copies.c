/* Random programs of copies between tiles of one region and a region of its own, shifted, of several fields at once, with tasks on devices
 * and on the host between them: what is read from outside must be what the same operations give one after another. Places come and go with
 * COHORT_DEVICE_MEMORY. An argument says how many programs. */
#include "random_programs.h"
#include <math.h>

enum { NX = 24, NY = 20, TILES_X = 3, TILES_Y = 2, TILES = TILES_X * TILES_Y, FIELDS = 5, STEPS = 300, PROGRAMS = 3 };
/* The tiles, and behind them the other region, at other coordinates. */
enum { ASIDE = TILES, REGIONS, WIDTH = NX / TILES_X, HEIGHT = NY / TILES_Y, ASIDE_X = 1000, ASIDE_Y = -50 };

#define MODULUS 65521.0

static const char *const text =
  "typedef struct { double number; long fields, first; } arguments;\n"
  "COHORT_KERNEL void change(COHORT_GLOBAL double *a, cohort_extent ea, arguments args)\n"
  "{\n"
  "  COHORT_POINT(ea, i, j, k)\n"
  "  for (long f = 0; f < args.fields; f++)\n"
  "    COHORT_FIELD(a, ea, f, i, j, k) = fmod(3 * COHORT_FIELD(a, ea, f, i, j, k) + args.number + 7 * (i - ea.lo[0]) + 13 * (j - ea.lo[1]) + f, 65521.0);\n"
  "}\n"
  "COHORT_KERNEL void set(COHORT_GLOBAL double *a, cohort_extent ea, arguments args)\n"
  "{\n"
  "  COHORT_POINT(ea, i, j, k)\n"
  "  for (long f = 0; f < args.fields; f++)\n"
  "    COHORT_FIELD(a, ea, f, i, j, k) = fmod(args.number + 7 * (i - ea.lo[0]) + 13 * (j - ea.lo[1]) + f, 65521.0);\n"
  "}\n";

typedef struct {
  double number;
  int64_t fields, first;
} arguments;

static cohort_context_t ctx;
static cohort_region_t region[REGIONS];
static int64_t corner[REGIONS][2];
static double expected[REGIONS][FIELDS][HEIGHT][WIDTH];
static cohort_task_t change, set;
static bool has_devices;

static double changed(double old, double number, int64_t i, int64_t j, int64_t f)
{
  return fmod(old + number + 7 * (double)i + 13 * (double)j + (double)f, MODULUS);
}

static int32_t on_host(cohort_context_t task, double factor)
{
  arguments args;
  TRY(cohort_task_args_get(task, &args, sizeof args));
  for (int64_t f = 0; f < args.fields; f++) {
    cohort_view_t v;
    TRY(cohort_view(task, 0, (cohort_field_t)(args.first + f), factor == 0 ? COHORT_WRITE_DISCARD : COHORT_READ_WRITE, &v));
    for (int64_t j = 0; j <= v.hi[1] - v.lo[1]; j++)
      for (int64_t i = 0; i <= v.hi[0] - v.lo[0]; i++) {
        double *at = (double *)((char *)v.base + i * v.stride[0] + j * v.stride[1]);
        *at = changed(factor == 0 ? 0 : factor * *at, args.number, i, j, f);
      }
  }
  return 0;
}

static int32_t change_on_host(cohort_context_t task, void *user)
{
  (void)user;
  return on_host(task, 3);
}

static int32_t set_on_host(cohort_context_t task, void *user)
{
  (void)user;
  return on_host(task, 0);
}

/* Neighbouring fields, in ascending order. */
static uint32_t some_fields(cohort_field_t *fields, uint32_t count)
{
  const uint32_t first = below(FIELDS - count + 1);
  for (uint32_t f = 0; f < count; f++)
    fields[f] = first + f;
  return first;
}

static void random_task(void)
{
  const uint32_t at = below(REGIONS), count = 1 + below(3);
  const bool sets = below(4) == 0;
  cohort_field_t fields[3];
  const uint32_t first = some_fields(fields, count);
  const arguments args = {.number = below(1000), .fields = count, .first = first};
  const cohort_requirement_t need = {
    .region = region[at], .fields = fields, .field_count = count, .privilege = sets ? COHORT_WRITE_DISCARD : COHORT_READ_WRITE};
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  launch.task = sets ? set : change;
  launch.args = &args;
  launch.args_size = sizeof args;
  launch.requirements = &need;
  launch.requirement_count = 1;
  launch.processor = has_devices && below(4) ? COHORT_PROC_DEVICE : COHORT_PROC_CPU;
  TRY(cohort_launch(ctx, &launch, NULL));
  for (uint32_t f = 0; f < count; f++)
    for (int64_t j = 0; j < HEIGHT; j++)
      for (int64_t i = 0; i < WIDTH; i++) {
        double *value = &expected[at][first + f][j][i];
        *value = changed(sets ? 0 : 3 * *value, args.number, i, j, f);
      }
}

/* From one region to another, or within one from field to field; only what both have when the one is shifted onto the other, a little off. */
static void random_copy(void)
{
  const uint32_t a = below(REGIONS), b = below(3) ? below(REGIONS) : (uint32_t)ASIDE;
  const int64_t off[2] = {(int64_t)below(5) - 2, (int64_t)below(WIDTH - 1) - WIDTH / 2};
  const uint32_t count = a == b ? 1 : 1 + below(3);
  cohort_field_t from[3], to[3];
  cohort_copy_t copy = COHORT_COPY_INIT;
  static double old[FIELDS][HEIGHT][WIDTH];
  some_fields(from, count);
  some_fields(to, count);
  if (a == b && from[0] == to[0])
    return;
  copy.source = region[a];
  copy.destination = region[b];
  copy.source_fields = from;
  copy.destination_fields = to;
  copy.field_count = count;
  for (int d = 0; d < 2; d++)
    copy.shift[d] = corner[b][d] - corner[a][d] + off[d];
  TRY(cohort_copy(ctx, &copy));
  memcpy(old, expected[a], sizeof old);
  for (uint32_t f = 0; f < count; f++)
    for (int64_t j = 0; j < HEIGHT; j++)
      for (int64_t i = 0; i < WIDTH; i++)
        if (i - off[0] >= 0 && i - off[0] < WIDTH && j - off[1] >= 0 && j - off[1] < HEIGHT)
          expected[b][to[f]][j][i] = old[from[f]][j - off[1]][i - off[0]];
}

static void random_fill(void)
{
  const uint32_t at = below(REGIONS);
  const cohort_field_t field = below(FIELDS);
  const double value = below(1000);
  TRY(cohort_fill(ctx, region[at], 1, &field, &value, sizeof value));
  for (int j = 0; j < HEIGHT; j++)
    for (int i = 0; i < WIDTH; i++)
      expected[at][field][j][i] = value;
}

static void look(uint32_t at, cohort_field_t field)
{
  const cohort_requirement_t asked = {.region = region[at], .fields = &field, .field_count = 1, .privilege = COHORT_READ_ONLY};
  cohort_mapping_t mapping;
  cohort_view_t v;
  TRY(cohort_inline_map(ctx, &asked, &mapping));
  TRY(cohort_inline_view(mapping, field, COHORT_READ_ONLY, &v));
  for (int64_t j = 0; j < HEIGHT; j++)
    for (int64_t i = 0; i < WIDTH; i++) {
      const double found = *(const double *)((const char *)v.base + i * v.stride[0] + j * v.stride[1]), wanted = expected[at][field][j][i];
      if (found != wanted)
        FAIL_HERE("region %d, field %d at %d, %d is %g instead of %g", (int)at, (int)field, (int)i, (int)j, found, wanted);
    }
  TRY(cohort_inline_unmap(&mapping));
}

static void set_up(cohort_runtime_t rt)
{
  const int64_t lo[2] = {0, 0}, hi[2] = {NX - 1, NY - 1}, counts[2] = {TILES_X, TILES_Y};
  const int64_t aside_lo[2] = {ASIDE_X, ASIDE_Y}, aside_hi[2] = {ASIDE_X + WIDTH - 1, ASIDE_Y + HEIGHT - 1};
  cohort_index_space_t space, aside;
  cohort_field_space_t fields;
  cohort_field_t first;
  cohort_region_t whole;
  cohort_partition_t blocks;
  cohort_kernel_t kernel = COHORT_KERNEL_INIT;
  int64_t beyond[3];
  int32_t dim;
  TRY(cohort_index_space_create(rt, 2, lo, hi, &space));
  TRY(cohort_index_space_create(rt, 2, aside_lo, aside_hi, &aside));
  TRY(cohort_field_space_create(rt, &fields));
  TRY(cohort_fields_allocate(fields, 8, FIELDS, &first));
  TRY(cohort_region_create(rt, space, fields, &whole));
  TRY(cohort_region_create(rt, aside, fields, &region[ASIDE]));
  TRY(cohort_partition_blocks(whole, counts, &blocks));
  for (uint32_t n = 0; n < REGIONS; n++) {
    int64_t from[3];
    if (n < TILES)
      TRY(cohort_subregion(blocks, n, &region[n]));
    TRY(cohort_region_bounds(region[n], &dim, from, beyond));
    CHECK(beyond[0] - from[0] + 1 == WIDTH && beyond[1] - from[1] + 1 == HEIGHT);
    memcpy(corner[n], from, sizeof corner[n]);
  }
  TRY(cohort_task_register(rt, "change", change_on_host, NULL, COHORT_TASK_LEAF, &change));
  TRY(cohort_task_register(rt, "set", set_on_host, NULL, COHORT_TASK_LEAF, &set));
  kernel.source = text;
  kernel.name = "change";
  TRY(cohort_task_kernel(change, &kernel));
  kernel.name = "set";
  TRY(cohort_task_kernel(set, &kernel));
}

int main(int count, char **values)
{
  const int programs = count > 1 ? atoi(values[1]) : PROGRAMS;
  cohort_runtime_t rt;
  has_devices = devices_are_there();
  TRY(cohort_init(NULL, &rt));
  TRY(cohort_root_context(rt, &ctx));
  set_up(rt);
  for (int program = 0; program < programs; program++) {
    seed(program);
    for (int step = 0; step < STEPS; step++) {
      const uint32_t choice = below(100);
      if (choice < 40)
        random_task();
      else if (choice < 92)
        random_copy();
      else if (choice < 96)
        random_fill();
      else
        look(below(REGIONS), below(FIELDS));
    }
    for (uint32_t at = 0; at < REGIONS; at++)
      for (cohort_field_t f = 0; f < FIELDS; f++)
        look(at, f);
  }
  TRY(cohort_wait_all(ctx));
  TRY(cohort_finalize(&rt));
  puts("PASSED");
  return 0;
}
