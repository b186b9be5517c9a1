// Modules, which are shared objects that the stand-in's compiler made, and launches.
#include "ptx.h"
#include "stand_in.h"
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <unistd.h>

namespace {
constexpr unsigned MOST_BLOCKS[] = {0x7fffffff, 65535, 65535}, MOST_THREADS[] = {1024, 1024, 64}, MOST_THREADS_TOGETHER = 1024;
constexpr std::size_t MOST_PARAMETER_BYTES = 4096;

// A section header table ends what the linker writes.
std::size_t image_bytes(const void *image)
{
  Elf64_Ehdr head;
  memcpy(&head, image, sizeof head);
  return head.e_shoff + std::size_t(head.e_shentsize) * head.e_shnum;
}

CUresult refused(CUresult code, const std::string &why, unsigned count, const CUjit_option *options, void **values)
{
  char *log = nullptr;
  std::size_t room = 0;
  for (unsigned i = 0; i < count; i++) {
    if (options[i] == CU_JIT_ERROR_LOG_BUFFER)
      log = static_cast<char *>(values[i]);
    else if (options[i] == CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES)
      room = (std::size_t)values[i];
  }
  if (log && room)
    snprintf(log, room, "%s", why.c_str());
  return code;
}

CUresult find_kernel(const char *call, Kernel *kernel, std::shared_ptr<Module> &module)
{
  std::lock_guard<std::mutex> guard(world().lock);
  for (auto &[raw, held] : world().modules)
    for (auto &other : held->kernels)
      if (other.get() == kernel) {
        module = held;
        return CUDA_SUCCESS;
      }
  return misuse(CUDA_ERROR_INVALID_HANDLE, call, "%p is no function of a module that is loaded", (void *)kernel);
}

// Device addresses become those of what is there, as far as the context's kernels may use it.
void translate(Context *context, std::vector<unsigned char> &parameter)
{
  for (std::size_t i = 0; i + 8 <= parameter.size(); i += 8) {
    std::uint64_t word;
    memcpy(&word, &parameter[i], 8);
    unsigned char *const there = contents(word);
    if (!there)
      continue;
    std::lock_guard<std::mutex> guard(world().lock);
    const auto memory = find_memory(word, 1);
    const bool reached = !memory || memory->context == context ||
                         (memory->pool ? memory->pool->allowed.count(context->device) : context->peers.count(memory->context));
    if (!reached)
      continue; // the address itself, which faults
    memcpy(&parameter[i], &there, 8);
  }
}
} // namespace

Module::~Module()
{
  if (library)
    dlclose(library);
}

