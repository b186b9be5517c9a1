// What the stand-in for CUDA's driver says of wrong programs: each of these is wrong in one way, and runs in a process of its own.
#include "api.h"
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

extern "C" {
CUresult cuInit(unsigned);
CUresult cuDevicePrimaryCtxRetain(CUcontext *, CUdevice);
CUresult cuDevicePrimaryCtxRelease_v2(CUdevice);
CUresult cuCtxSetCurrent(CUcontext);
CUresult cuCtxEnablePeerAccess(CUcontext, unsigned);
CUresult cuMemAlloc_v2(CUdeviceptr *, std::size_t);
CUresult cuMemFree_v2(CUdeviceptr);
CUresult cuMemAllocAsync(CUdeviceptr *, std::size_t, CUstream);
CUresult cuMemFreeAsync(CUdeviceptr, CUstream);
CUresult cuMemHostAlloc(void **, std::size_t, unsigned);
CUresult cuMemHostRegister_v2(void *, std::size_t, unsigned);
CUresult cuMemHostUnregister(void *);
CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr *, void *, unsigned);
CUresult cuStreamCreate(CUstream *, unsigned);
CUresult cuStreamSynchronize(CUstream);
CUresult cuStreamWaitEvent(CUstream, CUevent, unsigned);
CUresult cuEventCreate(CUevent *, unsigned);
CUresult cuEventRecord(CUevent, CUstream);
CUresult cuEventQuery(CUevent);
CUresult cuLaunchHostFunc(CUstream, void (*)(void *), void *);
CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr, const void *, std::size_t, CUstream);
CUresult cuMemcpyDtoHAsync_v2(void *, CUdeviceptr, std::size_t, CUstream);
CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr, CUdeviceptr, std::size_t, CUstream);
CUresult cuMemcpyPeerAsync(CUdeviceptr, CUcontext, CUdeviceptr, CUcontext, std::size_t, CUstream);
CUresult cuMemcpy3DAsync_v2(const CUDA_MEMCPY3D *, CUstream);
CUresult cuMemsetD32Async(CUdeviceptr, unsigned, std::size_t, CUstream);
CUresult cuModuleLoadDataEx(CUmodule *, const void *, unsigned, CUjit_option *, void **);
CUresult cuModuleGetFunction(CUfunction *, CUmodule, const char *);
CUresult cuLaunchKernel(CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, CUstream, void **, void **);
struct Program;
int nvrtcCreateProgram(Program **, const char *, const char *, int, const char *const *, const char *const *);
int nvrtcCompileProgram(Program *, int, const char *const *);
int nvrtcGetCUBINSize(Program *, std::size_t *);
int nvrtcGetCUBIN(Program *, char *);
int nvrtcGetProgramLogSize(Program *, std::size_t *);
int nvrtcGetProgramLog(Program *, char *);
}

namespace {
constexpr std::size_t BYTES = 4096;

#define CHECK(condition)                                                                                                                   \
  do {                                                                                                                                     \
    if (!(condition)) {                                                                                                                    \
      printf("FAILED %s: not so: %s\n", name, #condition);                                                                                 \
      fflush(stdout);                                                                                                                      \
      _exit(1);                                                                                                                            \
    }                                                                                                                                      \
  } while (0)

const char *name;
CUcontext contexts[2];
CUstream streams[2]; // of the first context
CUdeviceptr memory, other;
char host[2 * BYTES];

void begin()
{
  CHECK(cuInit(0) == 0);
  for (int device : {1, 0}) {
    CHECK(cuDevicePrimaryCtxRetain(&contexts[device], device) == 0);
    CHECK(cuCtxSetCurrent(contexts[device]) == 0);
    CHECK(cuMemAlloc_v2(device ? &other : &memory, BYTES) == 0);
  }
  for (CUstream &stream : streams)
    CHECK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING) == 0);
}

CUfunction kernel(const char *text, const char *kernel_name)
{
  Program *program;
  const char *const options[] = {"--gpu-architecture", "sm_90"};
  std::size_t size;
  CHECK(nvrtcCreateProgram(&program, text, "kernel.cu", 0, nullptr, nullptr) == 0);
  CHECK(nvrtcCompileProgram(program, 2, options) == 0);
  CHECK(nvrtcGetCUBINSize(program, &size) == 0);
  std::vector<char> code(size);
  CHECK(nvrtcGetCUBIN(program, code.data()) == 0);
  CUmodule module;
  CUfunction found;
  CHECK(cuModuleLoadDataEx(&module, code.data(), 0, nullptr, nullptr) == 0);
  CHECK(cuModuleGetFunction(&found, module, "no such kernel") == CUDA_ERROR_NOT_FOUND);
  CHECK(cuModuleGetFunction(&found, module, kernel_name) == 0);
  return found;
}

