// Copies and fills. What they touch is looked up when they are enqueued, and again when they run: memory that was freed or unregistered in
// between loses the context.
#include "stand_in.h"
#include <cstring>

namespace {
// One side of a box.
struct Side {
  bool host;
  std::uint64_t at;
  std::size_t pitch, height;
};

struct Box {
  Side from, to;
  std::size_t width, rows, slices;

  std::size_t extent(const Side &side) const
  {
    return ((slices - 1) * side.height + rows - 1) * side.pitch + width;
  }
};

// What one side's bytes belong to.
struct Held {
  std::shared_ptr<Allocation> memory;
  std::shared_ptr<Pinned> pinned;

  bool is_there() const { return memory ? memory->ready && !memory->freed : !pinned || !pinned->gone; }
};

CUresult hold(const char *call, const char *which, const Side &side, std::size_t bytes, Context *owner, Held &held)
{
  std::lock_guard<std::mutex> guard(world().lock);
  if (!side.host) {
    held.memory = find_memory(side.at, bytes);
    if (!held.memory)
      return misuse(CUDA_ERROR_INVALID_VALUE, call, "%s: %s", which, describe_memory(side.at, bytes).c_str());
    if (owner && held.memory->context != owner)
      return misuse(CUDA_ERROR_INVALID_CONTEXT, call, "%s: it is not of the context that is named", which);
    return CUDA_SUCCESS;
  }
  if (!side.at || contents(side.at))
    return misuse(CUDA_ERROR_INVALID_VALUE, call, "%s: %#lx is no host memory", which, (unsigned long)side.at);
  for (auto &[start, pinned] : world().pinned) {
    if (start >= side.at + bytes || side.at >= start + pinned->bytes)
      continue;
    if (side.at < start || side.at + bytes > start + pinned->bytes)
      return misuse(CUDA_ERROR_INVALID_VALUE, call, "%s: %zu bytes at %#lx are pinned in part", which, bytes, (unsigned long)side.at);
    held.pinned = pinned;
  }
  return CUDA_SUCCESS;
}

unsigned char *bytes_of(const Side &side) { return side.host ? reinterpret_cast<unsigned char *>(side.at) : contents(side.at); }

void move(const Box &box)
{
  for (std::size_t slice = 0; slice < box.slices; slice++)
    for (std::size_t row = 0; row < box.rows; row++) {
      const auto at = [&](const Side &side) { return bytes_of(side) + (slice * side.height + row) * side.pitch; };
      memmove(at(box.to), at(box.from), box.width);
    }
}

CUresult copy(const char *call, CUstream stream, const Box &box, Context *source = nullptr, Context *target = nullptr)
{
  TRY(check_stream(call, stream));
  if (!box.width || !box.rows || !box.slices)
    return misuse(CUDA_ERROR_INVALID_VALUE, call, "%zu bytes in %zu rows and %zu slices", box.width, box.rows, box.slices);
  for (const Side *side : {&box.from, &box.to}) {
    const bool alone = box.rows == 1 && box.slices == 1;
    if (!alone && (side->pitch < box.width || side->pitch > settings().pitch || (box.slices > 1 && side->height < box.rows)))
      return misuse(CUDA_ERROR_INVALID_VALUE, call, "rows of %zu bytes %zu apart, %zu of them %zu apart", box.width, side->pitch, box.rows, side->height);
  }
  Held from, to;
  TRY(hold(call, "source", box.from, box.extent(box.from), source, from));
  TRY(hold(call, "destination", box.to, box.extent(box.to), target, to));
  const std::string name = call;
  stream->add([=] {
    if (!from.is_there() || !to.is_there())
      return lose(stream->context, CUDA_ERROR_ILLEGAL_ADDRESS, (name + ": what it touches was freed, or is not there yet").c_str());
    move(box);
  });
  // From and to memory that is not pinned the driver may return when the copy is done, and to such memory it does.
  if ((box.from.host && !from.pinned) || (box.to.host && !to.pinned))
    stream->mark()->wait();
  return (CUresult)stream->context->lost.load();
}

Side host(const void *at) { return {true, (std::uint64_t)at, 0, 1}; }
Side device(CUdeviceptr at) { return {false, at, 0, 1}; }

template <typename T> CUresult copy_3d(const char *call, const T *given, CUstream stream, Context *source, Context *target)
{
  if (given->srcLOD || given->dstLOD || given->srcArray || given->dstArray)
    return misuse(CUDA_ERROR_INVALID_VALUE, call, "the stand-in has no arrays");
  const auto side = [&](CUmemorytype type, const void *host, CUdeviceptr device, std::size_t x, std::size_t y, std::size_t z, std::size_t pitch,
                        std::size_t height) -> Side {
    const std::uint64_t at = type == CU_MEMORYTYPE_HOST ? (std::uint64_t)host : device;
    return {type == CU_MEMORYTYPE_HOST, at + (z * height + y) * pitch + x, pitch, height};
  };
  for (CUmemorytype type : {given->srcMemoryType, given->dstMemoryType})
    if (type != CU_MEMORYTYPE_HOST && type != CU_MEMORYTYPE_DEVICE)
      return misuse(CUDA_ERROR_INVALID_VALUE, call, "memory of type %u", type);
  const Box box = {
      side(given->srcMemoryType, given->srcHost, given->srcDevice, given->srcXInBytes, given->srcY, given->srcZ, given->srcPitch, given->srcHeight),
      side(given->dstMemoryType, given->dstHost, given->dstDevice, given->dstXInBytes, given->dstY, given->dstZ, given->dstPitch, given->dstHeight),
      given->WidthInBytes, given->Height, given->Depth};
  return copy(call, stream, box, source, target);
}

template <typename T> CUresult fill(const char *call, CUstream stream, CUdeviceptr at, std::size_t pitch, T value, std::size_t width, std::size_t rows)
{
  TRY(check_stream(call, stream));
  if (!width || !rows || at % sizeof(T) || (rows > 1 && (pitch % sizeof(T) || pitch < width * sizeof(T) || pitch > settings().pitch)))
    return misuse(CUDA_ERROR_INVALID_VALUE, call, "%zu values at %#lx in %zu rows %zu bytes apart", width, (unsigned long)at, rows, pitch);
  Held to;
  const Side side = device(at);
  TRY(hold(call, "destination", side, (rows - 1) * pitch + width * sizeof(T), current(), to));
  const std::string name = call;
  stream->add([=] {
    if (!to.is_there())
      return lose(stream->context, CUDA_ERROR_ILLEGAL_ADDRESS, (name + ": what it sets was freed, or is not there yet").c_str());
    for (std::size_t row = 0; row < rows; row++)
      for (std::size_t i = 0; i < width; i++)
        memcpy(contents(at) + row * pitch + i * sizeof value, &value, sizeof value);
  });
  return CUDA_SUCCESS;
}
} // namespace

