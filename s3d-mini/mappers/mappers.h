/* The mappers that an input file can choose by name. What they keep between calls is static: one runtime is alive at a time. */
#ifndef S3D_MAPPERS_H
#define S3D_MAPPERS_H
#include <cohort.h>
#include <stdatomic.h>

/* What a mapper is made for. */
typedef struct {
  cohort_runtime_t rt;
  uint64_t seed;
  bool may_inline; /* the launching thread is the one that runs the MPI code: no task waits for what that does next */
} mapper_setting_t;

/* Each sets the callbacks of a mapper that has none yet. */
cohort_status_t cpu_mapper(const mapper_setting_t *setting, cohort_mapper_t *mapper);
cohort_status_t device_mapper(const mapper_setting_t *setting, cohort_mapper_t *mapper);
cohort_status_t mixed_mapper(const mapper_setting_t *setting, cohort_mapper_t *mapper);
cohort_status_t overflow_mapper(const mapper_setting_t *setting, cohort_mapper_t *mapper);
cohort_status_t fuzz_mapper(const mapper_setting_t *setting, cohort_mapper_t *mapper);
cohort_status_t nonsense_mapper(const mapper_setting_t *setting, cohort_mapper_t *mapper);

/* Whether a device of this rank has a variant of the task. */
static inline bool runs_on_devices(const cohort_task_info_t *task) { return task->variants >> COHORT_PROC_DEVICE & 1; }

/* The next of the numbers that follow from a seed, below `bound`. Any thread. */
typedef struct {
  uint64_t seed;
  _Atomic uint64_t taken;
} random_t;
uint64_t random_below(random_t *random, uint64_t bound);

#endif
