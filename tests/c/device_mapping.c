/* A mapping file chooses among two devices of PoCL, by number and by name. The program writes the file that COHORT_MAPPING names, since
 * devices are numbered after its workers; a mapper of the program sees where tasks run. */
#define _GNU_SOURCE /* setenv */
#include "testing.h"
#include <stdatomic.h>

enum { N = 64, POINTS = 8 };

static const char *const text = "COHORT_KERNEL void add(COHORT_GLOBAL double *x, cohort_extent ex) { COHORT_POINT(ex, i, j, k) COHORT_AT(x, ex, i, j, k) += 1; }\n";
static const char *const names[] = {"by number", "by name", "nowhere", "kept away"};
enum { KINDS = 4 };

/* Tasks of each kind that ran on each device, and on the host. */
static atomic_int ran[KINDS][2], on_host[KINDS];
static int32_t first;

static int kind_of(const cohort_task_info_t *task)
{
  for (int kind = 0; kind < KINDS; kind++)
    if (strcmp(task->name, names[kind]) == 0)
      return kind;
  return -1;
}

static int32_t map_task(const cohort_task_info_t *task, cohort_task_mapping_t *mapping, void *user)
{
  const int kind = kind_of(task);
  (void)user;
  CHECK(kind >= 0);
  if (task->processor != COHORT_PROC_DEVICE)
    on_host[kind]++;
  else
    ran[kind][mapping->worker - first]++;
  return 0;
}

static int32_t add(cohort_context_t task, void *user)
{
  cohort_view_t v;
  (void)user;
  TRY(cohort_view(task, 0, 0, COHORT_READ_WRITE, &v));
  for (int64_t i = v.lo[0]; i <= v.hi[0]; i++)
    ((double *)v.base)[i - v.lo[0]] += 1;
  return 0;
}

static void write_file(int32_t workers)
{
  FILE *file = fopen(getenv("COHORT_MAPPING"), "w");
  CHECK(file != NULL);
  fprintf(file, "[task by number]\ndevice = %d\n\n[task by name]\ndevice = p*\npriority = 2\n\n[task nowhere]\ndevice = *H100*\n\n[task kept away]\ndevice = *\nprocessor = cpu\n", (int)workers + 1);
  fclose(file);
}

int main(void)
{
  const int64_t lo = 0, hi = N - 1, counts = POINTS;
  const char *const asked = getenv("COHORT_WORKERS");
  cohort_runtime_t rt;
  cohort_context_t ctx;
  cohort_index_space_t space;
  cohort_field_space_t fields;
  cohort_field_t field;
  cohort_region_t region;
  cohort_partition_t blocks;
  cohort_mapper_t table = COHORT_MAPPER_INIT;
  cohort_mapper_handle_t mapper;
  cohort_processor_info_t devices[2] = {COHORT_PROCESSOR_INFO_INIT};
  cohort_kernel_t kernel = COHORT_KERNEL_INIT;
  cohort_requirement_t need = {.field_count = 1, .privilege = COHORT_READ_WRITE};
  cohort_mapping_t mapping;
  cohort_view_t v;
  const double zero = 0;
  uint32_t count;

  kernel.source = text;
  kernel.name = "add";
  first = asked ? atoi(asked) : 1;
  write_file(first);
  TRY(cohort_init(NULL, &rt));
  TRY(cohort_root_context(rt, &ctx));
  TRY(cohort_machine_processors(rt, COHORT_PROC_DEVICE, 2, devices, &count));
  CHECK(count == 2 && devices[0].number == first && devices[0].name[0] == 'p');
  TRY(cohort_index_space_create(rt, 1, &lo, &hi, &space));
  TRY(cohort_field_space_create(rt, &fields));
  TRY(cohort_field_allocate(fields, sizeof(double), "x", &field));
  TRY(cohort_region_create(rt, space, fields, &region));
  TRY(cohort_partition_blocks(region, &counts, &blocks));
  table.map_task = map_task;
  TRY(cohort_mapper_register(rt, &table, "sees", &mapper));
  TRY(cohort_mapper_use(mapper, NULL, 0));
  TRY(cohort_fill(ctx, region, 1, &field, &zero, sizeof zero));
  need.partition = blocks;
  need.fields = &field;
  for (int kind = 0; kind < KINDS; kind++) {
    cohort_launch_t launch = COHORT_LAUNCH_INIT;
    TRY(cohort_task_register(rt, names[kind], add, NULL, COHORT_TASK_LEAF, &launch.task));
    TRY(cohort_task_kernel(launch.task, &kernel));
    launch.requirements = &need;
    launch.requirement_count = 1;
    TRY(cohort_index_launch(ctx, &launch, POINTS, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
    TRY(cohort_wait_all(ctx));
  }
  CHECK(ran[0][0] == 0 && ran[0][1] == POINTS && on_host[0] == 0);
  CHECK(ran[1][0] == POINTS / 2 && ran[1][1] == POINTS / 2);
  CHECK(ran[2][0] + ran[2][1] == POINTS && on_host[2] == 0);
  CHECK(on_host[3] == POINTS);

  need = (cohort_requirement_t){.region = region, .fields = &field, .field_count = 1, .privilege = COHORT_READ_ONLY};
  TRY(cohort_inline_map(ctx, &need, &mapping));
  TRY(cohort_inline_view(mapping, field, COHORT_READ_ONLY, &v));
  for (int64_t i = 0; i < N; i++)
    CHECK(((double *)v.base)[i] == KINDS);
  TRY(cohort_inline_unmap(&mapping));
  TRY(cohort_finalize(&rt));
  puts("PASSED");
  return 0;
}
