/* Random programs of copies with gather and scatter between a plane and a line whose fields name each other's points, with tasks on devices and on
 * the host between them: what is read from outside must be what the same operations give one after another, to the last bit. Values are of such
 * sizes that a sum in another order is another. Then values that name points elsewhere. An argument says how many programs. */
#include "random_programs.h"

enum { PLANE, LINE, SIDES, STEPS = 250, PROGRAMS = 3, MOST = 200 };
/* Three numbers, points of the other side as integers of 4 and of 8 bytes, elements of three bytes. */
enum { NUMBERS = 3, NARROW = NUMBERS, WIDE, COLOUR, FIELDS };
/* The whole and its two halves. */
enum { PARTS = 3 };

typedef struct {
  int64_t number, dim, lo[2], count[2], strays;
} arguments;

typedef struct {
  int64_t lo[2], hi[2];
} box;

static const char *const text =
  "typedef struct { long number, dim, lo[2], count[2], strays; } arguments;\n"
  "#define E ((i - e.lo[0]) + (e.hi[0] - e.lo[0] + 1) * (j - e.lo[1]))\n"
  "COHORT_KERNEL void set(COHORT_GLOBAL double *x, cohort_extent e, arguments args)\n"
  "{\n"
  "  COHORT_POINT(e, i, j, k)\n"
  "  COHORT_AT(x, e, i, j, k) = (double)((args.number + 7 * E) % 101) * ((args.number + E) % 7 == 0 ? 1e16 : 1);\n"
  "}\n"
  "COHORT_KERNEL void add(COHORT_GLOBAL double *x, cohort_extent e, arguments args)\n"
  "{\n"
  "  COHORT_POINT(e, i, j, k)\n"
  "  COHORT_AT(x, e, i, j, k) += (double)args.number;\n"
  "}\n"
  "#define AIM(name, type)                                                                                      \\\n"
  "COHORT_KERNEL void name(COHORT_GLOBAL type *x, cohort_extent e, arguments args)                              \\\n"
  "{                                                                                                            \\\n"
  "  COHORT_POINT(e, i, j, k)                                                                                   \\\n"
  "  const long at = COHORT_ELEMENT(e, i, j, k) * args.dim, n = E;                                              \\\n"
  "  const int astray = args.strays && n % 11 == 3;                                                             \\\n"
  "  x[at] = (type)(astray ? args.lo[0] - 1 - n % 2 * 100000 : args.lo[0] + (args.number + 5 * n) % args.count[0]); \\\n"
  "  if (args.dim > 1) x[at + 1] = (type)(args.lo[1] + (args.number / 3 + 7 * n + n / args.count[0]) % args.count[1]); \\\n"
  "}\n"
  "AIM(narrow, int)\n"
  "AIM(wide, long)\n"
  "COHORT_KERNEL void paint(COHORT_GLOBAL unsigned char *x, cohort_extent e, arguments args)\n"
  "{\n"
  "  COHORT_POINT(e, i, j, k)\n"
  "  for (int c = 0; c < 3; c++) x[COHORT_ELEMENT(e, i, j, k) * 3 + c] = (unsigned char)(args.number + 3 * E + c);\n"
  "}\n";

static const box bounds[SIDES] = {{{3, -2}, {18, 9}}, {{10, 0}, {159, 0}}};
static cohort_runtime_t rt;
static cohort_context_t ctx;
static cohort_region_t region[SIDES][PARTS];
static box part[SIDES][PARTS];
static cohort_task_t set, add, narrow, wide, paint;
static bool has_devices;

/* What everything ought to be. */
static double number[SIDES][NUMBERS][MOST];
static int64_t names[SIDES][2][MOST][2];
static unsigned char colour[SIDES][MOST][3];
static bool strays[SIDES][2];

static int64_t width(const box *b)
{
  return b->hi[0] - b->lo[0] + 1;
}

/* Of a point of a side. */
static int64_t element(int side, const int64_t *p)
{
  return p[0] - bounds[side].lo[0] + width(&bounds[side]) * (p[1] - bounds[side].lo[1]);
}

static bool is_in(const box *b, const int64_t *p)
{
  return p[0] >= b->lo[0] && p[0] <= b->hi[0] && p[1] >= b->lo[1] && p[1] <= b->hi[1];
}

static double set_value(const arguments *args, int64_t n)
{
  return (double)((args->number + 7 * n) % 101) * ((args->number + n) % 7 == 0 ? 1e16 : 1);
}

