#include "compiler/validate/picture.h"

#include <openssl/evp.h>
#include <png.h>

#include <algorithm>
#include <cmath>

namespace mlqc {

namespace {

bool is_gray(const mlq::Image& image) { return image.format == mlq::PixelFormat::gray8; }

std::string base64(const std::string& bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

}  // namespace

std::string png_of(const mlq::Image& image) {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  png.width = static_cast<png_uint_32>(image.width);
  png.height = static_cast<png_uint_32>(image.height);
  png.format = is_gray(image) ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  png_alloc_size_t size = 0;
  if (!png_image_write_to_memory(&png, nullptr, &size, 0, image.pixels.data(), 0, nullptr)) return {};
  std::string bytes(size, '\0');
  if (!png_image_write_to_memory(&png, bytes.data(), &size, 0, image.pixels.data(), 0, nullptr)) return {};
  bytes.resize(size);
  return bytes;
}

std::string png_uri(const mlq::Image& image) {
  const std::string bytes = png_of(image);
  return bytes.empty() ? "" : "data:image/png;base64," + base64(bytes);
}

mlq::Result<mlq::Image> shrink(const mlq::Image& image, int most) {
  const int longer = std::max(image.width, image.height);
  if (longer <= most) return image;
  const double factor = static_cast<double>(most) / longer;
  const auto side = [&](int length) { return std::max(1, static_cast<int>(std::lround(length * factor))); };
  const mlq::Color color = is_gray(image) ? mlq::Color::gray : mlq::Color::rgb;
  const auto tensor = mlq::to_tensor(image.view(), color, side(image.width), side(image.height));
  if (!tensor) return mlq::Failure{tensor.error()};
  return mlq::to_image(tensor->view(), color);
}

mlq::Image difference(const mlq::Image& a, const mlq::Image& b) {
  mlq::Image made = a;
  for (std::size_t i = 0; i < made.pixels.size(); ++i)
    made.pixels[i] =
        static_cast<std::uint8_t>(std::min(255, 4 * std::abs(int{a.pixels[i]} - int{b.pixels[i]})));
  return made;
}

}  // namespace mlqc