CUresult set(CUfunction function, CUdeviceptr at, long index, unsigned blocks = 1, unsigned threads = 1)
{
  void *parameters[] = {&at, &index};
  return cuLaunchKernel(function, 1, 1, blocks, 1, 1, threads, 0, streams[0], parameters, nullptr);
}

const char *const SET = "extern \"C\" __global__ void set(double *x, long i) { x[i] = 42; }";

void copies()
{
  CHECK(cuMemcpyHtoDAsync_v2(memory, host, BYTES, streams[0]) == 0);
  CHECK(cuMemcpyHtoDAsync_v2(memory + 1, host, BYTES, streams[0]) == CUDA_ERROR_INVALID_VALUE);
  CHECK(cuMemcpyHtoDAsync_v2(memory - 1, host, 1, streams[0]) == CUDA_ERROR_INVALID_VALUE);
  CHECK(cuMemcpyHtoDAsync_v2((CUdeviceptr)host, host, 1, streams[0]) == CUDA_ERROR_INVALID_VALUE);
  CHECK(cuMemcpyDtoHAsync_v2((void *)memory, memory, 1, streams[0]) == CUDA_ERROR_INVALID_VALUE);
  CHECK(cuMemsetD32Async(memory + 2, 0, 1, streams[0]) == CUDA_ERROR_INVALID_VALUE);
  CHECK(cuMemcpyPeerAsync(memory, contexts[1], other, contexts[0], 8, streams[0]) == CUDA_ERROR_INVALID_CONTEXT);
  CUDA_MEMCPY3D box = {};
  box.srcMemoryType = CU_MEMORYTYPE_HOST, box.srcHost = host, box.srcPitch = 64, box.srcHeight = 4;
  box.dstMemoryType = CU_MEMORYTYPE_DEVICE, box.dstDevice = memory, box.dstPitch = 128, box.dstHeight = 8;
  box.WidthInBytes = 64, box.Height = 4, box.Depth = 4;
  CHECK(cuMemcpy3DAsync_v2(&box, streams[0]) == 0);
  box.Depth = 5;
  CHECK(cuMemcpy3DAsync_v2(&box, streams[0]) == CUDA_ERROR_INVALID_VALUE);
  box.Depth = 4, box.srcPitch = 63;
  CHECK(cuMemcpy3DAsync_v2(&box, streams[0]) == CUDA_ERROR_INVALID_VALUE);
}

void current_contexts()
{
  CUdeviceptr at;
  CUevent event;
  CUstream stream;
  CHECK(cuCtxSetCurrent(nullptr) == 0);
  CHECK(cuMemAlloc_v2(&at, 8) == CUDA_ERROR_INVALID_CONTEXT);
  CHECK(cuEventQuery(nullptr) == CUDA_ERROR_INVALID_CONTEXT);
  CHECK(cuCtxSetCurrent(contexts[1]) == 0);
  CHECK(cuMemcpyHtoDAsync_v2(memory, host, 8, streams[0]) == CUDA_ERROR_INVALID_CONTEXT);
  CHECK(cuEventCreate(&event, CU_EVENT_DISABLE_TIMING) == 0);
  CHECK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING) == 0);
  CHECK(cuEventRecord(event, stream) == 0 && cuStreamSynchronize(stream) == 0);
  CHECK(cuCtxSetCurrent(contexts[0]) == 0);
  CHECK(cuStreamWaitEvent(streams[0], event, 0) == 0); // waits go across
  CHECK(cuEventRecord(event, streams[0]) == CUDA_ERROR_INVALID_HANDLE);
  CHECK(cuStreamSynchronize(nullptr) == CUDA_ERROR_INVALID_HANDLE);
  CHECK(cuDevicePrimaryCtxRelease_v2(0) == 0);
  CHECK(cuMemAlloc_v2(&at, 8) == CUDA_ERROR_CONTEXT_IS_DESTROYED);
}

