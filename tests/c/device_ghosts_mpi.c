/* A ring of ranks with several tiles each: tasks on devices, and on the host by chance, compute tiles from those beside them. Tiles of one
 * rank exchange their edges by copies, those of different ranks through ghost regions: tasks use them as they are, between acquire
 * and release or with barriers of their own, or copies with barriers bring them to other regions first. Whole numbers, so that every result is exact. */
#include <cohort_mpi.h>
#include "random_programs.h"
#include <math.h>

enum { WIDTH = 11, HEIGHT = 7, VALUES = 3, TILES = 3, STEPS = 60, SLOTS = 2, MOST_RANKS = 4 };
enum { LEFT, RIGHT, SIDES, POINTS = WIDTH * TILES, CHECKED = 12 };

static const char *const text =
  "COHORT_FUNCTION double value(double own, double left, double right, double other, long step)\n"
  "{\n"
  "  return fmod(2 * own + left + 3 * right + other + step, 65521.0);\n"
  "}\n"
  "COHORT_KERNEL void advance(COHORT_GLOBAL const double *a, cohort_extent ea, COHORT_GLOBAL const double *l, cohort_extent el,\n"
  "                           COHORT_GLOBAL const double *r, cohort_extent er, COHORT_GLOBAL double *b, cohort_extent eb, long step)\n"
  "{\n"
  "  COHORT_POINT(eb, i, j, k)\n"
  "  for (int f = 0; f < 3; f++) {\n"
  "    double left = i > ea.lo[0] ? COHORT_FIELD(a, ea, f, i - 1, j, k) : COHORT_FIELD(l, el, f, i - 1, j, k);\n"
  "    double right = i < ea.hi[0] ? COHORT_FIELD(a, ea, f, i + 1, j, k) : COHORT_FIELD(r, er, f, i + 1, j, k);\n"
  "    COHORT_FIELD(b, eb, f, i, j, k) = value(COHORT_FIELD(a, ea, f, i, j, k), left, right, COHORT_FIELD(a, ea, (f + 1) % 3, i, j, k), step);\n"
  "  }\n"
  "}\n";

static double value(double own, double left, double right, double other, int64_t step)
{
  return fmod(2 * own + left + 3 * right + other + (double)step, 65521.0);
}

typedef struct {
  cohort_ghost_t ghost;
  cohort_phase_barrier_t full, empty;
} door;

static cohort_runtime_t rt;
static cohort_context_t ctx;
static int me, ranks;
static cohort_task_t advance;
static cohort_region_t tile[TILES];
/* What lies beside each tile. */
static cohort_region_t beside[TILES][SIDES];
static cohort_region_t ghost[SIDES], theirs[SIDES];
static door mine[SIDES], other[SIDES];
static double expected[SLOTS][VALUES][HEIGHT][MOST_RANKS * POINTS];
static bool has_devices;

static double *at(const cohort_view_t *v, int64_t i, int64_t j)
{
  return (double *)((char *)v->base + (i - v->lo[0]) * v->stride[0] + (j - v->lo[1]) * v->stride[1]);
}

/* The fields of a step's slot. */
static cohort_field_t field(int64_t step, int f)
{
  return (cohort_field_t)(step % SLOTS * VALUES + f);
}

static int32_t advance_on_host(cohort_context_t task, void *user)
{
  int64_t step;
  cohort_view_t a[VALUES], l[VALUES], r[VALUES], b;
  (void)user;
  TRY(cohort_task_args_get(task, &step, sizeof step));
  for (int f = 0; f < VALUES; f++) {
    TRY(cohort_view(task, 0, field(step, f), COHORT_READ_ONLY, &a[f]));
    TRY(cohort_view(task, 1, field(step, f), COHORT_READ_ONLY, &l[f]));
    TRY(cohort_view(task, 2, field(step, f), COHORT_READ_ONLY, &r[f]));
  }
  for (int f = 0; f < VALUES; f++) {
    TRY(cohort_view(task, 3, field(step + 1, f), COHORT_WRITE_DISCARD, &b));
    for (int64_t j = b.lo[1]; j <= b.hi[1]; j++)
      for (int64_t i = b.lo[0]; i <= b.hi[0]; i++) {
        const double left = *(i > b.lo[0] ? at(&a[f], i - 1, j) : at(&l[f], i - 1, j));
        const double right = *(i < b.hi[0] ? at(&a[f], i + 1, j) : at(&r[f], i + 1, j));
        *at(&b, i, j) = value(*at(&a[f], i, j), left, right, *at(&a[(f + 1) % VALUES], i, j), step);
      }
  }
  return 0;
}

