/* Random programs of tasks on devices and on the host, fills, copies and looks from outside, over tiles, tiles with halos, halves and
 * the whole of one region: every look must see what the same operations give one after another. With COHORT_DEVICE_MEMORY at a
 * part of the working set, data comes and goes all the time; a task that can never fit fails, and says what it asked for. Without
 * devices the same tasks run on the host. An argument says how many programs. */
#include "random_tiles.h"
#include <math.h>

enum { NX = 48, NY = 40, FIELDS = 10, ATTACHED = 6, STEPS = 250, PROGRAMS = 3 };
/* What a device may add to a field of a place. */
enum { ROUNDING = 512 };

#define MODULUS 65521.0

static const char *const text =
  "typedef struct { double number; int fields[4]; } arguments;\n"
  "COHORT_KERNEL void smooth(COHORT_GLOBAL double *a, cohort_extent ea, COHORT_GLOBAL double *b, cohort_extent eb, arguments args)\n"
  "{\n"
  "  COHORT_POINT(eb, i, j, k)\n"
  "  double sum = 3 * COHORT_AT(b, eb, i, j, k) + COHORT_AT(a, ea, i, j, k) + args.number;\n"
  "  if (COHORT_INSIDE(ea, i - 1, j, k)) sum += COHORT_AT(a, ea, i - 1, j, k);\n"
  "  if (COHORT_INSIDE(ea, i + 2, j, k)) sum += COHORT_AT(a, ea, i + 2, j, k);\n"
  "  if (COHORT_INSIDE(ea, i, j - 2, k)) sum += COHORT_AT(a, ea, i, j - 2, k);\n"
  "  if (COHORT_INSIDE(ea, i, j + 1, k)) sum += COHORT_AT(a, ea, i, j + 1, k);\n"
  "  COHORT_AT(b, eb, i, j, k) = fmod(sum, 65521.0);\n"
  "}\n"
  "COHORT_KERNEL void set(COHORT_GLOBAL double *a, cohort_extent ea, arguments args)\n"
  "{\n"
  "  COHORT_POINT(ea, i, j, k)\n"
  "  COHORT_AT(a, ea, i, j, k) = fmod(args.number + 7 * i + 13 * j, 65521.0);\n"
  "}\n"
  "COHORT_KERNEL void combine(COHORT_GLOBAL double *ab, cohort_extent eab, COHORT_GLOBAL double *c, cohort_extent ec, arguments args)\n"
  "{\n"
  "  COHORT_POINT(ec, i, j, k)\n"
  "  double sum = COHORT_AT(c, ec, i, j, k) + 2 * COHORT_FIELD(ab, eab, 0, i, j, k) + 5 * COHORT_FIELD(ab, eab, 1, i, j, k);\n"
  "  COHORT_AT(c, ec, i, j, k) = fmod(sum + args.number, 65521.0);\n"
  "}\n";

static const box all = {{0, 0}, {NX - 1, NY - 1}};

static parts tiles, halves, whole;

/* What the operations so far give, one after another. */
static double expected[FIELDS][NY][NX];
/* The program's own arrays, of the first ATTACHED fields. */
static double arrays[ATTACHED][NY][NX];

static cohort_context_t ctx;
static cohort_region_t everything;
static cohort_task_t smooth, set, combine;
static uint64_t capacity;
static bool has_devices;
static int ran_on_host, meant_for_host;

static bool inside(const box *b, int64_t i, int64_t j)
{
  return i >= b->lo[0] && i <= b->hi[0] && j >= b->lo[1] && j <= b->hi[1];
}

/* One field on a box: the strides are in elements. */
typedef struct {
  double *base;
  int64_t stride[2];
  box on;
} field_view;

static double *at(const field_view *v, int64_t i, int64_t j)
{
  return v->base + (i - v->on.lo[0]) * v->stride[0] + (j - v->on.lo[1]) * v->stride[1];
}

static field_view of_expected(int field, const box *on)
{
  return (field_view){&expected[field][on->lo[1]][on->lo[0]], {1, NX}, *on};
}

static double at_if(const field_view *v, int64_t i, int64_t j)
{
  return inside(&v->on, i, j) ? *at(v, i, j) : 0;
}

static void do_smooth(const field_view *a, const field_view *b, double number)
{
  EACH_POINT(&b->on, i, j) {
    const double near = at_if(a, i - 1, j) + at_if(a, i + 2, j) + at_if(a, i, j - 2) + at_if(a, i, j + 1);
    *at(b, i, j) = fmod(3 * *at(b, i, j) + *at(a, i, j) + number + near, MODULUS);
  }
}

