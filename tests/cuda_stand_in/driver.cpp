// Devices, contexts, memory, streams and events of the driver interface.
#include "stand_in.h"
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <sys/mman.h>

namespace {
CUresult check_device(const char *call, CUdevice device)
{
  if (device < 0 || device >= settings().devices)
    return misuse(CUDA_ERROR_INVALID_DEVICE, call, "there is no device %d", device);
  return CUDA_SUCCESS;
}

CUresult check_event(const char *call, Event *event)
{
  std::lock_guard<std::mutex> guard(world().lock);
  if (!world().events.count(event))
    return misuse(CUDA_ERROR_INVALID_HANDLE, call, "%p is no event", (void *)event);
  return CUDA_SUCCESS;
}

// Waits until nothing is under way in a context, as calls do that the reference calls synchronous.
void drain(Context *context)
{
  std::vector<std::shared_ptr<Mark>> marks;
  {
    std::lock_guard<std::mutex> guard(world().lock);
    for (auto &[stream, held] : world().streams)
      if (stream->context == context)
        marks.push_back(stream->mark());
  }
  for (auto &mark : marks)
    mark->wait();
}

template <typename Map> int count_of(const Map &map, Context *context)
{
  return std::count_if(map.begin(), map.end(), [&](const auto &entry) { return entry.second->context == context; });
}
} // namespace

