// Settings, calls and their errors, contexts of threads, streams.
#include "stand_in.h"
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

namespace {
bool initialized;

unsigned long number(const char *name, unsigned long otherwise)
{
  const char *text = getenv((std::string("CUDA_STAND_IN_") + name).c_str());
  return text && *text ? strtoul(text, nullptr, 0) : otherwise;
}

// CUDA_STAND_IN_FAULT=cuMemAlloc_v2:3=2,cuLaunchKernel:1=700!: the third allocation fails with code 2, and with the first launch the context
// is lost.
struct Fault {
  std::string call;
  long turn;
  CUresult code;
  bool stays;
};

std::vector<Fault> faults()
{
  std::vector<Fault> found;
  const char *text = getenv("CUDA_STAND_IN_FAULT");
  std::string rest = text ? text : "";
  while (!rest.empty()) {
    const std::size_t end = rest.find(',');
    const std::string one = rest.substr(0, end);
    rest = end == std::string::npos ? "" : rest.substr(end + 1);
    char call[64], mark = 0;
    long turn;
    unsigned code;
    if (sscanf(one.c_str(), "%63[^:]:%ld=%u%c", call, &turn, &code, &mark) < 3 || (mark && mark != '!')) {
      fprintf(stderr, "CUDA stand-in: CUDA_STAND_IN_FAULT has \"%s\"; it is CALL:TURN=CODE, with ! if the context is lost\n", one.c_str());
      abort();
    }
    found.push_back({call, turn, (CUresult)code, mark == '!'});
  }
  return found;
}

CUresult asked_for(const char *call)
{
  static std::vector<Fault> &left = *new std::vector<Fault>(faults()); // used by threads that run on when the program ends
  if (left.empty())
    return CUDA_SUCCESS;
  std::lock_guard<std::mutex> guard(world().lock);
  for (auto fault = left.begin(); fault != left.end(); ++fault)
    if (fault->call == call && --fault->turn == 0) {
      const Fault found = *fault;
      left.erase(fault);
      if (found.stays && current())
        current()->lost = found.code;
      return found.code;
    }
  return CUDA_SUCCESS;
}
} // namespace

const Settings &settings()
{
  static const Settings found = {
      (int)number("DEVICES", 1),     number("MEMORY", 1ul << 30),   number("PITCH", 0x7fffffff), number("POOLS", 1) != 0,
      number("PEERS", 1) != 0,       (int)number("CAPABILITY", 90), (long)number("DELAY", 0),    number("SEED", 1),
      number("HOST_ACCESS", 0) != 0, number("ABORTS", 0) != 0,
  };
  return found;
}

World &world()
{
  // Left at the end: threads of the program may still be in a call.
  static World *const all = new World;
  return *all;
}

void initialize()
{
  std::lock_guard<std::mutex> guard(world().lock);
  if (initialized)
    return;
  for (int device = 0; device < settings().devices; device++) {
    world().contexts.emplace_back(new Context);
    world().contexts.back()->device = device;
    world().pools.emplace_back(new Pool);
    world().pools.back()->device = device;
  }
  initialized = true;
}

Context *&current()
{
  thread_local Context *context = nullptr;
  return context;
}

CUresult enter(const char *call, Needs needs)
{
  if (needs == Needs::Nothing)
    return asked_for(call);
  if (!initialized)
    return misuse(CUDA_ERROR_NOT_INITIALIZED, call, "before cuInit");
  if (needs == Needs::Context) {
    if (!current())
      return misuse(CUDA_ERROR_INVALID_CONTEXT, call, "no context is current on this thread");
    if (!current()->retained)
      return misuse(CUDA_ERROR_CONTEXT_IS_DESTROYED, call, "the current context was released");
  }
  if (CUresult code = asked_for(call))
    return code;
  return needs == Needs::Context ? (CUresult)current()->lost.load() : CUDA_SUCCESS;
}

CUresult misuse(CUresult code, const char *call, const char *format, ...)
{
  char text[512], line[640];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  const int length = snprintf(line, sizeof line, "CUDA stand-in: %s: %s (%u)\n", call, text, code);
  if (write(STDERR_FILENO, line, length) != length || settings().aborts)
    abort();
  return code;
}

void lose(Context *context, CUresult code, const char *what)
{
  unsigned none = 0;
  if (context->lost.compare_exchange_strong(none, code))
    misuse(code, "a context is lost", "%s", what);
}

CUresult check_stream(const char *call, Stream *stream)
{
  std::lock_guard<std::mutex> guard(world().lock);
  if (!world().streams.count(stream))
    return misuse(CUDA_ERROR_INVALID_HANDLE, call, "%p is no stream (there is no default stream here)", (void *)stream);
  if (stream->context != current())
    return misuse(CUDA_ERROR_INVALID_CONTEXT, call, "the stream is of another context than the current one");
  return CUDA_SUCCESS;
}

void Mark::now()
{
  std::lock_guard<std::mutex> guard(lock);
  set = true;
  changed.notify_all();
}

void Mark::wait()
{
  std::unique_lock<std::mutex> guard(lock);
  changed.wait(guard, [this] { return set; });
}

bool Mark::is_set()
{
  std::lock_guard<std::mutex> guard(lock);
  return set;
}

Stream::Stream(Context *context) : context(context)
{
  static std::atomic<unsigned long> count{0};
  random = 2 * (settings().seed * 1000003 + count++) + 1;
  thread = std::thread([this] { serve(); });
}

Stream::~Stream()
{
  {
    std::lock_guard<std::mutex> guard(lock);
    ends = true;
    changed.notify_all();
  }
  thread.join();
}

void Stream::add(std::function<void()> run, bool always)
{
  std::lock_guard<std::mutex> guard(lock);
  queue.push_back({std::move(run), always});
  changed.notify_all();
}

std::shared_ptr<Mark> Stream::mark()
{
  auto mark = std::make_shared<Mark>();
  add([mark] { mark->now(); }, true);
  return mark;
}

void Stream::serve()
{
  for (;;) {
    Work work;
    {
      std::unique_lock<std::mutex> guard(lock);
      changed.wait(guard, [this] { return ends || !queue.empty(); });
      if (queue.empty())
        return;
      work = std::move(queue.front());
      queue.pop_front();
    }
    if (settings().delay) {
      // Marsaglia's xorshift (J. Stat. Softw. 8, 2003). One piece of work in two begins at once.
      random ^= random << 13, random ^= random >> 7, random ^= random << 17;
      if (random >> 63)
        usleep((random >> 20) % settings().delay);
    }
    if (work.always || !context->lost)
      work.run();
  }
}