static void do_set(const field_view *a, double number)
{
  EACH_POINT(&a->on, i, j)
    *at(a, i, j) = fmod(number + 7 * (double)i + 13 * (double)j, MODULUS);
}

static void do_combine(const field_view *a, const field_view *b, const field_view *c, double number)
{
  EACH_POINT(&c->on, i, j)
    *at(c, i, j) = fmod(*at(c, i, j) + 2 * *at(a, i, j) + 5 * *at(b, i, j) + number, MODULUS);
}

/* The bodies on the host. */
typedef struct {
  double number;
  int32_t fields[4];
} arguments;

static arguments arguments_of(cohort_context_t task)
{
  arguments args;
  TRY(cohort_task_args_get(task, &args, sizeof args));
  return args;
}

static field_view of_task(cohort_context_t task, uint32_t requirement, int field, int32_t right)
{
  cohort_view_t v;
  TRY(cohort_view(task, requirement, (cohort_field_t)field, right, &v));
  return (field_view){v.base, {v.stride[0] / 8, v.stride[1] / 8}, {{v.lo[0], v.lo[1]}, {v.hi[0], v.hi[1]}}};
}

static int32_t smooth_on_host(cohort_context_t task, void *user)
{
  const arguments args = arguments_of(task);
  const field_view a = of_task(task, 0, args.fields[0], COHORT_READ_ONLY), b = of_task(task, 1, args.fields[1], COHORT_READ_WRITE);
  (void)user;
  do_smooth(&a, &b, args.number);
  __atomic_fetch_add(&ran_on_host, 1, __ATOMIC_RELAXED);
  return 0;
}

static int32_t set_on_host(cohort_context_t task, void *user)
{
  const arguments args = arguments_of(task);
  const field_view a = of_task(task, 0, args.fields[0], COHORT_WRITE_DISCARD);
  (void)user;
  do_set(&a, args.number);
  __atomic_fetch_add(&ran_on_host, 1, __ATOMIC_RELAXED);
  return 0;
}

static int32_t combine_on_host(cohort_context_t task, void *user)
{
  const arguments args = arguments_of(task);
  const field_view a = of_task(task, 0, args.fields[0], COHORT_READ_ONLY), b = of_task(task, 0, args.fields[1], COHORT_READ_ONLY);
  const field_view c = of_task(task, 1, args.fields[2], COHORT_READ_WRITE);
  (void)user;
  do_combine(&a, &b, &c, args.number);
  __atomic_fetch_add(&ran_on_host, 1, __ATOMIC_RELAXED);
  return 0;
}

/* Three different fields, the first two in ascending order. */
static arguments random_arguments(void)
{
  arguments args = {.number = below(1000)};
  int a = (int)below(FIELDS), b = (a + 1 + (int)below(FIELDS - 1)) % FIELDS, c;
  do
    c = (int)below(FIELDS);
  while (c == a || c == b);
  args.fields[0] = a < b ? a : b;
  args.fields[1] = a < b ? b : a;
  args.fields[2] = c;
  return args;
}

static uint64_t bytes_of(const box *b)
{
  return 8 * (uint64_t)(b->hi[0] - b->lo[0] + 1) * (uint64_t)(b->hi[1] - b->lo[1] + 1) + ROUNDING;
}

/* On a device, by chance, if there is room for what it needs at once. */
static int32_t random_processor(uint64_t bytes)
{
  if (has_devices && bytes <= capacity && below(3) > 0)
    return COHORT_PROC_DEVICE;
  meant_for_host++;
  return COHORT_PROC_CPU;
}

static void launch(cohort_task_t task, const arguments *args, uint32_t count, const cohort_requirement_t *needs, int32_t processor)
{
  cohort_launch_t what = COHORT_LAUNCH_INIT;
  what.task = task;
  what.args = args;
  what.args_size = sizeof *args;
  what.requirements = needs;
  what.requirement_count = count;
  what.processor = processor;
  TRY(cohort_launch(ctx, &what, NULL));
}

