/* Arguments of a kernel, and how a host that runs one tells what went wrong. */
#ifndef DEVICE_HOST_H
#define DEVICE_HOST_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum kind { VALUE, INPUT, OUTPUT };
/* OUTPUT is read as well. A null pointer stays one. */
typedef struct {
  void *data;
  size_t bytes;
  int32_t kind;
} argument_t;

enum { MOST_ARGUMENTS = 64, MESSAGE = 4096 };

/* Run the kernel of a source file for every work item of a grid. Return 0, or 1 with a message. */
int s3d_run_as_c(const char *path, const char *kernel, const int64_t *grid, int32_t count, const argument_t *argument, char *message);
int s3d_run_as_opencl(const char *path, const char *kernel, const int64_t *grid, int32_t count, const argument_t *argument,
                      char *message);

/* Fills the message; one. */
#define SAY(message, ...) (snprintf(message, MESSAGE, __VA_ARGS__), 1)

#endif
