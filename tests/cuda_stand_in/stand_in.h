// What the parts of the stand-in share.
#pragma once
#include "api.h"
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

// From the environment, CUDA_STAND_IN_...
struct Settings {
  int devices;
  std::size_t memory; // bytes of each device
  std::size_t pitch;
  bool pools, peers;
  int capability;
  long delay; // at most so many microseconds before each piece of work
  unsigned long seed;
  bool host_access; // the host may use device memory, as an MPI library that knows of it may
  bool aborts;      // on misuse
};
const Settings &settings();

struct Context {
  CUdevice device;
  int retained = 0;
  std::atomic<unsigned> lost{0}; // the error that every call gives from then on
  std::set<Context *> peers;     // whose memory its kernels may use
};

struct Pool {
  CUdevice device;
  std::set<CUdevice> allowed;
};

// Set once. Waits for an event hold to the record that they found.
struct Mark {
  std::mutex lock;
  std::condition_variable changed;
  bool set = false;
  void now();
  void wait();
  bool is_set();
};

struct Stream {
  Context *context;
  std::mutex lock;
  std::condition_variable changed;
  struct Work {
    std::function<void()> run;
    bool always; // even if the context is lost
  };
  std::deque<Work> queue;
  bool ends = false;
  unsigned long random;
  std::thread thread;

  explicit Stream(Context *context);
  ~Stream();
  void add(std::function<void()> run, bool always = false);
  // Done when all is that was added before.
  std::shared_ptr<Mark> mark();

private:
  void serve();
};

struct Event {
  Context *context;
  std::shared_ptr<Mark> last;
};

// Memory of a device, between guards.
struct Allocation {
  Context *context;
  Pool *pool;
  CUdeviceptr at;
  std::size_t bytes;
  unsigned char *pages;
  std::size_t page_bytes;
  std::atomic<bool> ready{true}, freed{false};
};

// Pinned host memory.
struct Pinned {
  Context *context;
  std::uintptr_t at;
  std::size_t bytes;
  bool allocated; // and not registered
  bool mapped;    // kernels may use it
  bool gone = false;
};

struct Module {
  Context *context;
  void *library = nullptr;
  std::vector<std::unique_ptr<Kernel>> kernels;
  ~Module();
};

struct Kernel {
  Module *module;
  std::string name;
  const Described *described;
};

// Everything that lives; under `lock`.
struct World {
  std::mutex lock;
  std::vector<std::unique_ptr<Context>> contexts; // by device
  std::vector<std::unique_ptr<Pool>> pools;
  std::map<CUdeviceptr, std::shared_ptr<Allocation>> memory;
  std::map<std::uintptr_t, std::shared_ptr<Pinned>> pinned;
  std::map<Stream *, std::unique_ptr<Stream>> streams;
  std::map<Event *, std::unique_ptr<Event>> events;
  std::map<Module *, std::shared_ptr<Module>> modules;
};
World &world();

enum class Needs { Nothing, Init, Context };
// Begins a call: what it needs is there, and no fault was asked for.
CUresult enter(const char *call, Needs needs);
void initialize();
Context *&current();
// The call is wrong in a way that no working program's is: said on standard error.
CUresult misuse(CUresult code, const char *call, const char *format, ...) __attribute__((format(printf, 3, 4)));
// The context is lost, from within its work.
void lose(Context *context, CUresult code, const char *what);
// The stream, if it is one of the current context.
CUresult check_stream(const char *call, Stream *stream);

// memory.cpp
// Where the bytes of a device's address are; null if it is no device's.
unsigned char *contents(std::uint64_t at);
CUresult allocate(const char *call, Context *context, Pool *pool, std::size_t bytes, std::shared_ptr<Allocation> &found);
// Within a lock of the world.
void unmap(Allocation &memory);
// The memory that holds the bytes.
std::shared_ptr<Allocation> find_memory(std::uint64_t at, std::size_t bytes);
std::string describe_memory(std::uint64_t at, std::size_t bytes);
// Runs a kernel's code; false: it touched memory that is not there.
bool guarded(const std::function<void()> &run);

#define ENTER(needs)                                                                                                                      \
  do {                                                                                                                                    \
    if (CUresult code_ = enter(__func__, Needs::needs))                                                                                    \
      return code_;                                                                                                                        \
  } while (0)
#define TRY(expression)                                                                                                                    \
  do {                                                                                                                                    \
    if (CUresult code_ = (expression))                                                                                                     \
      return code_;                                                                                                                        \
  } while (0)
#define EXPORT extern "C" __attribute__((visibility("default")))
