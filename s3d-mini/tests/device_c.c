/* Runs a kernel compiled as C: a library of it and device_entries.c, opened and called. */
#include "device_host.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

int s3d_run_as_c(const char *path, const char *kernel, const int64_t *grid, int32_t count, const argument_t *argument, char *message) {
  char command[2048], library[1024];
  void *pointers[MOST_ARGUMENTS];
  snprintf(library, sizeof library, "%s.so", path);
  /* The launch's arguments follow pairs of a pointer and an extent. */
  const char *launch = !strcmp(kernel, "update") ? "update_arguments" : !strcmp(kernel, "filter") ? "filter_arguments" : "tile_arguments";
  snprintf(command, sizeof command,
           "%s -std=c11 -O1 -Wall -Werror -shared -fPIC -o %s -include %s -DKERNEL=%s -DLAUNCH=%s '-DARGUMENTS=REQUIREMENTS_%d, AFTER(%d)' %s -lm",
           C_COMPILER, library, path, kernel, launch, count / 2, count / 2, ENTRIES);
  if (system(command) != 0) return SAY(message, "failed: %s", command);
  void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (!handle) return SAY(message, "%s", dlerror());
  void (*run)(const long *, void *const *) = (void (*)(const long *, void *const *))dlsym(handle, "run_over_grid");
  if (!run) return SAY(message, "%s", dlerror());
  for (int a = 0; a < count; ++a) pointers[a] = argument[a].data;
  const long extent[3] = {grid[0], grid[1], grid[2]};
  run(extent, pointers);
  dlclose(handle);
  return 0;
}