static void launch_smooth(const parts *of, uint32_t n, arguments args, int32_t processor)
{
  /* Either of the fields may have the lower number. */
  if (below(2))
    args.fields[1] = args.fields[2];
  const cohort_field_t fields[2] = {(cohort_field_t)args.fields[0], (cohort_field_t)args.fields[1]};
  const cohort_requirement_t needs[2] = {need(of->wide[n], 1, &fields[0], COHORT_READ_ONLY),
                                         need(of->region[n], 1, &fields[1], COHORT_READ_WRITE)};
  const field_view a = of_expected(args.fields[0], &of->around[n]), b = of_expected(args.fields[1], &of->own[n]);
  launch(smooth, &args, 2, needs, processor);
  do_smooth(&a, &b, args.number);
}

static void launch_set(const parts *of, uint32_t n, arguments args, int32_t processor)
{
  const cohort_field_t field = (cohort_field_t)args.fields[0];
  const cohort_requirement_t needs = need(of->region[n], 1, &field, COHORT_WRITE_DISCARD);
  const field_view a = of_expected(args.fields[0], &of->own[n]);
  launch(set, &args, 1, &needs, processor);
  do_set(&a, args.number);
}

static void launch_combine(const parts *of, uint32_t n, arguments args, int32_t processor)
{
  cohort_field_t fields[3];
  for (int f = 0; f < 3; f++)
    fields[f] = (cohort_field_t)args.fields[f];
  const cohort_requirement_t needs[2] = {need(of->region[n], 2, fields, COHORT_READ_ONLY),
                                         need(of->region[n], 1, &fields[2], COHORT_READ_WRITE)};
  const field_view a = of_expected(args.fields[0], &of->own[n]), b = of_expected(args.fields[1], &of->own[n]);
  const field_view c = of_expected(args.fields[2], &of->own[n]);
  launch(combine, &args, 2, needs, processor);
  do_combine(&a, &b, &c, args.number);
}

static void random_task(void)
{
  const uint32_t size = below(6);
  const parts *of = size == 0 ? &whole : size == 1 ? &halves : &tiles;
  const uint32_t n = below(of->count);
  const uint64_t own = bytes_of(&of->own[n]), around = bytes_of(&of->around[n]);
  const arguments args = random_arguments();
  switch (below(5)) {
  case 0:
    launch_set(of, n, args, random_processor(own));
    break;
  case 1:
  case 2:
    launch_combine(of, n, args, random_processor(3 * own));
    break;
  default:
    launch_smooth(of, n, args, random_processor(around + own));
  }
}

static void random_fill(void)
{
  const uint32_t n = below(TILES);
  const double value = below(1000);
  const arguments args = random_arguments();
  const cohort_field_t field = (cohort_field_t)args.fields[2];
  const field_view v = of_expected(args.fields[2], &tiles.own[n]);
  TRY(cohort_fill(ctx, tiles.region[n], 1, &field, &value, sizeof value));
  EACH_POINT(&v.on, i, j)
    *at(&v, i, j) = value;
}

static void random_copy(void)
{
  const uint32_t n = below(TILES);
  const arguments args = random_arguments();
  const cohort_field_t from = (cohort_field_t)args.fields[0], to = (cohort_field_t)args.fields[2];
  const field_view a = of_expected(args.fields[0], &tiles.around[n]), b = of_expected(args.fields[2], &tiles.around[n]);
  cohort_copy_t what = COHORT_COPY_INIT;
  what.source = what.destination = tiles.wide[n];
  what.source_fields = &from;
  what.destination_fields = &to;
  what.field_count = 1;
  TRY(cohort_copy(ctx, &what));
  EACH_POINT(&b.on, i, j)
    *at(&b, i, j) = *at(&a, i, j);
}

/* Looks at a field of a part while other operations are under way, and changes a point of it. */
static void random_look(void)
{
  const parts *of = below(2) ? &tiles : &halves;
  const uint32_t n = below(of->count);
  const arguments args = random_arguments();
  const cohort_field_t field = (cohort_field_t)args.fields[2];
  const cohort_requirement_t asked = need(of->region[n], 1, &field, COHORT_READ_WRITE);
  const field_view wanted = of_expected(args.fields[2], &of->own[n]);
  cohort_mapping_t mapping;
  cohort_view_t v;
  TRY(cohort_inline_map(ctx, &asked, &mapping));
  TRY(cohort_inline_view(mapping, field, COHORT_READ_WRITE, &v));
  const field_view found = {v.base, {v.stride[0] / 8, v.stride[1] / 8}, wanted.on};
  EACH_POINT(&wanted.on, i, j)
    if (*at(&found, i, j) != *at(&wanted, i, j))
      FAIL_HERE("field %d at %d, %d is %g instead of %g", args.fields[2], (int)i, (int)j, *at(&found, i, j), *at(&wanted, i, j));
  *at(&found, v.lo[0], v.lo[1]) = *at(&wanted, v.lo[0], v.lo[1]) = args.number;
  TRY(cohort_inline_unmap(&mapping));
}

