#include "compiler/driver/machine.h"

#include <cstdlib>

#include "compiler/support/bytes.h"

namespace mlqc {

std::string version() { return MLQ_VERSION; }

std::string isa() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")) return "x86-64 avx512";
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "x86-64 avx2";
  return "x86-64 sse2";
#elif defined(__aarch64__)
  return "arm64 neon";
#else
  return "portable";
#endif
}

std::string tool_digest() { return sha256(map_file("/proc/self/exe").bytes); }

bool is_continuous_integration() {
  const char* value = std::getenv("CI");
  return value && *value;
}

}  // namespace mlqc
