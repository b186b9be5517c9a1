// Device memory. Each allocation lies at the end of its pages, with a page that nobody may touch on either side: what a kernel does outside is
// a fault of the processor's, and becomes CUDA_ERROR_ILLEGAL_ADDRESS. A device's addresses are some that the host may not touch at all; what
// is there lies elsewhere, which kernels are told, unless CUDA_STAND_IN_HOST_ACCESS=1 makes both the same.
#include "stand_in.h"
#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>

namespace {
constexpr std::size_t ARENA = std::size_t(1) << 38; // of addresses, for each device
constexpr std::size_t PAGE = 4096;
constexpr std::size_t GRAIN = 256; // to which device memory is aligned
constexpr unsigned char UNDEFINED = 0xa5, GUARD = 0xc9;

struct Arena {
  std::uint64_t at = 0, used = 0;
  unsigned char *contents = nullptr;
  std::size_t held = 0;
};
std::vector<Arena> &arenas = *new std::vector<Arena>; // used by threads that run on when the program ends

unsigned char *reserved()
{
  void *at = mmap(nullptr, ARENA, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED)
    abort();
  return static_cast<unsigned char *>(at);
}

Arena &arena(CUdevice device)
{
  if (arenas.empty())
    arenas.resize(settings().devices);
  Arena &arena = arenas[device];
  if (!arena.at) {
    arena.contents = reserved();
    arena.at = (std::uint64_t)(settings().host_access ? arena.contents : reserved());
  }
  return arena;
}

thread_local sigjmp_buf *escape;
struct sigaction before[2];

void fault(int number, siginfo_t *info, void *context)
{
  if (escape)
    siglongjmp(*escape, 1);
  const struct sigaction &old = before[number == SIGBUS];
  if (old.sa_flags & SA_SIGINFO && old.sa_sigaction)
    return old.sa_sigaction(number, info, context);
  if (contents((std::uint64_t)info->si_addr)) {
    static const char text[] = "CUDA stand-in: the host touched device memory\n";
    fwrite(text, 1, sizeof text - 1, stderr);
  }
  sigaction(number, &old, nullptr); // and the instruction faults again
}

} // namespace

unsigned char *contents(std::uint64_t at)
{
  for (const Arena &arena : arenas)
    if (arena.at && at >= arena.at && at - arena.at < ARENA)
      return arena.contents + (at - arena.at);
  return nullptr;
}

bool guarded(const std::function<void()> &run)
{
  static const bool installed = [] {
    struct sigaction action = {};
    action.sa_sigaction = fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    return sigaction(SIGSEGV, &action, &before[0]) == 0 && sigaction(SIGBUS, &action, &before[1]) == 0;
  }();
  (void)installed;
  sigjmp_buf here;
  if (sigsetjmp(here, 1)) {
    escape = nullptr;
    return false;
  }
  escape = &here;
  run();
  escape = nullptr;
  return true;
}

CUresult allocate(const char *call, Context *context, Pool *pool, std::size_t bytes, std::shared_ptr<Allocation> &found)
{
  if (!bytes)
    return misuse(CUDA_ERROR_INVALID_VALUE, call, "0 bytes");
  std::lock_guard<std::mutex> guard(world().lock);
  Arena &room = arena(context->device);
  if (bytes > settings().memory - room.held)
    return CUDA_ERROR_OUT_OF_MEMORY;
  const std::size_t whole = (bytes + GRAIN - 1) / GRAIN * GRAIN, pages = (whole + PAGE - 1) / PAGE * PAGE;
  if (room.used + pages + 2 * PAGE > ARENA)
    return CUDA_ERROR_OUT_OF_MEMORY;
  found = std::make_shared<Allocation>();
  found->context = context;
  found->pool = pool;
  found->bytes = bytes;
  found->pages = room.contents + room.used + PAGE;
  found->page_bytes = pages;
  found->at = room.at + room.used + PAGE + pages - whole;
  if (mprotect(found->pages, pages, PROT_READ | PROT_WRITE))
    return CUDA_ERROR_OUT_OF_MEMORY;
  room.used += pages + PAGE;
  room.held += bytes;
  memset(found->pages, GUARD, pages);
  memset(contents(found->at), UNDEFINED, bytes);
  world().memory[found->at] = found;
  return CUDA_SUCCESS;
}

void unmap(Allocation &memory)
{
  const unsigned char *const first = contents(memory.at), *const end = memory.pages + memory.page_bytes;
  for (const unsigned char *at = memory.pages; at < end; at++)
    if ((at < first || at >= first + memory.bytes) && *at != GUARD) {
      misuse(CUDA_ERROR_ILLEGAL_ADDRESS, "cuMemFree", "something wrote byte %ld of memory that has %zu", (long)(at - first), memory.bytes);
      break;
    }
  memory.freed = true;
  arenas[memory.context->device].held -= memory.bytes;
  madvise(memory.pages, memory.page_bytes, MADV_DONTNEED);
  mprotect(memory.pages, memory.page_bytes, PROT_NONE);
}

std::shared_ptr<Allocation> find_memory(std::uint64_t at, std::size_t bytes)
{
  auto next = world().memory.upper_bound(at);
  if (next == world().memory.begin())
    return nullptr;
  const auto &memory = std::prev(next)->second;
  const bool holds = at - memory->at <= memory->bytes && bytes <= memory->bytes - (at - memory->at);
  return holds ? memory : nullptr;
}

std::string describe_memory(std::uint64_t at, std::size_t bytes)
{
  char text[160];
  auto next = world().memory.upper_bound(at);
  if (!contents(at) || next == world().memory.begin()) {
    snprintf(text, sizeof text, "%zu bytes at %#lx are not in device memory", bytes, (unsigned long)at);
    return text;
  }
  const auto &memory = std::prev(next)->second;
  snprintf(text, sizeof text, "%zu bytes from byte %lu on of device memory that has %zu", bytes, (unsigned long)(at - memory->at), memory->bytes);
  return text;
}
