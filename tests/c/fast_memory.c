/* Storage comes to lie in memory that is faster than the processors' own, as long as that has room, and nothing is copied for it; arrays of
 * the program stay, and mappers overrule it. FAST_NODE=N: node N is such memory, really (a machine with high-bandwidth memory, or a virtual
 * one); else nothing is said of where pages lie. OWN_POLICY: the process has a memory policy of its own when the runtime starts. */
#define _GNU_SOURCE /* syscall */
#include "numa_pages.h"
#include "testing.h"
#include <stdatomic.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { POINTS = 1 << 19, TILES = 8 };

static cohort_runtime_t rt;
static cohort_context_t ctx;
static cohort_field_t field;
static cohort_task_t set, add;
/* The node of fast memory, or -1, and of that in which the tasks' data is to lie: -1 is anywhere. */
static int fast = -1, expected;
static atomic_int in_fast, elsewhere;

static int32_t in_own(const cohort_task_info_t *task, cohort_task_mapping_t *mapping, void *user)
{
  (void)task;
  (void)user;
  for (uint32_t i = 0; i < mapping->requirement_count; i++)
    mapping->requirements[i].memory = 0;
  return 0;
}

static void look(const cohort_view_t *v)
{
  int node = node_of((char *)v->base + (v->hi[0] - v->lo[0]) / 2 * v->stride[0]);
  if (node < 0)
    return;
  CHECK(expected < 0 || node == expected);
  atomic_fetch_add(node == fast ? &in_fast : &elsewhere, 1);
}

/* Adds one to what is there, or to nothing. */
static int32_t work(cohort_context_t task, void *adds)
{
  cohort_view_t v;
  TRY(cohort_view(task, 0, field, adds ? COHORT_READ_WRITE : COHORT_WRITE_DISCARD, &v));
  for (int64_t i = 0; i <= v.hi[0] - v.lo[0]; i++) {
    double *value = (double *)((char *)v.base + i * v.stride[0]);
    *value = (adds ? *value : 0) + 1;
  }
  look(&v);
  return 0;
}

static cohort_region_t make_region(int64_t points, cohort_partition_t *tiles)
{
  const int64_t lo = 0, hi = points - 1, count = TILES;
  cohort_index_space_t space;
  cohort_field_space_t fields;
  cohort_region_t region;
  TRY(cohort_index_space_create(rt, 1, &lo, &hi, &space));
  TRY(cohort_field_space_create(rt, &fields));
  TRY(cohort_field_allocate(fields, sizeof(double), "q", &field));
  TRY(cohort_region_create(rt, space, fields, &region));
  TRY(cohort_partition_blocks(region, &count, tiles));
  return region;
}

static void launch(cohort_task_t task, cohort_partition_t tiles, cohort_privilege_t privilege)
{
  const cohort_requirement_t need = {.partition = tiles, .fields = &field, .field_count = 1, .privilege = privilege};
  cohort_launch_t l = COHORT_LAUNCH_INIT;
  l.task = task;
  l.requirements = &need;
  l.requirement_count = 1;
  TRY(cohort_index_launch(ctx, &l, TILES, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
}

/* Twice each point, over a region of so many. */
static void compute(int64_t points, double *array)
{
  const int64_t stride = sizeof(double);
  cohort_partition_t tiles;
  cohort_region_t region = make_region(points, &tiles);
  const cohort_requirement_t need = {.region = region, .fields = &field, .field_count = 1, .privilege = COHORT_READ_ONLY};
  cohort_mapping_t mapping;
  cohort_view_t v;
  in_fast = elsewhere = 0;
  if (array)
    TRY(cohort_attach(ctx, region, 1, &field, array, &stride, 0));
  launch(set, tiles, COHORT_WRITE_DISCARD);
  launch(add, tiles, COHORT_READ_WRITE);
  TRY(cohort_inline_map(ctx, &need, &mapping));
  TRY(cohort_inline_view(mapping, field, COHORT_READ_ONLY, &v));
  for (int64_t i = 0; i < points; i++)
    CHECK(*(double *)((char *)v.base + i * v.stride[0]) == 2);
  TRY(cohort_inline_unmap(&mapping));
  if (array)
    TRY(cohort_detach(ctx, region, 1, &field));
  TRY(cohort_region_destroy(&region));
}

static void nothing_was_copied(cohort_task_t task)
{
  cohort_copied_t total;
  TRY(cohort_task_copied_total(task, &total));
  CHECK(total.copies == 0);
}

int main(void)
{
  static double array[POINTS];
  cohort_mapper_t table = COHORT_MAPPER_INIT;
  cohort_mapper_handle_t mapper;
  cohort_memory_info_t memories[8] = {COHORT_MEMORY_INFO_INIT};
  uint32_t count;
  const char *named = getenv("FAST_NODE");
  if (named)
    fast = atoi(named);
  if (getenv("OWN_POLICY")) {
    /* As numactl does before it starts a program; containers may refuse that. */
    const unsigned long first = 1;
    if (syscall(SYS_set_mempolicy, 1, &first, 8 * sizeof first) != 0)
      fputs("no policy can be set\n", stderr);
  }
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  TRY(cohort_init(NULL, &rt));
  TRY(cohort_root_context(rt, &ctx));
  TRY(cohort_task_register(rt, "set", work, NULL, COHORT_TASK_LEAF, &set));
  TRY(cohort_task_register(rt, "add", work, &add, COHORT_TASK_LEAF, &add));
  expected = fast;
  compute(POINTS, NULL);
  if (fast >= 0)
    CHECK(in_fast > 0 && elsewhere == 0);
  memset(array, 1, sizeof array);
  expected = node_of(array);
  CHECK(fast < 0 || expected != fast);
  compute(POINTS, array);

  TRY(cohort_machine_memories(rt, COHORT_MEMORY_SYSTEM, 8, memories, &count));
  /* The first memory is that of the processors. */
  table.map_task = in_own;
  TRY(cohort_mapper_register(rt, &table, "own", &mapper));
  TRY(cohort_mapper_use(mapper, NULL, 0));
  expected = fast < 0 ? -1 : memories[0].numa_node;
  compute(POINTS, NULL);
  TRY(cohort_mapper_use((cohort_mapper_handle_t){0}, NULL, 0));

  /* Twice what the fast memory holds, where that is little. */
  for (uint32_t i = 0; i < count && i < 8; i++)
    if (memories[i].numa_node == fast && memories[i].bytes <= 256 << 20) {
      expected = -1;
      compute((int64_t)(2 * memories[i].bytes / sizeof(double)), NULL);
      CHECK(in_fast > 0 && elsewhere > 0);
    }
  nothing_was_copied(set);
  nothing_was_copied(add);
  TRY(cohort_finalize(&rt));
  printf("PASSED, %s\n", fast < 0 ? "no fast memory" : "fast memory");
  return 0;
}
