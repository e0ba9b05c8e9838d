// libpng, like libjpeg, jumps out of errors: back into `guarded`, over lambdas without anything to destroy.
#include <fmt/format.h>
#include <png.h>

#include <cstdio>
#include <cstring>

#include "compiler/validate/image_file.h"

namespace mlqc {

namespace {

using mlq::Failure;
using mlq::Image;
using mlq::Result;

struct Decoder {
  std::span<const std::byte> rest;
  char message[200] = "out of memory";
  png_structp png = nullptr;
  png_infop info = nullptr;
  ~Decoder() { png_destroy_read_struct(&png, &info, nullptr); }
};

[[noreturn]] void fail(png_structp png, png_const_charp message) {
  auto& decoder = *static_cast<Decoder*>(png_get_error_ptr(png));
  std::snprintf(decoder.message, sizeof decoder.message, "%s", message);
  png_longjmp(png, 1);
}

void read_bytes(png_structp png, png_bytep out, std::size_t size) {
  auto& decoder = *static_cast<Decoder*>(png_get_io_ptr(png));
  if (decoder.rest.size() < size) png_error(png, "the file ends early");
  std::memcpy(out, decoder.rest.data(), size);
  decoder.rest = decoder.rest.subspan(size);
}

template <class Step>
bool guarded(Decoder& decoder, Step step) {
  if (setjmp(png_jmpbuf(decoder.png)) != 0) return false;
  step(decoder.png, decoder.info);
  return true;
}

bool open(Decoder& decoder) {
  decoder.png =
      png_create_read_struct(PNG_LIBPNG_VER_STRING, &decoder, fail, [](png_structp, png_const_charp) {});
  if (!decoder.png) return false;
  decoder.info = png_create_info_struct(decoder.png);
  return decoder.info != nullptr;
}

// Any kind of pixel to 8 bits of gray or colour.
void set_conversions(png_structp png, png_infop info) {
  const int color = png_get_color_type(png, info);
  if (color == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
  if (color == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(png);
  png_set_scale_16(png);
  png_set_strip_alpha(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
}

// Deflate cannot expand by more than 1032, so that a short file has no large picture in it.
bool can_hold(const Decoder& decoder, std::size_t file_bytes) {
  const std::size_t stored =
      png_get_rowbytes(decoder.png, decoder.info) * png_get_image_height(decoder.png, decoder.info);
  return stored / 1032 <= file_bytes;
}

}  // namespace

Result<Image> read_png(std::span<const std::byte> bytes) {
  Decoder decoder{.rest = bytes};
  const auto damaged = [&] { return Failure{fmt::format("is a damaged PNG: {}", decoder.message)}; };
  if (!open(decoder)) return damaged();
  if (!guarded(decoder, [](png_structp png, png_infop info) {
        png_set_read_fn(png, png_get_error_ptr(png), read_bytes);
        png_set_user_limits(png, 65535, 65535);
        png_set_chunk_malloc_max(png, 1 << 23);  // of a profile or a text, unpacked
        png_read_info(png, info);
      }))
    return damaged();
  const std::size_t width = png_get_image_width(decoder.png, decoder.info);
  const std::size_t height = png_get_image_height(decoder.png, decoder.info);
  if (const mlq::Status size = check_image_size(width, height); !size) return Failure{size.error()};
  if (!can_hold(decoder, bytes.size())) return Failure{"is a damaged PNG: too short for its size in pixels"};
  if (!guarded(decoder, set_conversions)) return damaged();

  const std::size_t row_bytes = png_get_rowbytes(decoder.png, decoder.info);
  Image image;
  image.pixels.resize(row_bytes * height);
  std::vector<png_bytep> rows(height);
  for (std::size_t y = 0; y < height; ++y) rows[y] = image.pixels.data() + y * row_bytes;
  png_bytepp const pointers = rows.data();
  if (!guarded(decoder, [pointers](png_structp png, png_infop info) {
        png_read_image(png, pointers);
        png_read_end(png, info);
      }))
    return damaged();
  image.width = static_cast<int>(width);
  image.height = static_cast<int>(height);
  image.format = row_bytes == width ? mlq::PixelFormat::gray8 : mlq::PixelFormat::rgb8;
  return image;
}

}  // namespace mlqc
