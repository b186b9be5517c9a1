/* What functions for devices enqueue in the tests: elements of 8 bytes set with the driver's own function, OpenCL's or CUDA's, of which no
 * header is needed. CUDA's finds its context current, as its runtime does. */
#ifndef DEVICE_FILL_H
#define DEVICE_FILL_H

#include <cohort.h>
#include <dlfcn.h>
#include <stdint.h>
#include <string.h>

static inline void *device_driver(const cohort_device_t *device, const char *name)
{
  void *library = dlopen(device->api == COHORT_DEVICE_CUDA ? "libcuda.so.1" : "libOpenCL.so.1", RTLD_NOW);
  return library ? dlsym(library, name) : NULL;
}

/* The driver's error, or -1 if there is no such driver. */
static inline int32_t device_fill(const cohort_device_t *device, const cohort_device_view_t *view, const void *value, size_t count)
{
  if (device->api == COHORT_DEVICE_CUDA) {
    int32_t (*enqueue)(uint64_t, size_t, uint32_t, size_t, size_t, void *);
    const uint64_t at = (uint64_t)(uintptr_t)view->base + (uint64_t)view->offset;
    uint32_t words[2];
    int32_t code = -1;
    memcpy(words, value, sizeof words);
    *(void **)&enqueue = device_driver(device, "cuMemsetD2D32Async");
    for (int i = 0; i < 2 && enqueue && (i == 0 || !code); i++)
      code = enqueue(at + 4 * (uint64_t)i, 8, words[i], 1, count, device->stream);
    return code;
  }
  int32_t (*enqueue)(void *, void *, const void *, size_t, size_t, size_t, uint32_t, const void *, void *);
  *(void **)&enqueue = device_driver(device, "clEnqueueFillBuffer");
  return enqueue ? enqueue(device->stream, view->base, value, 8, (size_t)view->offset, 8 * count, 0, NULL, NULL) : -1;
}

#endif
