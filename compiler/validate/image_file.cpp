#include "compiler/validate/image_file.h"

#include <fmt/format.h>

#include <string_view>

namespace mlqc {

mlq::Result<mlq::Image> read_image(std::span<const std::byte> bytes) {
  const std::string_view file(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (file.empty()) return mlq::Failure{"is empty"};
  if (file.starts_with("\xFF\xD8")) return read_jpeg(bytes);
  if (file.starts_with("\x89PNG")) return read_png(bytes);
  if (file.starts_with("version https://git-lfs"))
    return mlq::Failure{"is a Git LFS pointer, not the image itself; run `git lfs pull`"};
  return mlq::Failure{"is neither JPEG nor PNG"};
}

mlq::Status check_image_size(std::size_t width, std::size_t height) {
  constexpr std::size_t most = std::size_t{1} << 26;
  if (width != 0 && height != 0 && width <= 65535 && height <= 65535 && width * height <= most) return {};
  return mlq::Failure{
      fmt::format("has {} x {} pixels; at most {} million are read", width, height, most / 1000000)};
}

}  // namespace mlqc
