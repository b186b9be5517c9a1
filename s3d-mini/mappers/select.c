/* Which mapper a run has, by name. */
#include "mappers.h"
#include <string.h>

static const struct {
  const char *name;
  cohort_status_t (*make)(const mapper_setting_t *setting, cohort_mapper_t *mapper);
  bool devices;
} known[] = {{"cpu", cpu_mapper, false},
             {"device", device_mapper, true},
             {"mixed", mixed_mapper, true},
             {"overflow", overflow_mapper, true},
             {"fuzz", fuzz_mapper, false},
             {"fuzz_device", fuzz_mapper, true},
             {"nonsense", nonsense_mapper, false}};

/* Whether the mapper of that name sends tasks to devices, which round otherwise than CPUs. */
int32_t s3d_mapper_has_devices(const char *name) {
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (!strcmp(name, known[i].name)) return known[i].devices;
  return 0;
}

/* Has the mapper of that name asked about all tasks. With an unknown name, "default" among them, `handle` is the null handle and
 * nothing changes. */
cohort_status_t s3d_mapper_select(cohort_runtime_t rt, const char *name, int64_t seed, int32_t may_inline,
                                  cohort_mapper_handle_t *handle) {
  const mapper_setting_t setting = {rt, (uint64_t)seed, may_inline != 0};
  handle->id = 0;
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    if (strcmp(name, known[i].name)) continue;
    cohort_mapper_t mapper = COHORT_MAPPER_INIT;
    cohort_status_t status = known[i].make(&setting, &mapper);
    if (!status) status = cohort_mapper_register(rt, &mapper, name, handle);
    return status ? status : cohort_mapper_use(*handle, NULL, 0);
  }
  return COHORT_OK;
}

/* SplitMix64: Steele, Lea, Flood, Fast splittable pseudorandom number generators, OOPSLA 2014. */
uint64_t random_below(random_t *random, uint64_t bound) {
  uint64_t z = random->seed * 0xd1342543de82ef95u + (atomic_fetch_add(&random->taken, 1) + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return (z ^ (z >> 31)) % bound;
}
