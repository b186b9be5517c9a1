/* Fields that tasks on a device use in place: kernels and the host take turns at them and nothing is copied, also where the device has no
 * room for them; then a mapper chooses otherwise, where that can be. Without devices the wish is refused and nothing else changes. */
#include <cohort.h>
#include "testing.h"
enum { NX = 64, NY = 48, TILES = 6, STEPS = 6, U = 0, V, W, ARRAY, FIELDS };

/* Small whole numbers, on which no arithmetic rounds. */
static const char *const text =
  "COHORT_KERNEL void sweep(COHORT_GLOBAL const double *u, cohort_extent of_u, COHORT_GLOBAL double *vw, cohort_extent of_vw)\n"
  "{\n"
  "  COHORT_POINT(of_vw, i, j, k)\n"
  "  COHORT_FIELD(vw, of_vw, 0, i, j, k) += COHORT_AT(u, of_u, i, j, k) + i;\n"
  "  COHORT_FIELD(vw, of_vw, 1, i, j, k) -= COHORT_AT(u, of_u, i, j, k) - j;\n"
  "}\n"
  "COHORT_KERNEL void gather(COHORT_GLOBAL const double *w, cohort_extent of_w, COHORT_GLOBAL double *a, cohort_extent of_a)\n"
  "{\n"
  "  COHORT_POINT(of_a, i, j, k)\n"
  "  COHORT_AT(a, of_a, i, j, k) += COHORT_AT(w, of_w, i, j, k);\n"
  "}\n";

static struct {
  /* By number: the device's own, and that of the host which it uses in place; -1 where there is no device. */
  int32_t of_device, in_place;
  int mapped;
} machine;
static int on_host[2];
static double array[NY][NX], expected[FIELDS][NY][NX];

static double *at(const cohort_view_t *view, int64_t i, int64_t j)
{
  return (double *)((char *)view->base + (i - view->lo[0]) * view->stride[0] + (j - view->lo[1]) * view->stride[1]);
}

static int32_t not_here(cohort_context_t task, void *user)
{
  (void)user;
  return cohort_task_fail(task, "ran on the host"), 1;
}

static int32_t gather(cohort_context_t task, void *user)
{
  cohort_view_t w, a;
  (void)user;
  TRY(cohort_view(task, 0, W, COHORT_READ_ONLY, &w));
  TRY(cohort_view(task, 1, ARRAY, COHORT_READ_WRITE, &a));
  for (int64_t j = a.lo[1]; j <= a.hi[1]; j++)
    for (int64_t i = a.lo[0]; i <= a.hi[0]; i++)
      *at(&a, i, j) += *at(&w, i, j);
  __atomic_fetch_add(&on_host[1], 1, __ATOMIC_RELAXED);
  return 0;
}

static int32_t turn(cohort_context_t task, void *user)
{
  cohort_view_t u, v;
  (void)user;
  TRY(cohort_view(task, 0, V, COHORT_READ_ONLY, &v));
  TRY(cohort_view(task, 1, U, COHORT_READ_WRITE, &u));
  for (int64_t j = u.lo[1]; j <= u.hi[1]; j++)
    for (int64_t i = u.lo[0]; i <= u.hi[0]; i++)
      *at(&u, i, j) += *at(&v, i, j) + 1;
  __atomic_fetch_add(&on_host[0], 1, __ATOMIC_RELAXED);
  return 0;
}

/* The same, one after the other. */
static void work_out(void)
{
  memset(expected, 0, sizeof expected);
  for (int step = 0; step < STEPS; step++) {
    for (int j = 0; j < NY; j++) {
      for (int i = 0; i < NX; i++) {
        expected[V][j][i] += expected[U][j][i] + i;
        expected[W][j][i] -= expected[U][j][i] - j;
        expected[U][j][i] += expected[V][j][i] + 1;
        expected[ARRAY][j][i] += expected[W][j][i];
      }
    }
  }
}

static void compare(cohort_context_t ctx, cohort_region_t region)
{
  for (cohort_field_t field = U; field < ARRAY; field++) {
    cohort_requirement_t need = {.region = region, .fields = &field, .field_count = 1, .privilege = COHORT_READ_ONLY};
    cohort_mapping_t inlined;
    cohort_view_t view;
    TRY(cohort_inline_map(ctx, &need, &inlined));
    TRY(cohort_inline_view(inlined, field, COHORT_READ_ONLY, &view));
    for (int j = 0; j < NY; j++)
      for (int i = 0; i < NX; i++)
        if (*at(&view, i, j) != expected[field][j][i])
          FAIL_HERE("field %d at %d,%d is %g and should be %g", (int)field, i, j, *at(&view, i, j), expected[field][j][i]);
    TRY(cohort_inline_unmap(&inlined));
  }
  for (int j = 0; j < NY; j++)
    for (int i = 0; i < NX; i++)
      if (array[j][i] != expected[ARRAY][j][i])
        FAIL_HERE("the array at %d,%d is %g and should be %g", i, j, array[j][i], expected[ARRAY][j][i]);
}