void pinned_memory()
{
  CHECK(cuMemHostRegister_v2(host, BYTES, CU_MEMHOSTREGISTER_PORTABLE) == 0);
  CHECK(cuMemHostRegister_v2(host + 8, 8, CU_MEMHOSTREGISTER_PORTABLE) == CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED);
  CHECK(cuMemcpyHtoDAsync_v2(memory, host + BYTES - 8, 16, streams[0]) == CUDA_ERROR_INVALID_VALUE);
  CHECK(cuMemcpyHtoDAsync_v2(memory, host + BYTES, 16, streams[0]) == 0);
  CHECK(cuMemHostUnregister(host + 8) == CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED);
  CHECK(cuMemHostUnregister(host) == 0);
  CHECK(cuMemHostUnregister(host) == CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED);
  // What kernels use is pinned for them.
  void *pinned[2];
  CUdeviceptr at;
  for (unsigned flags : {0u, 2u})
    CHECK(cuMemHostAlloc(&pinned[flags / 2], 64, CU_MEMHOSTALLOC_PORTABLE | flags) == 0);
  CHECK(cuMemHostGetDevicePointer_v2(&at, pinned[0], 0) == CUDA_ERROR_INVALID_VALUE);
  CHECK(cuMemHostGetDevicePointer_v2(&at, pinned[1], 0) == 0);
  CHECK(set(kernel(SET, "set"), at, 7) == 0 && cuStreamSynchronize(streams[0]) == 0 && static_cast<double *>(pinned[1])[7] == 42);
}

void hold(void *) { usleep(20000); }

void memory_that_went()
{
  CHECK(cuMemHostRegister_v2(host, BYTES, CU_MEMHOSTREGISTER_PORTABLE) == 0);
  CHECK(cuLaunchHostFunc(streams[0], hold, nullptr) == 0);
  CHECK(cuMemcpyHtoDAsync_v2(memory, host, 16, streams[0]) == 0);
  CHECK(cuMemHostUnregister(host) == 0);
  CHECK(cuStreamSynchronize(streams[0]) == CUDA_ERROR_ILLEGAL_ADDRESS);
}

void memory_that_was_freed()
{
  CUdeviceptr at;
  CHECK(cuMemAllocAsync(&at, 64, streams[1]) == 0 && cuStreamSynchronize(streams[1]) == 0);
  CHECK(cuLaunchHostFunc(streams[0], hold, nullptr) == 0);
  CHECK(cuMemsetD32Async(at, 1, 1, streams[0]) == 0);
  CHECK(cuMemFreeAsync(at, streams[1]) == 0);
  CHECK(cuMemFree_v2(at) == CUDA_ERROR_INVALID_VALUE);
  CHECK(cuStreamSynchronize(streams[0]) == CUDA_ERROR_ILLEGAL_ADDRESS);
}

void kernels()
{
  const CUfunction function = kernel(SET, "set");
  double value;
  CHECK(set(function, memory, 3) == 0);
  CHECK(cuMemcpyDtoHAsync_v2(&value, memory + 24, sizeof value, streams[0]) == 0 && value == 42);
  CHECK(set(function, memory, 0, 65536) == CUDA_ERROR_INVALID_VALUE);
  CHECK(set(function, memory, 0, 1, 65) == CUDA_ERROR_INVALID_VALUE);
  CHECK(set(function, memory, BYTES / 8) == 0);
  // The context is lost.
  CHECK(cuStreamSynchronize(streams[0]) == CUDA_ERROR_ILLEGAL_ADDRESS);
  CHECK(cuMemcpyDtoHAsync_v2(&value, memory, sizeof value, streams[1]) == CUDA_ERROR_ILLEGAL_ADDRESS);
  CHECK(cuMemFree_v2(memory) == CUDA_ERROR_ILLEGAL_ADDRESS);
  CHECK(cuCtxSetCurrent(contexts[1]) == 0 && cuMemFree_v2(other) == 0);
}

void memory_of_a_peer()
{
  const CUfunction function = kernel(SET, "set");
  CHECK(cuCtxEnablePeerAccess(contexts[1], 0) == 0);
  CHECK(cuCtxEnablePeerAccess(contexts[1], 0) == CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED);
  CHECK(set(function, other, 0) == 0 && cuStreamSynchronize(streams[0]) == 0);
}

void memory_of_a_stranger()
{
  const CUfunction function = kernel(SET, "set");
  CHECK(set(function, other, 0) == 0 && cuStreamSynchronize(streams[0]) == CUDA_ERROR_ILLEGAL_ADDRESS);
}

