#include "runtime-stub/src/map_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace mlq {

namespace {

Failure cannot_open(const std::string& path, const char* why) {
  return {"cannot open '" + path + "': " + why};
}

// Lasts only until the mapping is made.
struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0) close(number);
  }
};

}  // namespace

Result<Data> map_file(const std::string& path) {
  const Descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat info {};
  if (file.number < 0 || fstat(file.number, &info) != 0) return cannot_open(path, std::strerror(errno));
  if (!S_ISREG(info.st_mode)) return cannot_open(path, "it is no file");
  if (info.st_size == 0) return Data{{}, nullptr, false};
  const auto size = static_cast<std::size_t>(info.st_size);
  void* start = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.number, 0);
  if (start == MAP_FAILED) return cannot_open(path, std::strerror(errno));
  std::shared_ptr<const void> owner(start, [size](void* mapped) { munmap(mapped, size); });
  return Data{{static_cast<const std::byte*>(start), size}, std::move(owner), true};
}

}  // namespace mlq
