/* A task for the host and for devices. */
#ifndef KERNEL_TASK_H
#define KERNEL_TASK_H

#include "testing.h"

/* The kernel has the task's name; `grid` is the requirement that says how many points it has. */
static inline cohort_task_t task_with_kernel(cohort_runtime_t rt, const char *name, cohort_task_function_t on_host, const char *text, uint32_t grid)
{
  cohort_task_t task;
  cohort_kernel_t kernel = COHORT_KERNEL_INIT;
  kernel.source = text;
  kernel.name = name;
  kernel.grid_requirement = grid;
  TRY(cohort_task_register(rt, name, on_host, NULL, COHORT_TASK_LEAF, &task));
  TRY(cohort_task_kernel(task, &kernel));
  return task;
}

#endif
