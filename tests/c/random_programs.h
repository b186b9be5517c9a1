/* What random programs on devices share: numbers that a seed determines, and whether there are devices and how much room. */
#ifndef COHORT_RANDOM_PROGRAMS_H
#define COHORT_RANDOM_PROGRAMS_H

#include "testing.h"
#include <stdbool.h>

static uint64_t random_state;

static inline void seed(int number)
{
  random_state = 0x9e3779b97f4a7c15 * (uint64_t)(number + 1);
}

static inline uint32_t below(uint32_t count)
{
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return (uint32_t)((random_state >> 20) % count);
}

static inline bool devices_are_there(void)
{
  const char *devices = getenv("COHORT_DEVICES");
  return devices && strcmp(devices, "none") != 0;
}

/* In bytes; the tests give it without a unit. */
static inline uint64_t device_memory(void)
{
  const char *limit = getenv("COHORT_DEVICE_MEMORY");
  return limit ? strtoull(limit, NULL, 10) : UINT64_MAX;
}

#endif
