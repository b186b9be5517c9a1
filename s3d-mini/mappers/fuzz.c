/* Chooses at random whatever may be chosen: no choice may change a result. */
#include "mappers.h"
#include <string.h>

enum { PROCESSORS = 256, LAYOUTS = 4 };

static struct {
  random_t random;
  bool may_inline;
  int32_t worker[PROCESSORS];
  uint32_t workers, memories;
  cohort_layout_t layout[LAYOUTS];
} fuzz;

static uint64_t below(uint64_t bound) { return random_below(&fuzz.random, bound); }

static int32_t any_priority(void) { return (int32_t)below(15) - 7; }

static int32_t any_worker(void) {
  uint64_t chosen = below(fuzz.workers + 1);
  return chosen < fuzz.workers ? fuzz.worker[chosen] : -1;
}

static int32_t any_of_the_host(const cohort_task_info_t *task) {
  return task->processor_is_open && below(8) == 0 ? COHORT_PROC_MPI : task->processor;
}

static int32_t any_processor(const cohort_task_info_t *task) {
  if (!runs_on_devices(task)) return any_of_the_host(task);
  return below(2) ? COHORT_PROC_DEVICE : COHORT_PROC_CPU;
}

/* Tasks that wait for this rank's earlier ones alone: others would keep the launching thread for as long as a neighbour likes. */
static bool waits_for_no_neighbour(const cohort_task_info_t *task) {
  return !strcmp(task->name, "primitives") || !strcmp(task->name, "chemistry");
}

static int32_t options(const cohort_task_info_t *task, cohort_task_options_t *options, void *user) {
  (void)user;
  options->processor = any_processor(task);
  if (options->processor == COHORT_PROC_DEVICE && below(2)) options->device = task->devices[below(task->device_count)];
  options->priority = any_priority();
  options->run_inline = fuzz.may_inline && task->may_run_inline && waits_for_no_neighbour(task) && below(8) == 0;
  return 0;
}

static int32_t map_task(const cohort_task_info_t *task, cohort_task_mapping_t *mapping, void *user) {
  (void)user;
  /* Where its data goes was chosen with the device. */
  if (task->processor == COHORT_PROC_DEVICE) return 0;
  mapping->processor = any_of_the_host(task);
  mapping->worker = any_worker();
  mapping->priority = any_priority();
  for (uint32_t i = 0; i < mapping->requirement_count; i++) {
    if (task->requirements[i].layout_is_open && below(3) == 0) mapping->requirements[i].layout = &fuzz.layout[below(LAYOUTS)];
    mapping->requirements[i].memory = (int32_t)below(fuzz.memories + 1) - 1;
  }
  return 0;
}

static int32_t map_copy(const cohort_copy_info_t *copy, cohort_copy_mapping_t *mapping, void *user) {
  (void)copy; (void)user;
  mapping->worker = any_worker();
  mapping->priority = any_priority();
  return 0;
}

static int32_t any_order(const cohort_sources_info_t *copy, cohort_source_order_t *order, void *user) {
  (void)copy; (void)user;
  for (uint32_t i = 0; i < order->count; i++) {
    uint32_t other = (uint32_t)below(order->count);
    int32_t memory = order->memories[i];
    order->memories[i] = order->memories[other];
    order->memories[other] = memory;
  }
  return 0;
}

/* Those of the mini-app are rows of a tile. */
static int32_t tunable(const cohort_context_info_t *context, const char *name, int64_t *value, void *user) {
  (void)context; (void)name; (void)user;
  *value = 1 + (int64_t)below(12);
  return 0;
}

static int32_t window(const cohort_context_info_t *context, int64_t *operations, void *user) {
  (void)context; (void)user;
  *operations = 4 << below(9);
  return 0;
}

cohort_status_t fuzz_mapper(const mapper_setting_t *setting, cohort_mapper_t *mapper) {
  cohort_processor_info_t processors[PROCESSORS] = {COHORT_PROCESSOR_INFO_INIT};
  uint32_t count;
  cohort_status_t status = cohort_machine_processors(setting->rt, COHORT_PROC_ANY, PROCESSORS, processors, &count);
  if (!status) status = cohort_machine_memories(setting->rt, COHORT_MEMORY_SYSTEM, 0, NULL, &fuzz.memories); /* numbered first */
  if (status) return status;
  fuzz.workers = 0;
  for (uint32_t i = 0; i < count && i < PROCESSORS; i++)
    if (processors[i].helps) fuzz.worker[fuzz.workers++] = processors[i].number;
  fuzz.random.seed = setting->seed;
  atomic_store(&fuzz.random.taken, 0);
  fuzz.may_inline = setting->may_inline;
  for (int i = 0; i < LAYOUTS; i++) fuzz.layout[i] = (cohort_layout_t)COHORT_LAYOUT_INIT;
  fuzz.layout[0].grouping = COHORT_AOS;
  fuzz.layout[1].order = COHORT_ORDER_C;
  fuzz.layout[2].grouping = COHORT_BLOCKED;
  fuzz.layout[2].block = 8;
  fuzz.layout[3].flags = COHORT_LAYOUT_EXACT;
  fuzz.layout[3].padding[0] = 3;
  mapper->select_task_options = options;
  mapper->map_task = map_task;
  mapper->map_copy = map_copy;
  mapper->rank_copy_sources = any_order;
  mapper->select_tunable = tunable;
  mapper->configure_context = window;
  return COHORT_OK;
}
