/* What tests share in which the system gives no more memory. */
#ifndef COHORT_LIMITED_MEMORY_H
#define COHORT_LIMITED_MEMORY_H

#include "testing.h"
#include <sys/resource.h>
#include <unistd.h>

/* From here on this process gets so many bytes of address space more than it has; 0: as many as there are. */
static inline void limit_memory(size_t room)
{
  unsigned long pages;
  struct rlimit limit;
  FILE *file = fopen("/proc/self/statm", "r");
  CHECK(file && fscanf(file, "%lu", &pages) == 1);
  fclose(file);
  CHECK(getrlimit(RLIMIT_AS, &limit) == 0);
  limit.rlim_cur = room ? pages * (size_t)sysconf(_SC_PAGESIZE) + room : limit.rlim_max;
  CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
}

/* It worked, or it was refused for want of memory, by the function itself. */
static inline int works(cohort_status_t status, const char *function)
{
  const char *text = cohort_last_error();
  if (status == COHORT_OK)
    return 1;
  CHECK(status == COHORT_ERROR_RESOURCES && strncmp(text, function, strlen(function)) == 0 && strstr(text, "no memory for") && strstr(text, " bytes"));
  return 0;
}

#endif
