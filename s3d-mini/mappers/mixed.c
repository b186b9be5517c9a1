/* The expensive kernel, chemistry, on devices; all that has neighbours on CPUs, which exchange its data meanwhile. */
#include "mappers.h"
#include <string.h>

static int32_t chemistry_to_device(const cohort_task_info_t *task, cohort_task_options_t *options, void *user) {
  (void)user;
  if (runs_on_devices(task)) options->processor = strcmp(task->name, "chemistry") ? COHORT_PROC_CPU : COHORT_PROC_DEVICE;
  return 0;
}

cohort_status_t mixed_mapper(const mapper_setting_t *setting, cohort_mapper_t *mapper) {
  (void)setting;
  mapper->select_task_options = chemistry_to_device;
  return COHORT_OK;
}
