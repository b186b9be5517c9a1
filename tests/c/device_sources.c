/* Several devices, which mappers choose among: the machine's list of processors has them, tasks go to the one that is named, and a mapper
 * ranks the memories from which data is copied that lies in several. Runs with two devices of PoCL, on which the environment
 * is set before the library looks for them; where the host has no such devices, nothing is asked and tasks run there. */
#include <cohort.h>
#include "testing.h"
enum { N = 4096 };

static const char *const text =
  "COHORT_KERNEL void add(COHORT_GLOBAL double *x, cohort_extent ex, COHORT_GLOBAL double *y, cohort_extent ey)\n"
  "{\n"
  "  COHORT_POINT(ey, i, j, k)\n"
  "  COHORT_AT(y, ey, i, j, k) += COHORT_AT(x, ex, i, j, k);\n"
  "}\n";

static struct {
  cohort_runtime_t rt;
  int32_t device[2], memory[2];
  /* Where the next task goes: a device's number, or -1 for the host. */
  int32_t next;
  /* What rank_copy_sources was told last, and how often it was asked. */
  int asked, listed_inside;
  int32_t destination, sources[4];
  uint32_t count, number;
  uint64_t bytes, of_source[4];
  char name[32];
  /* What it answers: 0 backwards, else some nonsense. */
  int wrong;
  int mapped;
} state;
static int on_host;
static double x[N], y[N];

static int32_t add(cohort_context_t task, void *user)
{
  cohort_view_t x, y;
  (void)user;
  TRY(cohort_view(task, 0, 0, COHORT_READ_ONLY, &x));
  TRY(cohort_view(task, 1, 1, COHORT_READ_WRITE, &y));
  on_host++;
  for (int64_t i = 0; i < N; i++)
    ((double *)y.base)[i] += ((double *)x.base)[i];
  return 0;
}

static int32_t options(const cohort_task_info_t *task, cohort_task_options_t *options, void *user)
{
  (void)user;
  CHECK(task->device_count == 2 && task->devices[0] == state.device[0] && task->devices[1] == state.device[1]);
  CHECK(options->device == -1);
  options->processor = state.next < 0 ? COHORT_PROC_CPU : COHORT_PROC_DEVICE;
  options->device = state.next;
  return 0;
}

/* Of tasks on devices: the first of them is to have its data where it runs, the second where the other does. */
static int32_t map_task(const cohort_task_info_t *task, cohort_task_mapping_t *mapping, void *user)
{
  int on = mapping->worker == state.device[1];
  (void)user;
  if (task->processor != COHORT_PROC_DEVICE)
    return 0;
  CHECK(on || mapping->worker == state.device[0]);
  CHECK(mapping->requirement_count == 2 && !task->requirements[0].layout_is_open);
  if (state.mapped < 2)
    mapping->requirements[0].memory = state.memory[state.mapped == 0 ? on : !on];
  state.mapped++;
  return 0;
}

/* The last one first, so that what the default would do shows. */
static int32_t backwards(const cohort_sources_info_t *copy, cohort_source_order_t *order, void *user)
{
  cohort_memory_info_t memories[16] = {COHORT_MEMORY_INFO_INIT};
  uint32_t listed;
  (void)user;
  state.asked++;
  state.destination = copy->destination;
  state.count = copy->source_count;
  state.number = copy->number;
  state.bytes = copy->bytes;
  snprintf(state.name, sizeof state.name, "%s", copy->name);
  for (uint32_t i = 0; i < copy->source_count && i < 4; i++) {
    state.sources[i] = copy->sources[i].memory;
    state.of_source[i] = copy->sources[i].bytes;
    CHECK(order->memories[i] == copy->sources[i].memory);
  }
  /* Nothing is locked that asking the machine needs. */
  TRY(cohort_machine_memories(state.rt, COHORT_MEMORY_ANY, 16, memories, &listed));
  state.listed_inside = (int)listed;
  for (uint32_t i = 0; i < order->count; i++)
    order->memories[i] = copy->sources[order->count - 1 - i].memory;
  switch (state.wrong) {
  case 1: order->memories[0] = 1000; break;
  case 2: order->memories[1] = order->memories[0]; break;
  case 3: order->count = 1; break;
  case 4: return 7;
  default: break;
  }
  return 0;
}