static int32_t map_task(const cohort_task_info_t *task, cohort_task_mapping_t *mapping, void *user)
{
  (void)user;
  if (task->processor != COHORT_PROC_DEVICE)
    return 0;
  machine.mapped++;
  if (strcmp(task->name, "sweep") == 0) {
    mapping->requirements[0].memory = machine.of_device;
    mapping->requirements[1].memory = machine.in_place;
  } else {
    mapping->requirements[1].memory = machine.in_place;
  }
  return 0;
}

static void look_at_machine(cohort_runtime_t rt)
{
  cohort_memory_info_t found[8] = {COHORT_MEMORY_INFO_INIT};
  cohort_affinity_t affinity = COHORT_AFFINITY_INIT;
  uint32_t count;
  machine.of_device = machine.in_place = -1;
  TRY(cohort_machine_memories(rt, COHORT_MEMORY_DEVICE, 8, found, &count));
  if (count == 0)
    return;
  machine.of_device = found[0].number;
  found[0] = (cohort_memory_info_t)COHORT_MEMORY_INFO_INIT;
  TRY(cohort_machine_memories(rt, COHORT_MEMORY_ZERO_COPY, 8, found, &count));
  CHECK(count == 1 && found[0].kind == COHORT_MEMORY_ZERO_COPY && found[0].available > 0 && found[0].numa_node == -1);
  machine.in_place = found[0].number;
  CHECK(machine.in_place == machine.of_device + 1);
  TRY(cohort_machine_affinity(rt, 0, machine.in_place, &affinity));
  CHECK(affinity.bandwidth > 1e6);
  EXPECT(cohort_machine_affinity(rt, 0, machine.in_place + 1, &affinity), COHORT_ERROR_BOUNDS, "numbers begin at 0");
}

/* Whether the fields are used in place. */
static int ask_for_memory(cohort_region_t region, cohort_region_t tile)
{
  const cohort_field_t wanted[3] = {U, V, W}, twice[2] = {U, U}, unknown = FIELDS, attached = ARRAY, part[2] = {V, W};
  cohort_layout_t layout = COHORT_LAYOUT_INIT;
  if (machine.in_place < 0) {
    EXPECT(cohort_region_zero_copy(region, 3, wanted), COHORT_ERROR_UNSUPPORTED, "COHORT_MEMORY_ZERO_COPY");
    return 0;
  }
  EXPECT(cohort_region_zero_copy(tile, 3, wanted), COHORT_ERROR_INVALID_ARGUMENT, "sub-region");
  EXPECT(cohort_region_zero_copy(region, 0, NULL), COHORT_ERROR_INVALID_ARGUMENT, "name at least one");
  EXPECT(cohort_region_zero_copy(region, 2, twice), COHORT_ERROR_INVALID_ARGUMENT, "named twice");
  EXPECT(cohort_region_zero_copy(region, 1, &unknown), COHORT_ERROR_INVALID_ARGUMENT, "fields count from 0");
  EXPECT(cohort_region_zero_copy(region, 1, &attached), COHORT_ERROR_WRONG_ORDER, "is attached");
  TRY(cohort_region_zero_copy(region, 3, wanted));
  EXPECT(cohort_region_zero_copy(region, 2, part), COHORT_ERROR_WRONG_ORDER, "fields 0, 1, 2 were given");
  EXPECT(cohort_region_layout(region, 2, part, &layout), COHORT_ERROR_WRONG_ORDER, "and that first");
  return 1;
}

static void refusals(cohort_mapper_handle_t mapper, int any, const char *part)
{
  uint64_t count;
  char said[500];
  TRY(cohort_mapper_refusals(mapper, &count, said, sizeof said));
  if ((count > 0) != any || (any && !strstr(said, part)))
    FAIL_HERE("%d refusals, the last \"%s\"", (int)count, said);
}