EXPORT CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, std::size_t bytes, CUstream stream)
{
  ENTER(Context);
  return copy(__func__, stream, {host(from), device(to), bytes, 1, 1});
}

EXPORT CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, std::size_t bytes, CUstream stream)
{
  ENTER(Context);
  return copy(__func__, stream, {device(from), host(to), bytes, 1, 1});
}

EXPORT CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, std::size_t bytes, CUstream stream)
{
  ENTER(Context);
  return copy(__func__, stream, {device(from), device(to), bytes, 1, 1}, current(), current());
}

EXPORT CUresult cuMemcpyPeerAsync(CUdeviceptr to, CUcontext target, CUdeviceptr from, CUcontext source, std::size_t bytes, CUstream stream)
{
  ENTER(Context);
  return copy(__func__, stream, {device(from), device(to), bytes, 1, 1}, source, target);
}

EXPORT CUresult cuMemcpy3DAsync_v2(const CUDA_MEMCPY3D *given, CUstream stream)
{
  ENTER(Context);
  if (given->reserved0 || given->reserved1)
    return misuse(CUDA_ERROR_INVALID_VALUE, __func__, "what is reserved is not null");
  return copy_3d(__func__, given, stream, current(), current());
}

EXPORT CUresult cuMemcpy3DPeerAsync(const CUDA_MEMCPY3D_PEER *given, CUstream stream)
{
  ENTER(Context);
  return copy_3d(__func__, given, stream, given->srcContext, given->dstContext);
}

EXPORT CUresult cuMemsetD8Async(CUdeviceptr at, unsigned char value, std::size_t count, CUstream stream)
{
  ENTER(Context);
  return fill(__func__, stream, at, 0, value, count, 1);
}

EXPORT CUresult cuMemsetD16Async(CUdeviceptr at, unsigned short value, std::size_t count, CUstream stream)
{
  ENTER(Context);
  return fill(__func__, stream, at, 0, value, count, 1);
}

EXPORT CUresult cuMemsetD32Async(CUdeviceptr at, unsigned value, std::size_t count, CUstream stream)
{
  ENTER(Context);
  return fill(__func__, stream, at, 0, value, count, 1);
}

EXPORT CUresult cuMemsetD2D32Async(CUdeviceptr at, std::size_t pitch, unsigned value, std::size_t width, std::size_t rows, CUstream stream)
{
  ENTER(Context);
  return fill(__func__, stream, at, pitch, value, width, rows);
}