void sources()
{
  Program *program;
  std::size_t size;
  CUmodule module;
  char log[200] = "";
  const char *const options[] = {"--gpu-architecture=sm_90", "--no-such-option"};
  CHECK(nvrtcCreateProgram(&program, "extern \"C\" __global__ void k() { __syncthreads(); }", "kernel.cu", 0, nullptr, nullptr) == 0);
  CHECK(nvrtcCompileProgram(program, 2, options) == 5);
  CHECK(nvrtcCompileProgram(program, 1, options) == 6);
  CHECK(nvrtcGetProgramLogSize(program, &size) == 0);
  std::vector<char> said(size);
  CHECK(nvrtcGetProgramLog(program, said.data()) == 0 && strstr(said.data(), "error:") && strstr(said.data(), "__syncthreads"));
  CUjit_option which[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  void *values[] = {log, (void *)sizeof log};
  CHECK(cuModuleLoadDataEx(&module, ".version 8.0\n.target sm_80\n", 2, which, values) == CUDA_ERROR_INVALID_PTX && strstr(log, "PTX"));
}

// How often a stream sees what another one did before, of many times.
int seen(bool waits)
{
  int right = 0;
  unsigned *value;
  CUevent event;
  CHECK(cuMemHostAlloc((void **)&value, 4, CU_MEMHOSTALLOC_PORTABLE) == 0);
  CHECK(cuEventCreate(&event, CU_EVENT_DISABLE_TIMING) == 0);
  for (unsigned turn = 0; turn < 50; turn++) {
    CHECK(cuMemsetD32Async(memory, turn, 1, streams[0]) == 0);
    CHECK(cuEventRecord(event, streams[0]) == 0);
    if (waits)
      CHECK(cuStreamWaitEvent(streams[1], event, 0) == 0);
    CHECK(cuMemcpyDtoHAsync_v2(value, memory, 4, streams[1]) == 0);
    CHECK(cuStreamSynchronize(streams[1]) == 0);
    right += *value == turn;
    CHECK(cuStreamSynchronize(streams[0]) == 0);
  }
  return right;
}

void waits()
{
  CHECK(seen(true) == 50);
  CHECK(seen(false) < 50);
}

void faults()
{
  CUdeviceptr at;
  CHECK(cuMemAlloc_v2(&at, 8) == 0);
  CHECK(cuMemAlloc_v2(&at, 8) == CUDA_ERROR_OUT_OF_MEMORY);
  CHECK(cuMemAlloc_v2(&at, 8) == 0);
  CHECK(cuMemsetD32Async(at, 0, 1, streams[0]) == 719);
  CHECK(cuMemAlloc_v2(&at, 8) == 719);
}

void room()
{
  CUdeviceptr at;
  CHECK(cuMemAlloc_v2(&at, (std::size_t(1) << 30) - BYTES + 1) == CUDA_ERROR_OUT_OF_MEMORY);
  CHECK(cuMemFree_v2(memory) == 0);
  CHECK(cuMemAlloc_v2(&at, std::size_t(1) << 30) == 0);
}

void the_hosts_touch() { *(volatile char *)memory = 1; }

void what_is_left() { CHECK(cuDevicePrimaryCtxRelease_v2(0) == 0); }

struct Case {
  const char *name, *variables; // NAME=VALUE, or empty
  void (*run)();
  int signal; // which ends it, or 0
};
const Case CASES[] = {
    {"copies out of bounds, and of what is no device memory", "", copies, 0},
    {"contexts that are not current", "", current_contexts, 0},
    {"pinned memory", "", pinned_memory, 0},
    {"memory that is unregistered while it is copied", "", memory_that_went, 0},
    {"memory that is freed while it is used", "", memory_that_was_freed, 0},
    {"kernels out of bounds, and the context that is lost then", "", kernels, 0},
    {"memory of a peer", "", memory_of_a_peer, 0},
    {"memory of a device that is no peer", "", memory_of_a_stranger, 0},
    {"sources that do not compile", "", sources, 0},
    {"waits that are missing", "CUDA_STAND_IN_DELAY=2000", waits, 0},
    {"faults that are asked for", "CUDA_STAND_IN_FAULT=cuMemAlloc_v2:4=2,cuMemsetD32Async:1=719!", faults, 0},
    {"memory that is used up", "", room, 0},
    {"the host's touch", "", the_hosts_touch, SIGSEGV},
    {"what is left in a context that goes", "CUDA_STAND_IN_ABORTS=1", what_is_left, SIGABRT},
};
} // namespace

int main()
{
  int failed = 0;
  for (const Case &one : CASES) {
    fflush(stdout);
    const pid_t child = fork();
    if (!child) {
      name = one.name;
      if (*one.variables)
        putenv(const_cast<char *>(one.variables));
      setenv("CUDA_STAND_IN_DEVICES", "2", 1);
      freopen("/dev/null", "w", stderr);
      alarm(60); // a wait that never ends is a failure
      begin();
      one.run();
      _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    const bool good = one.signal ? WIFSIGNALED(status) && WTERMSIG(status) == one.signal : WIFEXITED(status) && WEXITSTATUS(status) == 0;
    printf("%s %s\n", good ? "ok" : "FAILED", one.name);
    failed += !good;
  }
  return failed > 0;
}