/* The same, of the whole ring, one step after another. */
static void expect(int64_t step)
{
  const int64_t n = (int64_t)ranks * POINTS;
  for (int f = 0; f < VALUES; f++)
    for (int64_t j = 0; j < HEIGHT; j++)
      for (int64_t i = 0; i < n; i++) {
        const double *row = expected[step % SLOTS][f][j];
        expected[(step + 1) % SLOTS][f][j][i] =
          value(row[i], row[(i + n - 1) % n], row[(i + 1) % n], expected[step % SLOTS][(f + 1) % VALUES][j][i], step);
      }
}

static cohort_copy_t copy_of(cohort_region_t from, cohort_region_t to, const cohort_field_t *fields)
{
  cohort_copy_t copy = COHORT_COPY_INIT;
  copy.source = from;
  copy.destination = to;
  copy.source_fields = copy.destination_fields = fields;
  copy.field_count = VALUES;
  return copy;
}

/* The edge of a tile goes to the neighbour when the slot is empty. */
static void send(int side, const cohort_field_t *fields, int64_t step)
{
  cohort_copy_t copy = copy_of(tile[side == LEFT ? 0 : TILES - 1], theirs[side], fields);
  if (side == LEFT && me == 0)
    copy.shift[0] = (int64_t)ranks * POINTS;
  if (side == RIGHT && me == ranks - 1)
    copy.shift[0] = -(int64_t)ranks * POINTS;
  copy.arrive_barriers = &other[side].full;
  copy.arrive_barrier_count = 1;
  if (step >= SLOTS) {
    copy.wait_barriers = &other[side].empty;
    copy.wait_barrier_count = 1;
  }
  TRY(cohort_copy(ctx, &copy));
  TRY(cohort_phase_barrier_advance(other[side].full, &other[side].full));
  if (step >= 1)
    TRY(cohort_phase_barrier_advance(other[side].empty, &other[side].empty));
}

static void take(int side, const cohort_field_t *fields)
{
  cohort_sync_t sync = COHORT_SYNC_INIT;
  sync.region = ghost[side];
  sync.fields = fields;
  sync.field_count = VALUES;
  sync.wait_barriers = &mine[side].full;
  sync.wait_barrier_count = 1;
  TRY(cohort_acquire(ctx, &sync));
}

static void give_back(int side, const cohort_field_t *fields)
{
  cohort_sync_t sync = COHORT_SYNC_INIT;
  sync.region = ghost[side];
  sync.fields = fields;
  sync.field_count = VALUES;
  sync.arrive_barriers = &mine[side].empty;
  sync.arrive_barrier_count = 1;
  TRY(cohort_release(ctx, &sync));
}

/* The copy alone waits until the ghost is full, and says when it is empty. */
static void unpack(int side, const cohort_field_t *fields)
{
  cohort_copy_t copy = copy_of(ghost[side], beside[side == LEFT ? 0 : TILES - 1][side], fields);
  copy.wait_barriers = &mine[side].full;
  copy.wait_barrier_count = 1;
  copy.arrive_barriers = &mine[side].empty;
  copy.arrive_barrier_count = 1;
  TRY(cohort_copy(ctx, &copy));
}

/* How a step uses a ghost: each way after each, since what one leaves behind matters to the next. */
enum { BY_TASK, BY_COPY, ACQUIRED };

static int way(int side, int64_t step)
{
  static const int ways[] = {BY_TASK, BY_TASK, BY_COPY, BY_COPY, ACQUIRED, ACQUIRED, BY_TASK, ACQUIRED, BY_COPY};
  return ways[(uint64_t)(step / SLOTS + side) % (sizeof ways / sizeof *ways)];
}

static cohort_region_t neighbour(int t, int side, int64_t step)
{
  const bool last = t == (side == LEFT ? 0 : TILES - 1);
  return last && way(side, step) != BY_COPY ? ghost[side] : beside[t][side];
}

