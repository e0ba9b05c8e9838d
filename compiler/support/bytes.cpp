#include "compiler/support/bytes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "compiler/support/error.h"

namespace mlqc {

namespace fs = std::filesystem;

namespace {

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

[[noreturn]] void cannot(const char* code, const char* verb, const fs::path& path, const char* hint) {
  throw Error(code[3] == '5' ? Exit::usage : Exit::model,
              {{path.string()}, fmt::format("cannot {}: {}", verb, std::strerror(errno)), code, hint, {}});
}

// A mapping of `size` bytes at `start` that unmaps itself.
std::shared_ptr<const void> own_mapping(void* start, std::size_t size) {
  return {start, [size](const void* p) { ::munmap(const_cast<void*>(p), size); }};
}

bool has_bytes(const fs::path& path, std::span<const std::byte> bytes) {
  std::error_code error;
  if (!fs::is_regular_file(path, error) || fs::file_size(path, error) != bytes.size()) return false;
  return std::ranges::equal(map_file(path).bytes, bytes);
}

void write_all(int fd, std::span<const std::byte> bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) cannot("MLQ501", "write", path, "free some space or choose another output folder");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

// Unlinks a temporary file unless it has been renamed.
struct Temporary {
  std::string path;
  bool keep = false;
  ~Temporary() {
    if (!keep) ::unlink(path.c_str());
  }
};

}  // namespace

mlq::Data map_file(const fs::path& path) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0) cannot("MLQ301", "open", path, "check the path; it is relative to the manifest");
  struct stat info {};
  if (::fstat(file.fd, &info) != 0) cannot("MLQ301", "read", path, "");
  if (!S_ISREG(info.st_mode)) {
    errno = S_ISDIR(info.st_mode) ? EISDIR : EINVAL;
    cannot("MLQ301", "read", path, "name a regular file");
  }
  const auto size = static_cast<std::size_t>(info.st_size);
  if (size == 0) return {};
  void* start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.fd, 0);
  if (start == MAP_FAILED) cannot("MLQ301", "map", path, "");
  return {{static_cast<const std::byte*>(start), size}, own_mapping(start, size), true};
}

std::string read_text(const fs::path& path) {
  const mlq::Data file = map_file(path);
  return {reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size()};
}

std::string sha256(std::span<const std::byte> bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr);
  std::string text;
  for (unsigned i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

std::string sha256(std::string_view text) { return sha256(std::as_bytes(std::span(text))); }

bool write_if_changed(const fs::path& path, std::span<const std::byte> bytes) {
  std::error_code error;
  fs::create_directories(path.parent_path().empty() ? fs::path(".") : path.parent_path(), error);
  if (has_bytes(path, bytes)) return false;
  Temporary temporary{path.string() + ".XXXXXX"};
  const Descriptor file{::mkostemp(temporary.path.data(), O_CLOEXEC)};
  if (file.fd < 0) {
    temporary.keep = true;  // nothing was made
    cannot("MLQ501", "create", path, "check that the output folder exists and may be written");
  }
  write_all(file.fd, bytes, path);
  if (::fchmod(file.fd, 0644) != 0 || ::fsync(file.fd) != 0) cannot("MLQ501", "write", path, "");
  if (::rename(temporary.path.c_str(), path.c_str()) != 0) cannot("MLQ501", "rename", path, "");
  temporary.keep = true;
  // The name is only durable once its folder is.
  const Descriptor folder{
      ::open(path.parent_path().empty() ? "." : path.parent_path().c_str(), O_RDONLY | O_CLOEXEC)};
  if (folder.fd >= 0) ::fsync(folder.fd);
  return true;
}

bool write_if_changed(const fs::path& path, std::string_view text) {
  return write_if_changed(path, std::as_bytes(std::span(text)));
}

}  // namespace mlqc
