/* All kernels on devices, where there are any: one tile for the whole block, so that nothing is on a device twice. */
#include "mappers.h"

/* No more rows than the block has are taken. */
enum { ALL_ROWS = 1 << 30 };

static int32_t to_device(const cohort_task_info_t *task, cohort_task_options_t *options, void *user) {
  (void)user;
  if (runs_on_devices(task)) options->processor = COHORT_PROC_DEVICE;
  return 0;
}

static int32_t one_tile(const cohort_context_info_t *context, const char *name, int64_t *value, void *user) {
  (void)context; (void)name; (void)user;
  *value = ALL_ROWS;
  return 0;
}

cohort_status_t device_mapper(const mapper_setting_t *setting, cohort_mapper_t *mapper) {
  (void)setting;
  mapper->select_task_options = to_device;
  mapper->select_tunable = one_tile;
  return COHORT_OK;
}