EXPORT CUresult cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned count, CUjit_option *options, void **values)
{
  ENTER(Context);
  const bool is_text = memcmp(image, ELFMAG, SELFMAG) != 0;
  const std::string object = is_text ? object_of(static_cast<const char *>(image)) : std::string(static_cast<const char *>(image), image_bytes(image));
  if (object.empty())
    return refused(CUDA_ERROR_INVALID_PTX, "the stand-in for the driver takes what its own compiler made, and no other PTX", count, options, values);
  char path[] = "/tmp/stand-in-module-XXXXXX"; // a name that no other module has
  const int file = mkstemp(path);
  auto made = std::make_shared<Module>();
  made->context = current();
  if (file >= 0 && write(file, object.data(), object.size()) == ssize_t(object.size()))
    made->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  close(file);
  unlink(path);
  if (!made->library)
    return refused(CUDA_ERROR_INVALID_IMAGE, dlerror(), count, options, values);
  *module = made.get();
  std::lock_guard<std::mutex> guard(world().lock);
  world().modules[*module] = made;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuModuleUnload(CUmodule module)
{
  ENTER(Context);
  std::shared_ptr<Module> ended;
  std::lock_guard<std::mutex> guard(world().lock);
  auto found = world().modules.find(module);
  if (found == world().modules.end())
    return misuse(CUDA_ERROR_INVALID_HANDLE, __func__, "%p is no module", (void *)module);
  if (module->context != current())
    return misuse(CUDA_ERROR_INVALID_CONTEXT, __func__, "the module is of another context than the current one");
  world().modules.erase(found);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name)
{
  ENTER(Context);
  std::lock_guard<std::mutex> guard(world().lock);
  auto found = world().modules.find(module);
  if (found == world().modules.end())
    return misuse(CUDA_ERROR_INVALID_HANDLE, __func__, "%p is no module", (void *)module);
  const void *described = dlsym(module->library, (std::string("stand_in_") + name).c_str());
  if (!described)
    return CUDA_ERROR_NOT_FOUND;
  found->second->kernels.emplace_back(new Kernel{module, name, static_cast<const Described *>(described)});
  *function = found->second->kernels.back().get();
  return CUDA_SUCCESS;
}

EXPORT CUresult cuFuncGetParamInfo(CUfunction function, std::size_t number, std::size_t *offset, std::size_t *bytes)
{
  ENTER(Context);
  std::shared_ptr<Module> module;
  TRY(find_kernel(__func__, function, module));
  if (number >= function->described->count)
    return CUDA_ERROR_INVALID_VALUE;
  *offset = 0;
  for (std::size_t i = 0; i <= number; i++) {
    *bytes = function->described->sizes[i];
    *offset += i < number ? (*bytes + 7) / 8 * 8 : 0;
  }
  return CUDA_SUCCESS;
}

EXPORT CUresult cuLaunchKernel(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y, unsigned block_z,
                               unsigned shared, CUstream stream, void **parameters, void **extra)
{
  ENTER(Context);
  TRY(check_stream(__func__, stream));
  std::shared_ptr<Module> module;
  TRY(find_kernel(__func__, function, module));
  if (module->context != stream->context)
    return misuse(CUDA_ERROR_INVALID_CONTEXT, __func__, "the kernel is of another context than the stream");
  struct Sizes {
    unsigned grid[3], block[3];
  } const sizes = {{grid_x, grid_y, grid_z}, {block_x, block_y, block_z}};
  for (int d = 0; d < 3; d++)
    if (!sizes.grid[d] || sizes.grid[d] > MOST_BLOCKS[d] || !sizes.block[d] || sizes.block[d] > MOST_THREADS[d])
      return misuse(CUDA_ERROR_INVALID_VALUE, __func__, "%u blocks of %u threads along dimension %d", sizes.grid[d], sizes.block[d], d);
  if (block_x * block_y * block_z > MOST_THREADS_TOGETHER)
    return misuse(CUDA_ERROR_INVALID_VALUE, __func__, "blocks of %u threads", block_x * block_y * block_z);
  if (shared || extra)
    return misuse(CUDA_ERROR_INVALID_VALUE, __func__, "the stand-in has no shared memory and no extra parameters");
  std::vector<std::vector<unsigned char>> values;
  std::size_t together = 0;
  for (std::size_t i = 0; i < function->described->count; i++) {
    const auto *at = static_cast<const unsigned char *>(parameters[i]);
    values.emplace_back(at, at + function->described->sizes[i]);
    translate(stream->context, values.back());
    together += values.back().size();
  }
  if (together > MOST_PARAMETER_BYTES)
    return misuse(CUDA_ERROR_INVALID_VALUE, __func__, "parameters of %zu bytes", together);
  stream->add([=] {
    std::vector<void *> pointers;
    for (auto &value : values)
      pointers.push_back(const_cast<unsigned char *>(value.data()));
    if (!guarded([&] { function->described->run(sizes.grid, sizes.block, pointers.data()); }))
      lose(stream->context, CUDA_ERROR_ILLEGAL_ADDRESS, ("kernel " + function->name + " touched memory that is not there").c_str());
    (void)module;
  });
  return CUDA_SUCCESS;
}