static void aimed(const arguments *args, int64_t n, int64_t *p)
{
  p[0] = args->strays && n % 11 == 3 ? args->lo[0] - 1 - n % 2 * 100000 : args->lo[0] + (args->number + 5 * n) % args->count[0];
  p[1] = args->dim > 1 ? args->lo[1] + (args->number / 3 + 7 * n + n / args->count[0]) % args->count[1] : 0;
}

/* The body on the host of each kind of task, by what it does to the element n at `at`. */
static int32_t each(cohort_context_t task, cohort_field_t field, void (*change)(void *at, const arguments *args, int64_t n))
{
  arguments args;
  cohort_view_t v;
  int64_t n = 0;
  TRY(cohort_task_args_get(task, &args, sizeof args));
  TRY(cohort_view(task, 0, field, COHORT_READ_WRITE, &v));
  for (int64_t j = 0; j <= (v.dim > 1 ? v.hi[1] - v.lo[1] : 0); j++)
    for (int64_t i = 0; i <= v.hi[0] - v.lo[0]; i++)
      change((char *)v.base + i * v.stride[0] + (v.dim > 1 ? j * v.stride[1] : 0), &args, n++);
  return 0;
}

static void set_one(void *at, const arguments *args, int64_t n)
{
  *(double *)at = set_value(args, n);
}

static void add_one(void *at, const arguments *args, int64_t n)
{
  (void)n;
  *(double *)at += (double)args->number;
}

static void narrow_one(void *at, const arguments *args, int64_t n)
{
  int64_t p[2];
  aimed(args, n, p);
  for (int64_t d = 0; d < args->dim; d++)
    ((int32_t *)at)[d] = (int32_t)p[d];
}

static void wide_one(void *at, const arguments *args, int64_t n)
{
  int64_t p[2];
  aimed(args, n, p);
  memcpy(at, p, sizeof(int64_t) * (size_t)args->dim);
}

static void paint_one(void *at, const arguments *args, int64_t n)
{
  for (int c = 0; c < 3; c++)
    ((unsigned char *)at)[c] = (unsigned char)(args->number + 3 * n + c);
}

