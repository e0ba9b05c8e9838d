#include "compiler/frontends/onnx/external.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <onnx/onnx_pb.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <set>
#include <string_view>
#include <vector>

#include "compiler/support/error.h"

namespace mlqc::onnx_format {

namespace {

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

[[noreturn]] void refuse(const Source& source, const std::string& tensor, const std::string& why) {
  throw Error(Exit::model,
              {{source.path.string()},
               fmt::format("external data of tensor '{}': {}", tensor, why),
               "MLQ330",
               "external data must lie in the model's own folder, beside or below the .onnx file",
               {}});
}

// The kernel itself resolves the path beneath the folder: checks on the text of a path have been passed by
// "..", absolute paths, symbolic links and races, in that order, in other readers of this format.
int open_beneath(int folder, const std::string& location) {
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(::syscall(SYS_openat2, folder, location.c_str(), &how, sizeof how));
}

void read_all(int fd, std::int64_t offset, std::span<std::byte> into, const Source& source,
              const std::string& tensor) {
  while (!into.empty()) {
    const ssize_t got = ::pread(fd, into.data(), into.size(), offset);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) refuse(source, tensor, got < 0 ? std::strerror(errno) : "the file ends early");
    into = into.subspan(static_cast<std::size_t>(got));
    offset += got;
  }
}

void collect(const ::onnx::GraphProto& graph, std::set<std::string>& locations);

void collect(const ::onnx::TensorProto& tensor, std::set<std::string>& locations) {
  if (tensor.data_location() != ::onnx::TensorProto::EXTERNAL) return;
  for (const auto& entry : tensor.external_data())
    if (entry.key() == "location") locations.insert(entry.value());
}

template <class Nodes>
void collect_all(const Nodes& nodes, std::set<std::string>& locations) {
  for (const auto& node : nodes)
    for (const auto& attribute : node.attribute()) {
      if (attribute.has_t()) collect(attribute.t(), locations);
      if (attribute.has_g()) collect(attribute.g(), locations);
    }
}

void collect(const ::onnx::GraphProto& graph, std::set<std::string>& locations) {
  for (const auto& tensor : graph.initializer()) collect(tensor, locations);
  collect_all(graph.node(), locations);
}

}  // namespace

std::vector<std::filesystem::path> external_files(const Source& source) {
  const auto bytes = source.bytes.bytes;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  // Most models have none, and to parse them twice would take its time.
  if (text.find("location") == std::string_view::npos || bytes.size() > INT32_MAX) return {};
  ::onnx::ModelProto model;
  if (!model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return {};
  std::set<std::string> locations;
  collect(model.graph(), locations);
  for (const auto& function : model.functions()) collect_all(function.node(), locations);
  const std::filesystem::path parent = source.path.parent_path();
  const Descriptor folder{::open(parent.empty() ? "." : parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  std::vector<std::filesystem::path> files;
  for (const std::string& location : locations) {
    const Descriptor file{open_beneath(folder.fd, location)};
    struct stat info {};
    if (file.fd >= 0 && ::fstat(file.fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0)
      files.push_back(parent / location);
  }
  return files;
}

mlq::Data read_external(const Source& source, const std::string& tensor, const std::string& location,
                        std::int64_t offset, std::int64_t length) {
  const std::string parent = source.path.parent_path().string();
  const Descriptor folder{::open(parent.empty() ? "." : parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  const Descriptor file{open_beneath(folder.fd, location)};
  if (file.fd < 0)
    refuse(source, tensor, fmt::format("cannot open '{}': {}", location, std::strerror(errno)));
  struct stat info {};
  if (::fstat(file.fd, &info) != 0 || !S_ISREG(info.st_mode))
    refuse(source, tensor, fmt::format("'{}' is no regular file", location));
  if (offset < 0 || offset > info.st_size) refuse(source, tensor, "it starts behind the end of the file");
  if (length < 0) length = info.st_size - offset;
  if (length > info.st_size - offset)
    refuse(source, tensor,
           fmt::format("{} bytes at {} are asked for, '{}' has {}", length, offset, location,
                       static_cast<std::int64_t>(info.st_size)));
  auto bytes = std::make_shared<std::vector<std::byte>>(static_cast<std::size_t>(length));
  read_all(file.fd, offset, *bytes, source, tensor);
  return {*bytes, bytes};
}

}  // namespace mlqc::onnx_format
