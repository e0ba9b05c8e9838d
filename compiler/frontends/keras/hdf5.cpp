#include "compiler/frontends/keras/hdf5.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "compiler/frontends/keras/hdf5_process.h"
#include "compiler/support/error.h"
#include "compiler/support/sanitized.h"

namespace mlqc::keras {

using mlq::DataType;

namespace {

constexpr unsigned char signature[] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& why) {
  throw Error(Exit::model, {{path.string()},
                            "this HDF5 file is truncated or damaged" + (why.empty() ? "" : ": " + why),
                            "MLQ306",
                            "compare its size and checksum with the original's",
                            {}});
}

// A damaged file must not loop, eat the machine's memory, or fill the screen with what the library says of
// it.
void confine(std::size_t file) {
  const rlimit seconds{10 + file / 10'000'000, 12 + file / 10'000'000};
  ::setrlimit(RLIMIT_CPU, &seconds);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  if (!sanitized) {
    const rlimit bytes{3 * file + (std::size_t{64} << 20), 3 * file + (std::size_t{64} << 20)};
    ::setrlimit(RLIMIT_DATA, &bytes);
  }
  if (const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC); null >= 0) {
    ::dup2(null, STDOUT_FILENO);
    ::dup2(null, STDERR_FILENO);
  }
}

// A descriptor that closes itself.
struct Descriptor {
  explicit Descriptor(int fd) : fd(fd) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  void close() {
    if (fd >= 0) ::close(fd);
    fd = -1;
  }
  int fd;
};

using Bytes = std::vector<std::byte>;

Bytes read_all(int from, std::size_t budget) {
  Bytes all;
  std::size_t size = 0;
  while (size < budget) {
    if (all.size() == size) all.resize(std::min(budget, 2 * size + (std::size_t{1} << 16)));
    const ssize_t n = ::read(from, all.data() + size, all.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    size += static_cast<std::size_t>(n);
  }
  all.resize(size);
  return all;
}

Bytes run_process(const mlq::Data& file, const std::filesystem::path& path) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) refuse(path, "no process can be started to read it");
  Descriptor from(ends[0]), to(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) refuse(path, "no process can be started to read it");
  if (child == 0) {
    confine(file.bytes.size());
    send_hdf5(file.bytes, to.fd);
    ::_exit(0);
  }
  to.close();
  Bytes sent = read_all(from.fd, budget_for(file.bytes.size()) + 4096);
  from.close();
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  return sent;
}

// Takes the stream apart; what does not fit is damage.
class Reader {
 public:
  Reader(const mlq::Data& file, const std::shared_ptr<const Bytes>& sent, const std::filesystem::path& path)
      : file_(file), sent_(sent), path_(path) {}

  Hdf5 read() {
    Hdf5 result;
    while (true) switch (static_cast<Record>(take(1)[0])) {
        case Record::texts:
          texts(result);
          break;
        case Record::place:
          array(result, true);
          break;
        case Record::numbers:
          array(result, false);
          break;
        case Record::error:
          refuse(path_, text());
        case Record::end:
          return result;
        default:
          refuse(path_, "");
      }
  }

 private:
  std::span<const std::byte> take(std::size_t size) {
    if (size > sent_->size() - at_) refuse(path_, "");
    at_ += size;
    return std::span(*sent_).subspan(at_ - size, size);
  }
  std::uint64_t number() {
    std::uint64_t value = 0;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::string text() {
    const auto bytes = take(number());
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  void texts(Hdf5& result) {
    std::vector<std::string>& list = result.texts[text()];
    for (std::uint64_t count = number(); count > 0; --count) list.push_back(text());
  }

  void array(Hdf5& result, bool in_file) {
    Array& array = result.arrays[text()];
    array.type = static_cast<DataType>(number());
    for (std::uint64_t rank = number(); rank > 0; --rank)
      array.shape.push_back(static_cast<std::int64_t>(number()));
    const auto size = mlq::data_size({"", array.type, array.shape, {}, {}});
    if (!size) refuse(path_, "");
    array.data = in_file ? in_place(*size, mlq::size_of(array.type)) : from_stream(*size);
  }

  mlq::Data in_place(std::size_t size, std::size_t alignment) {
    const std::uint64_t place = number();
    if (place > file_.bytes.size() || size > file_.bytes.size() - place)
      refuse(path_, "an array ends behind the file");
    const auto bytes = file_.bytes.subspan(place, size);
    if (reinterpret_cast<std::uintptr_t>(bytes.data()) % alignment != 0) return mlq::copy_data(bytes);
    return {bytes, file_.owner, file_.in_file};
  }

  mlq::Data from_stream(std::size_t size) {
    take((8 - at_ % 8) % 8);
    return {take(size), sent_, false};
  }

  const mlq::Data& file_;
  std::shared_ptr<const Bytes> sent_;
  const std::filesystem::path& path_;
  std::size_t at_ = 0;
};

}  // namespace

const std::string* Hdf5::text(const std::string& key) const {
  const auto found = texts.find(key);
  return found == texts.end() || found->second.size() != 1 ? nullptr : &found->second[0];
}

std::vector<std::string> Hdf5::texts_of(const std::string& group, const std::string& name) const {
  const auto whole = texts.find(group + "@" + name);
  if (whole != texts.end()) return whole->second;
  std::vector<std::string> all;
  for (int part = 0;; ++part) {
    const auto found = texts.find(group + "@" + name + std::to_string(part));
    if (found == texts.end()) return all;
    all.insert(all.end(), found->second.begin(), found->second.end());
  }
}

bool is_hdf5(std::span<const std::byte> bytes) {
  return bytes.size() > sizeof signature && std::memcmp(bytes.data(), signature, sizeof signature) == 0;
}

Hdf5 read_hdf5(const mlq::Data& file, const std::filesystem::path& path) {
  if (!is_hdf5(file.bytes))
    throw Error(Exit::model, {{path.string()},
                              "this is not an HDF5 file",
                              "MLQ306",
                              "compare its size and checksum with the original's",
                              {}});
  const auto sent = std::make_shared<const Bytes>(run_process(file, path));
  return Reader(file, sent, path).read();
}

}  // namespace mlqc::keras
