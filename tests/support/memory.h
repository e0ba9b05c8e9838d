// How much memory a test may take.
#pragma once

#include <sys/resource.h>

#include <cstddef>

#include "compiler/support/sanitized.h"

namespace mlq::test {

// The most that this process has used so far.
inline long peak_kilobytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

// What reading a file of that many bytes may take: four times the file, beside the two copies that a test has
// of it and what the allocator keeps. Sanitizers keep what was freed, 256 MiB of it.
inline long allowed_kilobytes(std::size_t file) {
  const long kept = mlqc::sanitized ? 300 * 1024 : 8 * 1024;
  return static_cast<long>((4 + 2) * file / 1024) + kept;
}

}  // namespace mlq::test
