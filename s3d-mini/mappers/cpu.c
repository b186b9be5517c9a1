/* All tasks on CPUs. What neighbours wait for goes first, and chemistry, which nobody waits for before the divergence, fills the time
 * until their data comes. A tile stays with the worker that had it last. */
#include "mappers.h"
#include <string.h>

enum { MOST_URGENT = 7 };
static const struct {
  const char *task;
  int32_t priority;
} order[] = {{"await", MOST_URGENT}, {"handoff", MOST_URGENT}, {"primitives", 3}, {"fluxes", 2}, {"filter", 2},
             {"divergence", 1},      {"update", 1},            {"chemistry", -1}};

static int32_t neighbours_first(const cohort_task_info_t *task, cohort_task_options_t *options, void *user) {
  (void)user;
  for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
    if (!strcmp(task->name, order[i].task)) options->priority = order[i].priority;
  return 0;
}

static int32_t copies_first(const cohort_copy_info_t *copy, cohort_copy_mapping_t *mapping, void *user) {
  (void)copy; (void)user;
  mapping->priority = MOST_URGENT;
  return 0;
}

/* To where most of its data is warm. */
static int32_t keep_tile(const cohort_task_info_t *task, cohort_task_mapping_t *mapping, void *user) {
  uint64_t most = 0;
  (void)user;
  if (task->args_size == 0) return 0; /* not of one tile */
  for (uint32_t i = 0; i < task->requirement_count; i++) {
    const cohort_requirement_info_t *needed = &task->requirements[i];
    if (needed->worker < 0 || needed->bytes <= most) continue;
    most = needed->bytes;
    mapping->worker = needed->worker;
  }
  return 0;
}

cohort_status_t cpu_mapper(const mapper_setting_t *setting, cohort_mapper_t *mapper) {
  (void)setting;
  mapper->select_task_options = neighbours_first;
  mapper->map_copy = copies_first;
  mapper->map_task = keep_tile;
  return COHORT_OK;
}