EXPORT CUresult cuInit(unsigned flags)
{
  ENTER(Nothing);
  if (flags)
    return misuse(CUDA_ERROR_INVALID_VALUE, __func__, "flags are %u", flags);
  if (!settings().devices)
    return CUDA_ERROR_NO_DEVICE;
  initialize();
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDriverGetVersion(int *version)
{
  ENTER(Nothing);
  *version = 12040;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetCount(int *count)
{
  ENTER(Init);
  *count = settings().devices;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGet(CUdevice *device, int ordinal)
{
  ENTER(Init);
  TRY(check_device(__func__, ordinal));
  *device = ordinal;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetName(char *name, int length, CUdevice device)
{
  ENTER(Init);
  TRY(check_device(__func__, device));
  snprintf(name, length, "Stand-in %d (no GPU)", device);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceTotalMem_v2(std::size_t *bytes, CUdevice device)
{
  ENTER(Init);
  TRY(check_device(__func__, device));
  *bytes = settings().memory;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute what, CUdevice device)
{
  ENTER(Init);
  TRY(check_device(__func__, device));
  switch (what) {
  case CU_DEVICE_ATTRIBUTE_MAX_PITCH: *value = (int)settings().pitch; break;
  case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT: *value = 1; break;
  case CU_DEVICE_ATTRIBUTE_INTEGRATED: *value = 0; break;
  case CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY: *value = 1; break;
  case CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING: *value = 1; break;
  case CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID: *value = 0xffff; break;
  case CU_DEVICE_ATTRIBUTE_PCI_BUS_ID: *value = device + 1; break;
  case CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID: *value = 0; break;
  case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR: *value = settings().capability / 10; break;
  case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR: *value = settings().capability % 10; break;
  case CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED: *value = settings().pools; break;
  default: return misuse(CUDA_ERROR_INVALID_VALUE, __func__, "the stand-in has no attribute %d", what);
  }
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceCanAccessPeer(int *can, CUdevice device, CUdevice peer)
{
  ENTER(Init);
  TRY(check_device(__func__, device));
  TRY(check_device(__func__, peer));
  *can = settings().peers && device != peer;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetDefaultMemPool(CUmemoryPool *pool, CUdevice device)
{
  ENTER(Init);
  TRY(check_device(__func__, device));
  if (!settings().pools)
    return misuse(CUDA_ERROR_INVALID_VALUE, __func__, "the device has no pools");
  *pool = world().pools[device].get();
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device)
{
  ENTER(Init);
  TRY(check_device(__func__, device));
  std::lock_guard<std::mutex> guard(world().lock);
  *context = world().contexts[device].get();
  (*context)->retained++;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device)
{
  ENTER(Init);
  TRY(check_device(__func__, device));
  std::lock_guard<std::mutex> guard(world().lock);
  Context *const context = world().contexts[device].get();
  if (!context->retained)
    return misuse(CUDA_ERROR_INVALID_CONTEXT, __func__, "it is not retained");
  // Who let go of the last thing in a lost context got no success.
  if (--context->retained == 0 && !context->lost) {
    const World &all = world();
    const int left[] = {count_of(all.memory, context), count_of(all.pinned, context), count_of(all.streams, context), count_of(all.events, context),
                        count_of(all.modules, context)};
    if (left[0] + left[1] + left[2] + left[3] + left[4])
      misuse(CUDA_SUCCESS, __func__, "left are %d allocations, %d pieces of pinned memory, %d streams, %d events, %d modules", left[0], left[1], left[2],
             left[3], left[4]);
  }
  return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxGetCurrent(CUcontext *context)
{
  ENTER(Init);
  *context = current();
  return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxSetCurrent(CUcontext context)
{
  ENTER(Init);
  std::lock_guard<std::mutex> guard(world().lock);
  const bool known = std::any_of(world().contexts.begin(), world().contexts.end(), [&](auto &other) { return other.get() == context; });
  if (context && !known)
    return misuse(CUDA_ERROR_INVALID_CONTEXT, __func__, "%p is no context", (void *)context);
  current() = context;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxEnablePeerAccess(CUcontext peer, unsigned flags)
{
  ENTER(Context);
  if (flags || !peer || peer == current())
    return misuse(CUDA_ERROR_INVALID_VALUE, __func__, "flags %u, or the context itself", flags);
  if (!settings().peers)
    return CUDA_ERROR_PEER_ACCESS_UNSUPPORTED;
  std::lock_guard<std::mutex> guard(world().lock);
  return current()->peers.insert(peer).second ? CUDA_SUCCESS : CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED;
}

EXPORT CUresult cuMemPoolSetAccess(CUmemoryPool pool, const CUmemAccessDesc *map, std::size_t count)
{
  ENTER(Init);
  for (std::size_t i = 0; i < count; i++) {
    if (map[i].location.type != 1 || map[i].flags != 3)
      return misuse(CUDA_ERROR_INVALID_VALUE, __func__, "a location of type %d, flags %d", map[i].location.type, map[i].flags);
    TRY(check_device(__func__, map[i].location.id));
    std::lock_guard<std::mutex> guard(world().lock);
    pool->allowed.insert(map[i].location.id);
  }
  return CUDA_SUCCESS;
}

EXPORT CUresult cuMemAlloc_v2(CUdeviceptr *at, std::size_t bytes)
{
  ENTER(Context);
  std::shared_ptr<Allocation> found;
  TRY(allocate(__func__, current(), nullptr, bytes, found));
  *at = found->at;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuMemFree_v2(CUdeviceptr at)
{
  ENTER(Context);
  drain(current());
  std::lock_guard<std::mutex> guard(world().lock);
  auto found = world().memory.find(at);
  if (found == world().memory.end())
    return misuse(CUDA_ERROR_INVALID_VALUE, __func__, "%#lx was not allocated, or is free already", (unsigned long)at);
  unmap(*found->second);
  world().memory.erase(found);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuMemAllocAsync(CUdeviceptr *at, std::size_t bytes, CUstream stream)
{
  ENTER(Context);
  TRY(check_stream(__func__, stream));
  std::shared_ptr<Allocation> found;
  TRY(allocate(__func__, current(), world().pools[current()->device].get(), bytes, found));
  found->ready = false;
  stream->add([found] { found->ready = true; });
  *at = found->at;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuMemFreeAsync(CUdeviceptr at, CUstream stream)
{
  ENTER(Context);
  TRY(check_stream(__func__, stream));
  std::lock_guard<std::mutex> guard(world().lock);
  auto found = world().memory.find(at);
  if (found == world().memory.end() || !found->second->pool)
    return misuse(CUDA_ERROR_INVALID_VALUE, __func__, "%#lx was not allocated from a pool, or is free already", (unsigned long)at);
  const auto memory = found->second;
  world().memory.erase(found);
  stream->add([memory] {
    std::lock_guard<std::mutex> guard(world().lock);
    unmap(*memory);
  }, true);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuMemHostAlloc(void **at, std::size_t bytes, unsigned flags)
{
  ENTER(Context);
  if (!bytes || (flags & ~CU_MEMHOSTALLOC_DEVICEMAP) != CU_MEMHOSTALLOC_PORTABLE)
    return misuse(CUDA_ERROR_INVALID_VALUE, __func__, "%zu bytes with flags %u", bytes, flags);
  *at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (*at == MAP_FAILED)
    return CUDA_ERROR_OUT_OF_MEMORY;
  std::lock_guard<std::mutex> guard(world().lock);
  world().pinned[(std::uintptr_t)*at].reset(new Pinned{current(), (std::uintptr_t)*at, bytes, true, (flags & CU_MEMHOSTALLOC_DEVICEMAP) != 0});
  return CUDA_SUCCESS;
}

EXPORT CUresult cuMemFreeHost(void *at)
{
  ENTER(Context);
  std::lock_guard<std::mutex> guard(world().lock);
  auto found = world().pinned.find((std::uintptr_t)at);
  if (found == world().pinned.end() || !found->second->allocated)
    return misuse(CUDA_ERROR_INVALID_VALUE, __func__, "%p was not allocated, or is free already", at);
  found->second->gone = true;
  munmap(at, found->second->bytes);
  world().pinned.erase(found);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuMemHostRegister_v2(void *at, std::size_t bytes, unsigned flags)
{
  ENTER(Context);
  if (!bytes || !at || (flags & ~CU_MEMHOSTREGISTER_DEVICEMAP) != CU_MEMHOSTREGISTER_PORTABLE || contents((std::uint64_t)at))
    return misuse(CUDA_ERROR_INVALID_VALUE, __func__, "%zu bytes at %p with flags %u", bytes, at, flags);
  const std::uintptr_t from = (std::uintptr_t)at;
  std::lock_guard<std::mutex> guard(world().lock);
  for (auto &[start, pinned] : world().pinned)
    if (start < from + bytes && from < start + pinned->bytes)
      return CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED;
  world().pinned[from].reset(new Pinned{current(), from, bytes, false, (flags & CU_MEMHOSTREGISTER_DEVICEMAP) != 0});
  return CUDA_SUCCESS;
}

EXPORT CUresult cuMemHostUnregister(void *at)
{
  ENTER(Context);
  std::lock_guard<std::mutex> guard(world().lock);
  auto found = world().pinned.find((std::uintptr_t)at);
  if (found == world().pinned.end() || found->second->allocated)
    return misuse(CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED, __func__, "nothing that begins at %p is registered", at);
  found->second->gone = true;
  world().pinned.erase(found);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr *device, void *at, unsigned flags)
{
  ENTER(Context);
  const std::uintptr_t wanted = (std::uintptr_t)at;
  std::lock_guard<std::mutex> guard(world().lock);
  for (auto &[start, pinned] : world().pinned)
    if (!flags && pinned->mapped && wanted >= start && wanted < start + pinned->bytes) {
      *device = wanted; // one address for both
      return CUDA_SUCCESS;
    }
  return misuse(CUDA_ERROR_INVALID_VALUE, __func__, "%p is not pinned for kernels, or flags are %u", at, flags);
}

EXPORT CUresult cuStreamCreate(CUstream *stream, unsigned flags)
{
  ENTER(Context);
  if (flags != CU_STREAM_NON_BLOCKING)
    return misuse(CUDA_ERROR_INVALID_VALUE, __func__, "flags are %u: there is no default stream here to wait for", flags);
  auto made = std::make_unique<Stream>(current());
  *stream = made.get();
  std::lock_guard<std::mutex> guard(world().lock);
  world().streams[*stream] = std::move(made);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamDestroy_v2(CUstream stream)
{
  ENTER(Context);
  TRY(check_stream(__func__, stream));
  std::unique_ptr<Stream> ended;
  {
    std::lock_guard<std::mutex> guard(world().lock);
    ended = std::move(world().streams[stream]);
    world().streams.erase(stream);
  }
  // The driver returns at once, and the stream goes when its work is done.
  return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamSynchronize(CUstream stream)
{
  ENTER(Context);
  TRY(check_stream(__func__, stream));
  stream->mark()->wait();
  return (CUresult)stream->context->lost.load();
}

EXPORT CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned flags)
{
  ENTER(Context);
  TRY(check_stream(__func__, stream));
  TRY(check_event(__func__, event));
  if (flags)
    return misuse(CUDA_ERROR_INVALID_VALUE, __func__, "flags are %u", flags);
  if (const auto mark = event->last)
    stream->add([mark] { mark->wait(); });
  return CUDA_SUCCESS;
}

EXPORT CUresult cuLaunchHostFunc(CUstream stream, void (*function)(void *), void *data)
{
  ENTER(Context);
  TRY(check_stream(__func__, stream));
  stream->add([=] { function(data); });
  return CUDA_SUCCESS;
}

EXPORT CUresult cuEventCreate(CUevent *event, unsigned flags)
{
  ENTER(Context);
  if (flags != CU_EVENT_DISABLE_TIMING)
    return misuse(CUDA_ERROR_INVALID_VALUE, __func__, "flags are %u: the stand-in has no times", flags);
  auto made = std::make_unique<Event>();
  made->context = current();
  *event = made.get();
  std::lock_guard<std::mutex> guard(world().lock);
  world().events[*event] = std::move(made);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuEventDestroy_v2(CUevent event)
{
  ENTER(Context);
  TRY(check_event(__func__, event));
  std::lock_guard<std::mutex> guard(world().lock);
  world().events.erase(event);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuEventRecord(CUevent event, CUstream stream)
{
  ENTER(Context);
  TRY(check_stream(__func__, stream));
  TRY(check_event(__func__, event));
  if (event->context != stream->context)
    return misuse(CUDA_ERROR_INVALID_HANDLE, __func__, "the event is of another context than the stream");
  event->last = stream->mark();
  return CUDA_SUCCESS;
}

EXPORT CUresult cuEventQuery(CUevent event)
{
  ENTER(Context);
  TRY(check_event(__func__, event));
  if (event->last && !event->last->is_set())
    return CUDA_ERROR_NOT_READY;
  return (CUresult)event->context->lost.load();
}

EXPORT CUresult cuEventSynchronize(CUevent event)
{
  ENTER(Context);
  TRY(check_event(__func__, event));
  if (const auto mark = event->last)
    mark->wait();
  return (CUresult)event->context->lost.load();
}
