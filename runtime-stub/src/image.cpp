#include "mlq/image.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "runtime-stub/src/convert.h"
#include "runtime-stub/src/resize.h"

namespace mlq {

namespace {

// Larger pictures are mistakes, and the sizes of all buffers fit an int below it.
constexpr int max_side = 32768;
constexpr std::int64_t max_pixels = std::int64_t{1} << 27;

using Bytes = std::vector<std::uint8_t>;

// Where a format keeps red, green and blue.
struct Layout {
  int channels;
  std::array<int, 3> rgb;
};

Layout layout_of(PixelFormat format) {
  switch (format) {
    case PixelFormat::gray8:
      return {1, {0, 0, 0}};
    case PixelFormat::rgb8:
      return {3, {0, 1, 2}};
    case PixelFormat::bgr8:
      return {3, {2, 1, 0}};
    case PixelFormat::rgba8:
      return {4, {0, 1, 2}};
    case PixelFormat::bgra8:
      return {4, {2, 1, 0}};
  }
  return {0, {}};
}

bool sensible(int width, int height) {
  return width > 0 && height > 0 && width <= max_side && height <= max_side &&
         std::int64_t{width} * height <= max_pixels;
}

std::string size_text(int width, int height) { return std::to_string(width) + "x" + std::to_string(height); }

// ITU-R BT.601 in 16-bit fractions whose sum is one, so that gray stays the same gray.
std::uint8_t luma(int red, int green, int blue) {
  return static_cast<std::uint8_t>((19595 * red + 38470 * green + 7471 * blue + 32768) >> 16);
}

// Interleaved pixels in the order of `color`, without gaps between rows.
Bytes gather(const ImageView& image, Color color) {
  const auto [channels, rgb] = layout_of(image.format);
  const std::size_t row_bytes = image.row_bytes ? image.row_bytes : std::size_t(image.width) * channels;
  Bytes out;
  out.reserve(std::size_t(image.width) * image.height * (color == Color::gray ? 1 : 3));
  for (int y = 0; y < image.height; ++y) {
    const std::uint8_t* pixel = image.pixels + y * row_bytes;
    for (int x = 0; x < image.width; ++x, pixel += channels) {
      const std::uint8_t red = pixel[rgb[0]], green = pixel[rgb[1]], blue = pixel[rgb[2]];
      if (color == Color::gray) {
        out.push_back(channels == 1 ? red : luma(red, green, blue));
      } else {
        const bool rgb_order = color == Color::rgb;
        out.insert(out.end(), {rgb_order ? red : blue, green, rgb_order ? blue : red});
      }
    }
  }
  return out;
}

Array to_planes(const Bytes& pixels, int channels, int width, int height) {
  Array array{DataType::float32, {1, channels, height, width}, {}};
  const std::size_t plane = std::size_t(width) * height;
  array.bytes.resize(plane * channels * sizeof(float));
  auto* out = reinterpret_cast<float*>(array.bytes.data());
  for (int c = 0; c < channels; ++c)
    for (std::size_t i = 0; i < plane; ++i) *out++ = pixels[i * channels + c];
  return array;
}

std::uint8_t to_byte(float value) {
  if (!(value > 0)) return 0;  // NaN too
  return static_cast<std::uint8_t>(std::nearbyint(std::min(value, 255.0f)));
}

}  // namespace

Result<Array> to_tensor(const ImageView& image, Color color, int width, int height) {
  const Layout layout = layout_of(image.format);
  if (!image.pixels || !sensible(image.width, image.height) || layout.channels == 0)
    return Failure{"an image of " + size_text(image.width, image.height) + " pixels cannot be used"};
  if (image.row_bytes && image.row_bytes < std::size_t(image.width) * layout.channels)
    return Failure{"the rows of an image of " + size_text(image.width, image.height) + " pixels have only " +
                   std::to_string(image.row_bytes) + " bytes"};
  if (!sensible(width, height))
    return Failure{"an image cannot be resized to " + size_text(width, height) + " pixels"};
  const int channels = color == Color::gray ? 1 : 3;
  const Bytes pixels = gather(image, color);
  if (image.width == width && image.height == height) return to_planes(pixels, channels, width, height);
  Bytes resized(std::size_t(width) * height * channels);
  if (!resize(pixels.data(), image.width, image.height, resized.data(), width, height, channels))
    return Failure{"no memory to resize an image of " + size_text(image.width, image.height) + " pixels"};
  return to_planes(resized, channels, width, height);
}

Result<Image> to_image(const View& tensor, Color color) {
  Shape shape = tensor.shape;
  if (shape.size() == 4 && shape[0] == 1) shape.erase(shape.begin());
  const std::int64_t channels = color == Color::gray ? 1 : 3;
  const auto count = element_count(shape);
  if (!count || shape.size() != 3 || shape[0] != channels || shape[1] > max_side || shape[2] > max_side ||
      !sensible(static_cast<int>(shape[2]), static_cast<int>(shape[1])) || !tensor.data)
    return Failure{"a tensor of shape " + to_string(tensor.shape) + " is no image of " +
                   std::to_string(channels) + " channels"};
  std::vector<float> values(static_cast<std::size_t>(*count));
  convert(tensor.type, tensor.data, DataType::float32, values.data(), values.size());
  Image image{Bytes(values.size()), static_cast<int>(shape[2]), static_cast<int>(shape[1]),
              PixelFormat::gray8};
  if (color != Color::gray) image.format = color == Color::rgb ? PixelFormat::rgb8 : PixelFormat::bgr8;
  const std::size_t plane = values.size() / channels;
  for (std::int64_t c = 0; c < channels; ++c)
    for (std::size_t i = 0; i < plane; ++i) image.pixels[i * channels + c] = to_byte(values[c * plane + i]);
  return image;
}

}  // namespace mlq
