/* Runs a kernel on the first OpenCL device there is. */
#include "device_host.h"

#if defined(S3D_WITH_OPENCL)
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <stdlib.h>

typedef struct {
  cl_context context;
  cl_command_queue queue;
  cl_device_id device;
} device_t;

static int open_device(device_t *device, char *message) {
  static device_t opened;
  if (!opened.context) {
    cl_platform_id platform;
    cl_int status = clGetPlatformIDs(1, &platform, NULL);
    if (status == CL_SUCCESS) status = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &opened.device, NULL);
    if (status != CL_SUCCESS) return SAY(message, "no OpenCL device (%d)", status);
    opened.context = clCreateContext(NULL, 1, &opened.device, NULL, NULL, &status);
    if (status == CL_SUCCESS) opened.queue = clCreateCommandQueue(opened.context, opened.device, 0, &status);
    if (status != CL_SUCCESS) return SAY(message, "no OpenCL context and queue (%d)", status);
  }
  *device = opened;
  return 0;
}

static char *text_of(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) return NULL;
  fseek(file, 0, SEEK_END);
  const long size = ftell(file);
  rewind(file);
  char *text = calloc((size_t)size + 1, 1);
  if (text && fread(text, 1, (size_t)size, file) != (size_t)size) {
    free(text);
    text = NULL;
  }
  fclose(file);
  return text;
}

static int build(const device_t *device, const char *path, cl_program *program, char *message) {
  char log[3072] = "";
  char *text = text_of(path);
  if (!text) return SAY(message, "%s cannot be read", path);
  cl_int status;
  *program = clCreateProgramWithSource(device->context, 1, (const char **)&text, NULL, &status);
  free(text);
  if (status == CL_SUCCESS) status = clBuildProgram(*program, 1, &device->device, "-cl-std=CL1.2", NULL, NULL);
  if (status == CL_SUCCESS) return 0;
  clGetProgramBuildInfo(*program, device->device, CL_PROGRAM_BUILD_LOG, sizeof log - 1, log, NULL);
  return SAY(message, "%s: clBuildProgram %d\n%s", path, status, log);
}

int s3d_run_as_opencl(const char *path, const char *kernel, const int64_t *grid, int32_t count, const argument_t *argument,
                      char *message) {
  device_t device;
  cl_program program;
  cl_mem buffer[MOST_ARGUMENTS] = {NULL};
  if (open_device(&device, message) || build(&device, path, &program, message)) return 1;
  cl_int status;
  cl_kernel entry = clCreateKernel(program, kernel, &status);
  for (int a = 0; a < count && status == CL_SUCCESS; ++a) {
    if (argument[a].kind == VALUE) {
      status = clSetKernelArg(entry, a, argument[a].bytes, argument[a].data);
      continue;
    }
    if (argument[a].data)
      buffer[a] = clCreateBuffer(device.context, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR, argument[a].bytes, argument[a].data, &status);
    if (status == CL_SUCCESS) status = clSetKernelArg(entry, a, sizeof buffer[a], argument[a].data ? &buffer[a] : NULL);
  }
  /* Rounded up: work items beyond the points must find out. */
  const size_t local[3] = {8, 2, 2};
  size_t global[3];
  for (int d = 0; d < 3; ++d) global[d] = ((size_t)grid[d] + local[d] - 1) / local[d] * local[d];
  if (status == CL_SUCCESS) status = clEnqueueNDRangeKernel(device.queue, entry, 3, NULL, global, local, 0, NULL, NULL);
  for (int a = 0; a < count && status == CL_SUCCESS; ++a) {
    if (argument[a].kind == OUTPUT && buffer[a])
      status = clEnqueueReadBuffer(device.queue, buffer[a], CL_TRUE, 0, argument[a].bytes, argument[a].data, 0, NULL, NULL);
  }
  for (int a = 0; a < count; ++a) {
    if (buffer[a]) clReleaseMemObject(buffer[a]);
  }
  if (entry) clReleaseKernel(entry);
  clReleaseProgram(program);
  if (status != CL_SUCCESS) return SAY(message, "OpenCL, kernel %s: status %d", kernel, status);
  return 0;
}
#else
int s3d_run_as_opencl(const char *path, const char *kernel, const int64_t *grid, int32_t count, const argument_t *argument,
                      char *message) {
  (void)path, (void)kernel, (void)grid, (void)count, (void)argument;
  return SAY(message, "built without OpenCL");
}
#endif