static void launch_step(int t, int64_t step, const cohort_field_t *now, const cohort_field_t *next)
{
  const cohort_requirement_t needs[4] = {
    {.region = tile[t], .fields = now, .field_count = VALUES, .privilege = COHORT_READ_ONLY},
    {.region = neighbour(t, LEFT, step), .fields = now, .field_count = VALUES, .privilege = COHORT_READ_ONLY},
    {.region = neighbour(t, RIGHT, step), .fields = now, .field_count = VALUES, .privilege = COHORT_READ_ONLY},
    {.region = tile[t], .fields = next, .field_count = VALUES, .privilege = COHORT_WRITE_DISCARD},
  };
  cohort_phase_barrier_t full[SIDES], empty[SIDES];
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  launch.wait_barriers = full;
  launch.arrive_barriers = empty;
  for (int side = 0; side < SIDES; side++)
    if (t == (side == LEFT ? 0 : TILES - 1) && way(side, step) == BY_TASK) {
      full[launch.wait_barrier_count++] = mine[side].full;
      empty[launch.arrive_barrier_count++] = mine[side].empty;
    }
  launch.task = advance;
  launch.args = &step;
  launch.args_size = sizeof step;
  launch.requirements = needs;
  launch.requirement_count = 4;
  launch.processor = has_devices && below(5) > 0 ? COHORT_PROC_DEVICE : COHORT_PROC_CPU;
  TRY(cohort_launch(ctx, &launch, NULL));
}

static void take_step(int64_t step)
{
  cohort_field_t now[VALUES], next[VALUES];
  for (int f = 0; f < VALUES; f++) {
    now[f] = field(step, f);
    next[f] = field(step + 1, f);
  }
  send(LEFT, now, step);
  send(RIGHT, now, step);
  for (int t = 0; t < TILES - 1; t++) {
    const cohort_copy_t onward = copy_of(tile[t], beside[t + 1][LEFT], now), back = copy_of(tile[t + 1], beside[t][RIGHT], now);
    TRY(cohort_copy(ctx, &onward));
    TRY(cohort_copy(ctx, &back));
  }
  for (int side = 0; side < SIDES; side++) {
    TRY(cohort_phase_barrier_advance(mine[side].full, &mine[side].full));
    if (way(side, step) == ACQUIRED)
      take(side, now);
    if (way(side, step) == BY_COPY)
      unpack(side, now);
  }
  for (int t = 0; t < TILES; t++)
    launch_step(t, step, now, next);
  for (int side = 0; side < SIDES; side++) {
    if (way(side, step) == ACQUIRED)
      give_back(side, now);
    TRY(cohort_phase_barrier_advance(mine[side].empty, &mine[side].empty));
  }
  expect(step);
}

static void look(int64_t step)
{
  for (int t = 0; t < TILES; t++)
    for (int f = 0; f < VALUES; f++) {
      const cohort_field_t asked_field = field(step, f);
      const cohort_requirement_t asked = {.region = tile[t], .fields = &asked_field, .field_count = 1, .privilege = COHORT_READ_ONLY};
      cohort_mapping_t mapping;
      cohort_view_t v;
      TRY(cohort_inline_map(ctx, &asked, &mapping));
      TRY(cohort_inline_view(mapping, asked_field, COHORT_READ_ONLY, &v));
      for (int64_t j = 0; j < HEIGHT; j++)
        for (int64_t i = v.lo[0]; i <= v.hi[0]; i++)
          if (*at(&v, i, j) != expected[step % SLOTS][f][j][i])
            FAIL_HERE("step %d, value %d at %d, %d is %.0f instead of %.0f", (int)step, f, (int)i, (int)j, *at(&v, i, j),
                      expected[step % SLOTS][f][j][i]);
      TRY(cohort_inline_unmap(&mapping));
    }
}

static cohort_index_space_t columns(int64_t from, int64_t to)
{
  const int64_t lo[2] = {from, 0}, hi[2] = {to, HEIGHT - 1};
  cohort_index_space_t space;
  TRY(cohort_index_space_create(rt, 2, lo, hi, &space));
  return space;
}