/* Waits, looks at the program's own arrays, and changes one of them: it may. */
static void look_at_arrays(void)
{
  TRY(cohort_wait_all(ctx));
  for (int f = 0; f < ATTACHED; f++)
    EACH_POINT(&all, i, j)
      if (arrays[f][j][i] != expected[f][j][i])
        FAIL_HERE("array %d at %d, %d is %g instead of %g", f, (int)i, (int)j, arrays[f][j][i], expected[f][j][i]);
  const uint32_t f = below(ATTACHED), i = below(NX), j = below(NY);
  arrays[f][j][i] = expected[f][j][i] = below(1000);
}

static void random_step(void)
{
  const uint32_t choice = below(100);
  if (choice < 88)
    random_task();
  else if (choice < 91)
    random_fill();
  else if (choice < 94)
    random_copy();
  else if (choice < 98)
    random_look();
  else
    look_at_arrays();
}

static void set_up(cohort_runtime_t rt)
{
  const int64_t lo[2] = {0, 0}, hi[2] = {NX - 1, NY - 1}, stride[2] = {8, 8 * NX};
  cohort_index_space_t space;
  cohort_field_space_t fields;
  cohort_field_t first;
  TRY(cohort_index_space_create(rt, 2, lo, hi, &space));
  TRY(cohort_field_space_create(rt, &fields));
  TRY(cohort_fields_allocate(fields, 8, FIELDS, &first));
  TRY(cohort_region_create(rt, space, fields, &everything));
  CHECK(first == 0);
  for (cohort_field_t f = 0; f < ATTACHED; f++)
    TRY(cohort_attach(ctx, everything, 1, &f, arrays[f], stride, 0));
  smooth = task_with_kernel(rt, "smooth", smooth_on_host, text, 1);
  set = task_with_kernel(rt, "set", set_on_host, text, 0);
  combine = task_with_kernel(rt, "combine", combine_on_host, text, 1);
  tiles = make_parts(everything, TILES_X, TILES_Y);
  halves = make_parts(everything, 1, 2);
  whole = make_parts(everything, 1, 1);
  for (int f = 0; f < FIELDS; f++)
    launch_set(&whole, 0, (arguments){.number = f, .fields = {f}}, random_processor(bytes_of(&all)));
}

/* A task whose fields can never be there together. */
static void ask_for_too_much(void)
{
  const arguments args = {.number = 1, .fields = {0, ATTACHED, ATTACHED}};
  char taken[40], limit[40];
  if (!has_devices || capacity >= 2 * (bytes_of(&all) - ROUNDING))
    return;
  snprintf(taken, sizeof taken, "take %llu bytes", 2 * (unsigned long long)(bytes_of(&all) - ROUNDING));
  snprintf(limit, sizeof limit, "%llu bytes of device", (unsigned long long)capacity);
  launch_smooth(&whole, 0, args, COHORT_PROC_DEVICE);
  EXPECT(cohort_wait_all(ctx), COHORT_ERROR_RESOURCES, "\"smooth\" cannot run");
  CHECK(strstr(cohort_last_error(), taken) && strstr(cohort_last_error(), limit));
  /* What it would have written is lost, and the rest is as it was. */
  look_at_arrays();
}

int main(int count, char **values)
{
  const int programs = count > 1 ? atoi(values[1]) : PROGRAMS;
  cohort_runtime_t rt;
  has_devices = devices_are_there();
  capacity = device_memory();
  TRY(cohort_init(NULL, &rt));
  TRY(cohort_root_context(rt, &ctx));
  random_state = 1;
  set_up(rt);
  for (int program = 0; program < programs; program++) {
    seed(program);
    for (int step = 0; step < STEPS; step++)
      random_step();
    look_at_arrays();
    if (ran_on_host != meant_for_host)
      FAIL_HERE("program %d: %d tasks ran on the host, %d were to", program, ran_on_host, meant_for_host);
  }
  ask_for_too_much();
  TRY(cohort_finalize(&rt));
  puts("PASSED");
  return 0;
}
