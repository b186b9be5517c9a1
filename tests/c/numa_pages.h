/* In which NUMA node memory lies. Who includes this asks for _GNU_SOURCE first (syscall). */
#ifndef NUMA_PAGES_H
#define NUMA_PAGES_H

#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 4096 };

/* That of a page, or less than 0. */
static inline int node_of(const void *address)
{
  void *page = (void *)((uintptr_t)address / PAGE * PAGE);
  int node = -1;
  return syscall(SYS_move_pages, 0, 1UL, &page, NULL, &node, 0) == 0 ? node : -1;
}

#endif