static void processors(void)
{
  cohort_processor_info_t all[64] = {COHORT_PROCESSOR_INFO_INIT}, devices[2] = {COHORT_PROCESSOR_INFO_INIT};
  cohort_memory_info_t memories[16] = {COHORT_MEMORY_INFO_INIT};
  cohort_affinity_t affinity = COHORT_AFFINITY_INIT;
  uint32_t count, of_host[2], found, memory_count;
  const char *absent;
  TRY(cohort_machine_processors(state.rt, COHORT_PROC_ANY, 64, all, &count));
  TRY(cohort_machine_processors(state.rt, COHORT_PROC_CPU, 0, NULL, &of_host[0]));
  TRY(cohort_machine_processors(state.rt, COHORT_PROC_MPI, 0, NULL, &of_host[1]));
  TRY(cohort_machine_processors(state.rt, COHORT_PROC_DEVICE, 2, devices, &found));
  CHECK(found == 2 && count == of_host[0] + of_host[1] + found);
  TRY(cohort_machine_memories(state.rt, COHORT_MEMORY_ANY, 16, memories, &memory_count));
  for (uint32_t i = 0; i < 2; i++) {
    const cohort_processor_info_t *device = &all[count - 2 + i];
    CHECK(device->number == devices[i].number && device->name == devices[i].name);
    CHECK(device->number == (int32_t)(count - 2 + i) && device->kind == COHORT_PROC_DEVICE && device->helps == 0 && device->cpu == -1);
    CHECK((device->api == COHORT_DEVICE_OPENCL || device->api == COHORT_DEVICE_CUDA) && *device->name);
    CHECK(device->memory >= 0 && memories[device->memory].kind == COHORT_MEMORY_DEVICE);
    state.device[i] = device->number;
    state.memory[i] = device->memory;
    TRY(cohort_machine_affinity(state.rt, 0, device->memory, &affinity));
    CHECK(affinity.bandwidth > 1e6 && affinity.latency > 0 && affinity.latency < 1);
    TRY(cohort_machine_affinity(state.rt, device->number, 0, &affinity));
    CHECK(affinity.bandwidth > 1e6 && affinity.latency > 0 && affinity.latency < 1);
    TRY(cohort_machine_affinity(state.rt, device->number, device->memory, &affinity));
    CHECK(affinity.bandwidth > 1e6);
  }
  CHECK(all[0].api == COHORT_DEVICE_ANY && !*all[0].name && state.memory[0] != state.memory[1]);
  TRY(cohort_machine_affinity(state.rt, state.device[0], state.memory[1], &affinity));
  EXPECT(cohort_machine_affinity(state.rt, (int32_t)count, 0, &affinity), COHORT_ERROR_BOUNDS, "numbers begin at 0");
  EXPECT(cohort_machine_affinity(state.rt, 0, (int32_t)memory_count, &affinity), COHORT_ERROR_BOUNDS, "numbers begin at 0");
  TRY(cohort_machine_absent_devices(state.rt, &absent));
  CHECK(absent);
}

static void refusals(cohort_mapper_handle_t mapper, uint64_t expected, const char *part)
{
  uint64_t count;
  char said[500];
  TRY(cohort_mapper_refusals(mapper, &count, said, sizeof said));
  if (count != expected || (expected && !strstr(said, part)))
    FAIL_HERE("%d refusals, the last \"%s\"; expected %d with \"%s\"", (int)count, said, (int)expected, part);
}

static void launch_on(cohort_context_t ctx, const cohort_launch_t *launch, int32_t device)
{
  state.next = device;
  TRY(cohort_launch(ctx, launch, NULL));
}

/* Whether the second device gets x from the host, though the first has it, too. To see it the program changes x where it may not: while tasks
 * use it. */
static int is_copied_from_host(cohort_context_t ctx, const cohort_launch_t *launch, int wrong)
{
  double before = y[N - 1];
  cohort_future_t done;
  launch_on(ctx, launch, state.device[0]);
  state.next = -1;
  TRY(cohort_launch(ctx, launch, &done));
  TRY(cohort_future_get(done, NULL, 0));
  TRY(cohort_future_destroy(&done));
  x[N - 1] += 1;
  state.wrong = wrong;
  launch_on(ctx, launch, state.device[1]);
  TRY(cohort_wait_all(ctx));
  x[N - 1] -= 1;
  int changed = y[N - 1] - before != 3 * x[N - 1];
  y[N - 1] -= changed;
  return changed;
}

