#include "compiler/frontends/keras/archive.h"

#include <zip.h>

#include <cstring>
#include <memory>

#include "compiler/support/error.h"

namespace mlqc::keras {

namespace {

[[noreturn]] void refuse(const Source& source, const std::string& what) {
  throw Error(Exit::model, {{source.path.string()},
                            "this Keras archive is truncated or damaged: " + what,
                            "MLQ306",
                            "compare its size and checksum with the original's",
                            {}});
}

struct CloseZip {
  void operator()(zip_t* zip) const { zip_discard(zip); }
};
struct CloseFile {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};

std::unique_ptr<zip_t, CloseZip> open(const Source& source) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* bytes =
      zip_source_buffer_create(source.bytes.bytes.data(), source.bytes.bytes.size(), 0, &error);
  if (!bytes) refuse(source, "it cannot be opened");
  std::unique_ptr<zip_t, CloseZip> zip(zip_open_from_source(bytes, ZIP_RDONLY, &error));
  if (!zip) {
    zip_source_free(bytes);
    refuse(source, "it is no zip archive");
  }
  return zip;
}

}  // namespace

bool is_zip(std::span<const std::byte> bytes) {
  return bytes.size() > 4 && std::memcmp(bytes.data(), "PK", 2) == 0;
}

mlq::Data read_member(const Source& source, const char* name) {
  const auto zip = open(source);
  zip_stat_t stat;
  if (zip_stat(zip.get(), name, 0, &stat) != 0 || !(stat.valid & ZIP_STAT_SIZE))
    refuse(source, std::string("it has no ") + name);
  // Weights hardly shrink; a description shrinks much, but is small.
  if (stat.size > 2 * source.bytes.bytes.size() + (std::size_t{1} << 20))
    refuse(source, std::string(name) + " is several times larger than the archive");
  const std::unique_ptr<zip_file_t, CloseFile> file(zip_fopen(zip.get(), name, 0));
  auto bytes = std::make_shared<std::vector<std::byte>>(stat.size);
  if (!file || zip_fread(file.get(), bytes->data(), bytes->size()) != static_cast<zip_int64_t>(bytes->size()))
    refuse(source, std::string(name) + " cannot be unpacked");
  // The checksum is compared where the member ends, which only another read finds.
  std::byte more;
  if (zip_fread(file.get(), &more, 1) != 0)
    refuse(source, std::string(name) + " has another checksum than it says");
  return {std::span<const std::byte>(*bytes), bytes, false};
}

}  // namespace mlqc::keras