static void fill_first(int t)
{
  for (cohort_field_t f = 0; f < VALUES; f++) {
    const cohort_requirement_t asked = {.region = tile[t], .fields = &f, .field_count = 1, .privilege = COHORT_WRITE_DISCARD};
    cohort_mapping_t mapping;
    cohort_view_t v;
    TRY(cohort_inline_map(ctx, &asked, &mapping));
    TRY(cohort_inline_view(mapping, f, COHORT_WRITE_DISCARD, &v));
    for (int64_t j = 0; j < HEIGHT; j++)
      for (int64_t i = v.lo[0]; i <= v.hi[0]; i++)
        *at(&v, i, j) = expected[0][f][j][i];
    TRY(cohort_inline_unmap(&mapping));
  }
}

static void set_up(void)
{
  cohort_field_space_t fields;
  cohort_field_t first;
  cohort_kernel_t kernel = COHORT_KERNEL_INIT;
  const int64_t start = (int64_t)me * POINTS;
  TRY(cohort_field_space_create(rt, &fields));
  TRY(cohort_fields_allocate(fields, sizeof(double), SLOTS * VALUES, &first));
  TRY(cohort_ghost_create(rt, columns(start - 1, start - 1), fields, &ghost[LEFT]));
  TRY(cohort_ghost_create(rt, columns(start + POINTS, start + POINTS), fields, &ghost[RIGHT]));
  for (int side = 0; side < SIDES; side++) {
    TRY(cohort_ghost_export(ghost[side], &mine[side].ghost));
    TRY(cohort_phase_barrier_create(rt, 1, &mine[side].full));
    TRY(cohort_phase_barrier_create(rt, 1, &mine[side].empty));
  }
  const int left = (me + ranks - 1) % ranks, right = (me + 1) % ranks, bytes = (int)sizeof(door);
  MPI_Sendrecv(&mine[LEFT], bytes, MPI_BYTE, left, 0, &other[RIGHT], bytes, MPI_BYTE, right, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  MPI_Sendrecv(&mine[RIGHT], bytes, MPI_BYTE, right, 1, &other[LEFT], bytes, MPI_BYTE, left, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  for (int side = 0; side < SIDES; side++)
    TRY(cohort_ghost_import(rt, &other[side].ghost, &theirs[side]));
  for (int t = 0; t < TILES; t++) {
    const int64_t lo = start + t * WIDTH, hi = lo + WIDTH - 1;
    TRY(cohort_region_create(rt, columns(lo, hi), fields, &tile[t]));
    TRY(cohort_region_create(rt, columns(lo - 1, lo - 1), fields, &beside[t][LEFT]));
    TRY(cohort_region_create(rt, columns(hi + 1, hi + 1), fields, &beside[t][RIGHT]));
  }
  TRY(cohort_task_register(rt, "advance", advance_on_host, NULL, COHORT_TASK_LEAF, &advance));
  kernel.source = text;
  kernel.name = "advance";
  kernel.grid_requirement = 3;
  TRY(cohort_task_kernel(advance, &kernel));
}

int main(int argc, char **argv)
{
  int provided;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
  MPI_Comm_rank(MPI_COMM_WORLD, &me);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  CHECK(ranks <= MOST_RANKS);
  has_devices = devices_are_there();
  seed(me);
  TRY(cohort_init_mpi(MPI_COMM_WORLD, NULL, &rt));
  TRY(cohort_root_context(rt, &ctx));
  set_up();
  for (int f = 0; f < VALUES; f++)
    for (int j = 0; j < HEIGHT; j++)
      for (int i = 0; i < ranks * POINTS; i++)
        expected[0][f][j][i] = 100 * f + 7 * i + 13 * j;
  for (int t = 0; t < TILES; t++)
    fill_first(t);
  for (int64_t step = 0; step < STEPS; step++) {
    if (step % CHECKED == 0)
      look(step);
    take_step(step);
  }
  look(STEPS);
  TRY(cohort_wait_all(ctx));
  /* Nobody gives a ghost region back while another rank still uses it. */
  MPI_Barrier(MPI_COMM_WORLD);
  for (int side = 0; side < SIDES; side++)
    TRY(cohort_region_destroy(&theirs[side]));
  MPI_Barrier(MPI_COMM_WORLD);
  TRY(cohort_finalize(&rt));
  MPI_Finalize();
  puts("PASSED");
  return 0;
}
