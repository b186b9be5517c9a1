// A stand-in for NVIDIA's run-time compiler: the host's C++ compiler makes a shared object of a source, which the stand-in for the driver takes
// as machine code, or in a text as PTX. Numbers and functions are those of the NVRTC reference.
#include "ptx.h"
#include <cctype>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <unistd.h>
#include <vector>

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {
enum Result : int { SUCCESS = 0, INVALID_INPUT = 3, INVALID_PROGRAM = 4, INVALID_OPTION = 5, COMPILATION = 6, INTERNAL = 11 };

// A kernel's mark: prelude.h has it, and no source of its own accord.
const std::string GLOBAL = "__attribute__((__noinline__, __used__, __nothrow__))";
const int ARCHITECTURES[] = {70, 80, 90};

struct Program {
  std::string source, name, log, code;
  bool machine_code = false;
};

std::string content(const std::string &path)
{
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string quoted(const std::string &word)
{
  std::string text = "'";
  for (char c : word)
    text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

// gcc's "file:2:10: error:" as NVRTC says it, "file(2): error:".
std::string as_nvrtc(const std::string &log)
{
  std::istringstream lines(log);
  std::string line, text;
  while (std::getline(lines, line)) {
    const std::size_t kind = line.find(": error:");
    const std::size_t column = kind == std::string::npos ? kind : line.rfind(':', kind - 1);
    const std::size_t number = column == std::string::npos || !column ? std::string::npos : line.rfind(':', column - 1);
    if (number != std::string::npos)
      line = line.substr(0, number) + "(" + line.substr(number + 1, column - number - 1) + ")" + line.substr(kind);
    text += line + "\n";
  }
  return text;
}

// The names of the kernels in a preprocessed text.
std::set<std::string> kernels(const std::string &text)
{
  std::set<std::string> found;
  for (std::size_t at = text.find(GLOBAL); at != std::string::npos; at = text.find(GLOBAL, at + 1)) {
    const std::size_t before = text.find_last_not_of(" \t\n", at - 1);
    const std::size_t bracket = text.find('(', at + GLOBAL.size());
    if (before == std::string::npos || before < 9 || text.compare(before - 9, 10, "extern \"C\"") != 0 || bracket == std::string::npos)
      continue;
    const std::size_t end = text.find_last_not_of(" \t\n", bracket - 1) + 1;
    std::size_t begin = end;
    while (begin > 0 && (isalnum((unsigned char)text[begin - 1]) || text[begin - 1] == '_'))
      begin--;
    found.insert(text.substr(begin, end - begin));
  }
  return found;
}

Result compile(Program &program, const std::vector<std::string> &options)
{
  std::string flags, architecture;
  bool standard = false;
  for (std::size_t i = 0; i < options.size(); i++) {
    std::string option = options[i];
    const auto begins = [&](const char *word) { return option.rfind(word, 0) == 0; };
    if ((option == "--gpu-architecture" || option == "-arch") && i + 1 < options.size())
      option = "--gpu-architecture=" + options[++i];
    if (begins("--gpu-architecture=")) {
      const std::string name = option.substr(option.find('=') + 1);
      program.machine_code = name.rfind("sm_", 0) == 0;
      const std::string number = name.substr(name.find('_') + 1);
      bool known = false;
      for (int architecture : ARCHITECTURES)
        known |= number == std::to_string(architecture);
      if (!known || (!program.machine_code && name.rfind("compute_", 0) != 0)) {
        program.log = "nvrtc: error: invalid value for --gpu-architecture (" + name + ")\n";
        return INVALID_OPTION;
      }
      architecture = number;
      flags += " -D__CUDA_ARCH__=" + number + "0";
    } else if (begins("-D") || begins("-U") || begins("-I")) {
      flags += " " + quoted(option);
    } else if (begins("-std=") || begins("--std=")) {
      flags += " " + quoted("-std=" + option.substr(option.find('=') + 1));
      standard = true;
    } else if (begins("--fmad=") || begins("-fmad=") || option == "-lineinfo" || option == "--generate-line-info" || begins("--maxrregcount=")) {
      continue; // of no meaning here
    } else {
      program.log = "nvrtc: error: the stand-in for NVRTC does not know the option " + option + "\n";
      return INVALID_OPTION;
    }
  }
  if (!standard)
    flags += " -std=c++17";
  const char *place = getenv("TMPDIR");
  std::string folder = std::string(place && *place ? place : "/tmp") + "/stand-in-XXXXXX";
  if (!mkdtemp(&folder[0]))
    return INTERNAL;
  const std::string source = folder + "/source.cu", expanded = folder + "/source.ii", log = folder + "/log", object = folder + "/object.so";
  const char *named = getenv("CXX");
  const std::string compiler = named && *named ? named : "g++";
  const auto run = [&](const std::string &what) {
    const int status = system((compiler + " " + what + " 2>>" + quoted(log)).c_str());
    program.log = as_nvrtc(content(log));
    return status == 0;
  };
  std::ofstream(source) << program.source;
  bool good = run("-x c++ -E -D__CUDACC__ -D__CUDACC_RTC__" + flags + " -include " + quoted(PRELUDE) + " " + quoted(source) + " -o " + quoted(expanded));
  if (good) {
    std::ofstream more(expanded, std::ios::app);
    more << "\n";
    for (const std::string &name : kernels(content(expanded)))
      more << "extern \"C\" __attribute__((visibility(\"default\"))) const stand_in_described stand_in_" << name << ";\n"
           << "const stand_in_described stand_in_" << name << " = {stand_in_kernel<decltype(" << name << "), " << name << ">::sizes, sizeof stand_in_kernel<decltype("
           << name << "), " << name << ">::sizes / sizeof(std::size_t) - 1, stand_in_kernel<decltype(" << name << "), " << name << ">::run};\n";
    more.close();
    good = run("-x c++ -fpreprocessed" + std::string(standard ? flags : " -std=c++17") + " -w -O1 -ffp-contract=off -shared -fPIC -fvisibility=hidden " +
               quoted(expanded) + " -o " + quoted(object));
  }
  program.code = good ? content(object) : "";
  if (good && !program.machine_code)
    program.code = as_ptx(program.code, architecture);
  for (const std::string &path : {source, expanded, log, object})
    unlink(path.c_str());
  rmdir(folder.c_str());
  return good ? SUCCESS : COMPILATION;
}

void take(char *to, const std::string &text) { text.copy(to, text.size()); }
} // namespace

EXPORT const char *nvrtcGetErrorString(int code)
{
  switch (code) {
  case SUCCESS: return "NVRTC_SUCCESS";
  case INVALID_INPUT: return "NVRTC_ERROR_INVALID_INPUT";
  case INVALID_PROGRAM: return "NVRTC_ERROR_INVALID_PROGRAM";
  case INVALID_OPTION: return "NVRTC_ERROR_INVALID_OPTION";
  case COMPILATION: return "NVRTC_ERROR_COMPILATION";
  default: return "NVRTC_ERROR_INTERNAL_ERROR";
  }
}

EXPORT int nvrtcVersion(int *major, int *minor)
{
  *major = 12;
  *minor = 4;
  return SUCCESS;
}

EXPORT int nvrtcGetNumSupportedArchs(int *count)
{
  *count = sizeof ARCHITECTURES / sizeof *ARCHITECTURES;
  return SUCCESS;
}

EXPORT int nvrtcGetSupportedArchs(int *found)
{
  for (int architecture : ARCHITECTURES)
    *found++ = architecture;
  return SUCCESS;
}

EXPORT int nvrtcCreateProgram(Program **program, const char *source, const char *name, int headers, const char *const *, const char *const *)
{
  if (headers)
    return INVALID_INPUT;
  *program = new Program{source, name ? name : "default_program", "", ""};
  return SUCCESS;
}

EXPORT int nvrtcDestroyProgram(Program **program)
{
  delete *program;
  *program = nullptr;
  return SUCCESS;
}

EXPORT int nvrtcCompileProgram(Program *program, int count, const char *const *options)
{
  return compile(*program, std::vector<std::string>(options, options + count));
}

EXPORT int nvrtcGetProgramLogSize(Program *program, std::size_t *size)
{
  *size = program->log.size() + 1;
  return SUCCESS;
}

EXPORT int nvrtcGetProgramLog(Program *program, char *log)
{
  take(log, program->log + '\0');
  return SUCCESS;
}

EXPORT int nvrtcGetPTXSize(Program *program, std::size_t *size)
{
  *size = program->code.size();
  return program->code.empty() ? INVALID_PROGRAM : SUCCESS;
}

EXPORT int nvrtcGetPTX(Program *program, char *code)
{
  take(code, program->code);
  return program->code.empty() ? INVALID_PROGRAM : SUCCESS;
}

// A program for a virtual architecture has no machine code.
EXPORT int nvrtcGetCUBINSize(Program *program, std::size_t *size)
{
  *size = program->machine_code ? program->code.size() : 0;
  return SUCCESS;
}

EXPORT int nvrtcGetCUBIN(Program *program, char *code)
{
  if (!program->machine_code)
    return INVALID_PROGRAM;
  take(code, program->code);
  return SUCCESS;
}