static void run(int with_mapper)
{
  cohort_runtime_t rt; cohort_context_t ctx; cohort_index_space_t is; cohort_field_space_t fs; cohort_region_t region, tile;
  cohort_partition_t tiles; cohort_task_t sweeping, gathering, turning; cohort_mapper_handle_t handle = {0};
  cohort_field_t fields[FIELDS] = {U, V, W, ARRAY};
  const int64_t lo[2] = {0, 0}, hi[2] = {NX - 1, NY - 1}, count[2] = {3, 2}, stride[2] = {sizeof(double), NX * sizeof(double)};
  cohort_kernel_t kernel = COHORT_KERNEL_INIT;
  cohort_mapper_t mapper = COHORT_MAPPER_INIT;
  memset(array, 0, sizeof array);
  memset(on_host, 0, sizeof on_host);
  machine.mapped = 0;
  TRY(cohort_init(NULL, &rt)); TRY(cohort_root_context(rt, &ctx));
  look_at_machine(rt);
  TRY(cohort_index_space_create(rt, 2, lo, hi, &is)); TRY(cohort_field_space_create(rt, &fs));
  TRY(cohort_fields_allocate(fs, sizeof(double), FIELDS, fields));
  TRY(cohort_region_create(rt, is, fs, &region)); TRY(cohort_partition_blocks(region, count, &tiles));
  TRY(cohort_subregion(tiles, 0, &tile));
  TRY(cohort_attach(ctx, region, 1, &fields[ARRAY], array, stride, 0));
  int has_device = ask_for_memory(region, tile);
  TRY(cohort_task_register(rt, "sweep", not_here, NULL, COHORT_TASK_LEAF, &sweeping));
  TRY(cohort_task_register(rt, "gather", gather, NULL, COHORT_TASK_LEAF, &gathering));
  TRY(cohort_task_register(rt, "turn", turn, NULL, COHORT_TASK_LEAF, &turning));
  kernel.source = text;
  kernel.grid_requirement = 1;
  kernel.name = "sweep";
  TRY(cohort_task_kernel(sweeping, &kernel));
  kernel.name = "gather";
  if (with_mapper)
    TRY(cohort_task_kernel(gathering, &kernel));
  mapper.map_task = map_task;
  if (with_mapper) {
    TRY(cohort_mapper_register(rt, &mapper, "places", &handle));
    TRY(cohort_mapper_use(handle, NULL, 0));
  }
  cohort_requirement_t for_sweep[2] = {{.partition = tiles, .fields = &fields[U], .field_count = 1, .privilege = COHORT_READ_ONLY},
                                       {.partition = tiles, .fields = &fields[V], .field_count = 2, .privilege = COHORT_READ_WRITE}};
  cohort_requirement_t for_gather[2] = {{.partition = tiles, .fields = &fields[W], .field_count = 1, .privilege = COHORT_READ_ONLY},
                                        {.partition = tiles, .fields = &fields[ARRAY], .field_count = 1, .privilege = COHORT_READ_WRITE}};
  cohort_requirement_t for_turn[2] = {{.partition = tiles, .fields = &fields[V], .field_count = 1, .privilege = COHORT_READ_ONLY},
                                      {.partition = tiles, .fields = &fields[U], .field_count = 1, .privilege = COHORT_READ_WRITE}};
  cohort_launch_t sweep = COHORT_LAUNCH_INIT, gather_all = COHORT_LAUNCH_INIT, turn_all = COHORT_LAUNCH_INIT;
  sweep.task = sweeping; sweep.requirements = for_sweep; sweep.processor = COHORT_PROC_DEVICE;
  gather_all.task = gathering; gather_all.requirements = for_gather;
  turn_all.task = turning; turn_all.requirements = for_turn;
  sweep.requirement_count = gather_all.requirement_count = turn_all.requirement_count = 2;
  if (has_device) {
    for (int step = 0; step < STEPS; step++) {
      TRY(cohort_index_launch(ctx, &sweep, TILES, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
      TRY(cohort_index_launch(ctx, &turn_all, TILES, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
      TRY(cohort_index_launch(ctx, &gather_all, TILES, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
    }
    TRY(cohort_wait_all(ctx));
    compare(ctx, region);
    CHECK(on_host[0] == STEPS * TILES);
    CHECK(on_host[1] == STEPS * TILES || with_mapper);
    if (with_mapper) {
      /* The array, in which no kernel of OpenCL works, and which is too small for CUDA; or what the device has no room for. */
      const char *capacity = getenv("COHORT_DEVICE_MEMORY");
      int small = capacity && strcmp(capacity, "2048") == 0;
      CHECK(machine.mapped >= STEPS * TILES);
      refusals(handle, 1, small ? "requirement 0 is put into a memory in which it cannot lie: the requirements that are to lie on the device take"
                                : "requirement 1 is put into a memory in which it cannot lie: ");
    }
  }
  TRY(cohort_detach(ctx, region, 1, &fields[ARRAY]));
  TRY(cohort_finalize(&rt));
}

int main(void)
{
  work_out();
  run(0);
  run(1);
  printf("PASSED\n");
  return 0;
}
