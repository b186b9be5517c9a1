/* Answers that cannot be, now and then: each must be refused, and the default take its place. */
#include "mappers.h"

enum { ABSENT = 1000 };

static struct {
  random_t random;
  int32_t rank;
} nonsense;

static uint64_t below(uint64_t bound) { return random_below(&nonsense.random, bound); }

static int32_t options(const cohort_task_info_t *task, cohort_task_options_t *options, void *user) {
  (void)task; (void)user;
  switch (below(5)) {
  case 0: options->processor = ABSENT; break;
  case 1: options->priority = ABSENT; break;
  case 2: options->run_inline = ABSENT; break;
  case 3: return -1;
  }
  return 0;
}

static int32_t map_task(const cohort_task_info_t *task, cohort_task_mapping_t *mapping, void *user) {
  cohort_requirement_mapping_t *first = task->requirement_count ? &mapping->requirements[0] : NULL;
  (void)user;
  switch (below(first ? 7 : 4)) {
  case 0: mapping->processor = ABSENT; break;
  case 1: mapping->worker = ABSENT; break;
  case 2: mapping->requirement_count++; break;
  case 3: return COHORT_ERROR_INTERNAL;
  case 4: first->memory = ABSENT; break;
  case 5: first->rank = nonsense.rank + 1; break;
  }
  return 0;
}

static int32_t map_copy(const cohort_copy_info_t *copy, cohort_copy_mapping_t *mapping, void *user) {
  (void)copy; (void)user;
  if (below(2)) mapping->worker = ABSENT;
  else mapping->priority = -ABSENT;
  return 0;
}

static int32_t map_must_epoch(const cohort_task_info_t *members, uint32_t count, cohort_member_mapping_t *mapping, void *user) {
  (void)members; (void)user;
  for (uint32_t i = 0; i < count; i++) mapping[i].rank = nonsense.rank + 1;
  return 0;
}

static int32_t tunable(const cohort_context_info_t *context, const char *name, int64_t *value, void *user) {
  (void)context; (void)name; (void)user;
  *value = -ABSENT;
  return COHORT_ERROR_INVALID_ARGUMENT;
}

static int32_t window(const cohort_context_info_t *context, int64_t *operations, void *user) {
  (void)context; (void)user;
  *operations = below(2) ? 0 : -ABSENT;
  return 0;
}

cohort_status_t nonsense_mapper(const mapper_setting_t *setting, cohort_mapper_t *mapper) {
  nonsense.random.seed = setting->seed;
  atomic_store(&nonsense.random.taken, 0);
  mapper->select_task_options = options;
  mapper->map_task = map_task;
  mapper->map_copy = map_copy;
  mapper->map_must_epoch = map_must_epoch;
  mapper->select_tunable = tunable;
  mapper->configure_context = window;
  return cohort_rank(setting->rt, &nonsense.rank);
}