#define ON_HOST(name, field)                                    \
  static int32_t name##_on_host(cohort_context_t task, void *user) \
  {                                                             \
    return each(task, *(const cohort_field_t *)user, name##_one); \
  }
ON_HOST(set, field)
ON_HOST(add, field)
ON_HOST(narrow, field)
ON_HOST(wide, field)
ON_HOST(paint, field)

/* A kind of task for each field, so that its body on the host knows the field. */
static cohort_task_t task_of(const char *name, cohort_task_function_t on_host, cohort_field_t field)
{
  static cohort_field_t fields[FIELDS];
  cohort_task_t task;
  cohort_kernel_t kernel = COHORT_KERNEL_INIT;
  kernel.source = text;
  kernel.name = name;
  fields[field] = field;
  TRY(cohort_task_register(rt, name, on_host, &fields[field], COHORT_TASK_LEAF, &task));
  TRY(cohort_task_kernel(task, &kernel));
  return task;
}

static void launch(cohort_task_t task, int side, cohort_field_t field, const arguments *args)
{
  const cohort_requirement_t need = {.region = region[side][0], .fields = &field, .field_count = 1, .privilege = COHORT_READ_WRITE};
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  launch.task = task;
  launch.args = args;
  launch.args_size = sizeof *args;
  launch.requirements = &need;
  launch.requirement_count = 1;
  launch.processor = has_devices && below(5) ? COHORT_PROC_DEVICE : COHORT_PROC_CPU;
  TRY(cohort_launch(ctx, &launch, NULL));
}

static arguments arguments_for(int other, bool astray)
{
  const box *b = &bounds[other];
  return (arguments){.number = below(1000), .dim = other == PLANE ? 2 : 1, .lo = {b->lo[0], b->lo[1]},
                     .count = {width(b), b->hi[1] - b->lo[1] + 1}, .strays = astray};
}

static void aim(int side, int which, bool astray)
{
  const arguments args = arguments_for(1 - side, astray);
  launch(which ? wide : narrow, side, which ? WIDE : NARROW, &args);
  strays[side][which] = astray;
  for (int64_t n = 0; n < MOST; n++)
    aimed(&args, n, names[side][which][n]);
}

static void random_task(void)
{
  const int side = (int)below(SIDES);
  const arguments args = arguments_for(1 - side, false);
  const uint32_t kind = below(10);
  if (kind < 4)
    return aim(side, (int)below(2), below(3) == 0);
  if (kind == 4) {
    launch(paint, side, COLOUR, &args);
    for (int64_t n = 0; n < MOST; n++)
      paint_one(colour[side][n], &args, n);
    return;
  }
  /* Kinds of tasks know one field on the host: numbers are changed in turns with copies between fields. */
  launch(kind < 8 ? set : add, side, 0, &args);
  for (int64_t n = 0; n < MOST; n++)
    if (kind < 8)
      number[side][0][n] = set_value(&args, n);
    else
      number[side][0][n] += (double)args.number;
}

static void put(double *into, double from, int32_t operator)
{
  if (operator == COHORT_SUM)
    *into += from;
  else if (operator == COHORT_MIN)
    *into = *into < from ? *into : from;
  else
    *into = from;
}

/* Values at `at` name points of the other side, from which or to which elements go; or both. */
static void random_copy(void)
{
  const int at = (int)below(SIDES), other = 1 - at;
  const uint32_t kind = below(5), of_at = below(PARTS), of_named = below(4) ? 0 : below(PARTS);
  const bool gathers = kind < 2 || kind == 4, scatters = kind >= 2;
  const int source = gathers ? other : at, destination = scatters ? other : at;
  const int by[2] = {(int)below(2), (int)below(2)};
  const uint32_t own = below(2) ? of_at : 0;
  const bool paints = !(gathers && scatters) && below(6) == 0;
  const int32_t operator = paints || below(2) ? COHORT_REDUCTION_NONE : below(2) ? COHORT_SUM : COHORT_MIN;
  uint32_t count = paints || (gathers && scatters) ? 1 : 1 + below(2);
  const uint32_t from = below(NUMBERS - count + 1);
  const uint32_t to = gathers && scatters ? (from + 1) % NUMBERS : below(NUMBERS - count + 1);
  const cohort_field_t from_fields[] = {paints ? COLOUR : from, from + 1}, to_fields[] = {paints ? COLOUR : to, to + 1};
  const bool misses = of_named || (gathers && strays[at][by[0]]) || (scatters && strays[at][by[1]]);
  cohort_copy_t copy = COHORT_COPY_INIT;
  const box *from_box = gathers ? &part[source][of_named] : &part[source][own];
  const box *to_box = scatters ? &part[destination][of_named] : &part[destination][own];
  copy.source = gathers ? region[source][of_named] : region[source][own];
  copy.destination = scatters ? region[destination][of_named] : region[destination][own];
  copy.source_fields = from_fields;
  copy.destination_fields = to_fields;
  copy.field_count = count;
  copy.reduction = operator;
  copy.reduction_type = operator == COHORT_REDUCTION_NONE ? 0 : COHORT_DOUBLE;
  copy.flags = misses || below(4) == 0 ? COHORT_COPY_SKIP_OUT_OF_RANGE : 0;
  if (gathers) {
    copy.gather = region[at][of_at];
    copy.gather_field = by[0] ? WIDE : NARROW;
  }
  if (scatters) {
    copy.scatter = region[at][of_at];
    copy.scatter_field = by[1] ? WIDE : NARROW;
  }
  TRY(cohort_copy(ctx, &copy));
  for (int64_t j = part[at][of_at].lo[1]; j <= part[at][of_at].hi[1]; j++)
    for (int64_t i = part[at][of_at].lo[0]; i <= part[at][of_at].hi[0]; i++) {
      const int64_t point[2] = {i, j}, n = element(at, point);
      const int64_t *a = gathers ? names[at][by[0]][n] : point, *b = scatters ? names[at][by[1]][n] : point;
      if (!is_in(from_box, a) || !is_in(to_box, b))
        continue;
      const int64_t start = element(source, a), end = element(destination, b);
      if (paints)
        memcpy(colour[destination][end], colour[source][start], 3);
      else
        for (uint32_t f = 0; f < count; f++)
          put(&number[destination][to + f][end], number[source][from + f][start], operator);
    }
}

static void look(int side)
{
  const cohort_field_t fields[] = {0, 1, 2, COLOUR};
  const cohort_requirement_t asked = {.region = region[side][0], .fields = fields, .field_count = 4, .privilege = COHORT_READ_ONLY};
  cohort_mapping_t mapping;
  TRY(cohort_inline_map(ctx, &asked, &mapping));
  for (int f = 0; f < 4; f++) {
    cohort_view_t v;
    TRY(cohort_inline_view(mapping, fields[f], COHORT_READ_ONLY, &v));
    for (int64_t j = bounds[side].lo[1]; j <= bounds[side].hi[1]; j++)
      for (int64_t i = bounds[side].lo[0]; i <= bounds[side].hi[0]; i++) {
        const int64_t point[2] = {i, j}, n = element(side, point);
        const char *at = (const char *)v.base + (i - bounds[side].lo[0]) * v.stride[0] + (v.dim > 1 ? (j - bounds[side].lo[1]) * v.stride[1] : 0);
        if (f == 3 ? memcmp(at, colour[side][n], 3) != 0 : *(const double *)at != number[side][f][n])
          FAIL_HERE("side %d, field %d at %d, %d: %.17g instead of %.17g", side, f, (int)i, (int)j, f == 3 ? 0 : *(const double *)at, f == 3 ? 0 : number[side][f][n]);
      }
  }
  TRY(cohort_inline_unmap(&mapping));
}

/* A copy that does not skip them fails before anything is copied, in the same words wherever it is. */
static void strays_fail(void)
{
  const cohort_field_t zero = 0, one = 1;
  for (int scatters = 0; scatters < 2; scatters++) {
    cohort_copy_t copy = COHORT_COPY_INIT;
    const arguments args = arguments_for(LINE, false);
    launch(set, PLANE, 0, &args);
    launch(set, LINE, 0, &args);
    for (int side = 0; side < SIDES; side++)
      for (int64_t n = 0; n < MOST; n++)
        number[side][0][n] = set_value(&args, n);
    aim(LINE, 1, true);
    copy.source = region[scatters ? LINE : PLANE][0];
    copy.destination = region[scatters ? PLANE : LINE][0];
    copy.source_fields = &zero;
    copy.destination_fields = &one;
    copy.field_count = 1;
    *(scatters ? &copy.scatter : &copy.gather) = region[LINE][0];
    *(scatters ? &copy.scatter_field : &copy.gather_field) = WIDE;
    TRY(cohort_copy(ctx, &copy));
    EXPECT(cohort_wait_all(ctx), COHORT_ERROR_TASK_FAILED, scatters ? "scatter: field 4 at [13] names [-99998, " : "gather: field 4 at [13] names [-99998, ");
    look(PLANE);
    look(LINE);
  }
}

static void set_up(void)
{
  for (int side = 0; side < SIDES; side++) {
    const int32_t dim = side == PLANE ? 2 : 1;
    const size_t bytes[FIELDS] = {8, 8, 8, 4 * (size_t)(3 - dim), 8 * (size_t)(3 - dim), 3};
    const int64_t halves[2] = {2, 1};
    cohort_index_space_t space;
    cohort_field_space_t fields;
    cohort_field_t field;
    cohort_partition_t blocks;
    TRY(cohort_index_space_create(rt, dim, bounds[side].lo, bounds[side].hi, &space));
    TRY(cohort_field_space_create(rt, &fields));
    for (int f = 0; f < FIELDS; f++)
      TRY(cohort_field_allocate(fields, bytes[f], NULL, &field));
    TRY(cohort_region_create(rt, space, fields, &region[side][0]));
    TRY(cohort_partition_blocks(region[side][0], halves, &blocks));
    for (uint32_t n = 0; n < 2; n++)
      TRY(cohort_subregion(blocks, n, &region[side][n + 1]));
    for (int p = 0; p < PARTS; p++) {
      int64_t lo[3] = {0}, hi[3] = {0};
      int32_t found;
      TRY(cohort_region_bounds(region[side][p], &found, lo, hi));
      memcpy(part[side][p].lo, lo, sizeof part[side][p].lo);
      memcpy(part[side][p].hi, hi, sizeof part[side][p].hi);
    }
  }
  set = task_of("set", set_on_host, 0);
  add = task_of("add", add_on_host, 0);
  narrow = task_of("narrow", narrow_on_host, NARROW);
  wide = task_of("wide", wide_on_host, WIDE);
  paint = task_of("paint", paint_on_host, COLOUR);
}

int main(int count, char **values)
{
  const int programs = count > 1 ? atoi(values[1]) : PROGRAMS;
  has_devices = devices_are_there();
  TRY(cohort_init(NULL, &rt));
  TRY(cohort_root_context(rt, &ctx));
  set_up();
  for (int program = 0; program < programs; program++) {
    seed(program);
    for (int side = 0; side < SIDES; side++)
      for (int which = 0; which < 2; which++)
        aim(side, which, false);
    for (int step = 0; step < STEPS; step++) {
      const uint32_t choice = below(100);
      if (choice < 45)
        random_task();
      else if (choice < 97)
        random_copy();
      else
        look((int)below(SIDES));
    }
    look(PLANE);
    look(LINE);
  }
  strays_fail();
  TRY(cohort_wait_all(ctx));
  TRY(cohort_finalize(&rt));
  puts("PASSED");
  return 0;
}