int main(void)
{
  cohort_context_t ctx;
  cohort_index_space_t is;
  cohort_field_space_t fs;
  cohort_region_t region;
  cohort_field_t f[2];
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  cohort_kernel_t kernel = COHORT_KERNEL_INIT;
  cohort_mapper_t mapper = COHORT_MAPPER_INIT;
  cohort_mapper_handle_t handle;
  int64_t lo = 1, hi = N, stride = sizeof(double);
  for (int i = 0; i < N; i++)
    x[i] = i;
  TRY(cohort_init(NULL, &state.rt));
  processors();
  TRY(cohort_root_context(state.rt, &ctx));
  TRY(cohort_index_space_create(state.rt, 1, &lo, &hi, &is));
  TRY(cohort_field_space_create(state.rt, &fs));
  TRY(cohort_fields_allocate(fs, sizeof(double), 2, &f[0]));
  f[1] = f[0] + 1;
  TRY(cohort_region_create(state.rt, is, fs, &region));
  TRY(cohort_attach(ctx, region, 1, &f[0], x, &stride, 0));
  TRY(cohort_attach(ctx, region, 1, &f[1], y, &stride, 0));
  TRY(cohort_task_register(state.rt, "add", add, NULL, COHORT_TASK_LEAF, &launch.task));
  kernel.source = text;
  kernel.name = "add";
  kernel.grid_requirement = 1;
  TRY(cohort_task_kernel(launch.task, &kernel));
  mapper.select_task_options = options;
  mapper.map_task = map_task;
  mapper.rank_copy_sources = backwards;
  TRY(cohort_mapper_register(state.rt, &mapper, "ranks", &handle));
  TRY(cohort_mapper_use(handle, NULL, 0));
  cohort_requirement_t needs[2] = {{.region = region, .fields = &f[0], .field_count = 1, .privilege = COHORT_READ_ONLY},
                                   {.region = region, .fields = &f[1], .field_count = 1, .privilege = COHORT_READ_WRITE}};
  launch.requirements = needs;
  launch.requirement_count = 2;

  /* x lies on the host alone, then there and on the first device: the second device can have it from either. */
  launch_on(ctx, &launch, state.device[0]);
  launch_on(ctx, &launch, state.device[1]);
  TRY(cohort_wait_all(ctx));
  CHECK(state.asked == 1 && !strcmp(state.name, "add") && state.number == 0);
  CHECK(state.count == 2 && state.sources[0] == 0 && state.sources[1] == state.memory[0] && state.destination == state.memory[1]);
  CHECK(state.bytes == sizeof x && state.of_source[0] == sizeof x && state.of_source[1] == sizeof x);
  CHECK(state.listed_inside >= 3);
  CHECK(state.mapped == 2);
  refusals(handle, 1, "mapper \"ranks\", map_task, task \"add\": requirement 0 is put into memory");

  /* What is wrong is told, and the default holds. After a wait for all data is the program's again, and lies nowhere else. */
  for (int wrong = 1; wrong <= 4; wrong++) {
    static const char *const rules[] = {"memory 1000 is named", "is named twice", "count is 1", "it returned 7"};
    state.wrong = wrong;
    launch_on(ctx, &launch, state.device[0]);
    launch_on(ctx, &launch, state.device[1]);
    TRY(cohort_wait_all(ctx));
    CHECK(state.asked == 1 + wrong);
    refusals(handle, (uint64_t)(1 + wrong), rules[wrong - 1]);
  }
  state.wrong = 0;
  int tasks = 10;

  /* What a mapper answers is done, and what is refused is not. */
  CHECK(is_copied_from_host(ctx, &launch, 0) == 0);
  CHECK(is_copied_from_host(ctx, &launch, 1) == 1);
  CHECK(state.asked == 7 && on_host == 2);
  refusals(handle, 6, "memory 1000 is named");
  tasks += 6;
  state.wrong = 0;

  /* The second device reads what the first has written, and then the host has it from either. */
  needs[0].fields = &f[1];
  needs[1].fields = &f[0];
  launch_on(ctx, &launch, state.device[0]); /* x += y */
  needs[0].fields = &f[0];
  needs[1].fields = &f[1];
  launch_on(ctx, &launch, state.device[1]);
  launch_on(ctx, &launch, -1);
  TRY(cohort_wait_all(ctx));
  /* Asked once about y, which the first device has from the host, and once about x. */
  CHECK(state.asked == 9 && state.destination == 0 && state.count == 2);
  CHECK(state.sources[0] == state.memory[0] && state.sources[1] == state.memory[1] && state.bytes == sizeof x);
  refusals(handle, 6, "");
  CHECK(on_host == 3);

  TRY(cohort_detach(ctx, region, 2, f));
  TRY(cohort_finalize(&state.rt));
  for (int i = 0; i < N; i++)
    CHECK(x[i] == (double)(tasks + 1) * i && y[i] == (double)tasks * i + 2 * x[i]);
  puts("PASSED");
  return 0;
}
