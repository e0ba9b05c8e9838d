// libjpeg reports errors by a function that must not return. Here it jumps back into `guarded`; between the
// two there are only libjpeg's frames and lambdas without anything to destroy.
#include <fmt/format.h>

#include <csetjmp>
#include <cstdio>

// Each needs what stands before it.
// clang-format off
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include "compiler/validate/image_file.h"

namespace mlqc {

namespace {

using mlq::Failure;
using mlq::Image;
using mlq::Result;

struct Decoder {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf escape;
  char message[JMSG_LENGTH_MAX] = "";
  ~Decoder() { jpeg_destroy_decompress(&info); }
};

Decoder& decoder_of(j_common_ptr info) { return *static_cast<Decoder*>(info->client_data); }

[[noreturn]] void fail(j_common_ptr info) {
  info->err->format_message(info, decoder_of(info).message);
  std::longjmp(decoder_of(info).escape, 1);
}

// libjpeg fills what is missing with gray and calls it a warning. A sample with gray in it is no sample.
void on_message(j_common_ptr info, int level) {
  if (level >= 0) return;
  switch (info->err->msg_code) {
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_ADOBE_XFORM:
    case JWRN_JFIF_MAJOR:
      return;
    default:
      fail(info);
  }
}

// A small progressive file can ask for any number of passes over all its pixels.
void on_progress(j_common_ptr info) {
  if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number <= 100) return;
  Decoder& decoder = decoder_of(info);
  std::snprintf(decoder.message, sizeof decoder.message, "more than 100 scans");
  std::longjmp(decoder.escape, 1);
}

template <class Step>
bool guarded(Decoder& decoder, Step step) {
  if (setjmp(decoder.escape) != 0) return false;
  step();
  return true;
}

bool read_header(Decoder& decoder, std::span<const std::byte> bytes) {
  decoder.info.err = jpeg_std_error(&decoder.errors);
  decoder.info.client_data = &decoder;
  decoder.errors.error_exit = fail;
  decoder.errors.emit_message = on_message;
  decoder.progress.progress_monitor = on_progress;
  return guarded(decoder, [&] {
    jpeg_create_decompress(&decoder.info);  // keeps err and client_data
    decoder.info.progress = &decoder.progress;
    jpeg_mem_src(&decoder.info, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    jpeg_read_header(&decoder.info, TRUE);
  });
}

bool choose_output(jpeg_decompress_struct& info) {
  info.dct_method = JDCT_ISLOW;
  switch (info.jpeg_color_space) {
    case JCS_GRAYSCALE:
      info.out_color_space = JCS_GRAYSCALE;
      return true;
    case JCS_RGB:
    case JCS_YCbCr:
      info.out_color_space = JCS_RGB;
      return true;
    case JCS_CMYK:
    case JCS_YCCK:
      info.out_color_space = JCS_CMYK;
      return true;
    default:
      return false;
  }
}

std::vector<std::uint8_t> from_cmyk(const std::vector<std::uint8_t>& cmyk, bool inverted) {
  std::vector<std::uint8_t> rgb;
  rgb.reserve(cmyk.size() / 4 * 3);
  // Adobe's files hold the light that remains, others the ink.
  const unsigned flip = inverted ? 0 : 255;
  for (std::size_t i = 0; i < cmyk.size(); i += 4)
    for (std::size_t c = 0; c < 3; ++c)
      rgb.push_back(static_cast<std::uint8_t>(((cmyk[i + c] ^ flip) * (cmyk[i + 3] ^ flip) + 127) / 255));
  return rgb;
}

}  // namespace

Result<Image> read_jpeg(std::span<const std::byte> bytes) {
  Decoder decoder;
  jpeg_decompress_struct& info = decoder.info;
  if (!read_header(decoder, bytes)) return Failure{fmt::format("is a damaged JPEG: {}", decoder.message)};
  if (const mlq::Status size = check_image_size(info.image_width, info.image_height); !size)
    return Failure{size.error()};
  if (!choose_output(info)) return Failure{"is a JPEG of an unknown colour space"};
  if (!guarded(decoder, [&] { jpeg_start_decompress(&info); }))
    return Failure{fmt::format("is a damaged JPEG: {}", decoder.message)};

  Image image;
  image.width = static_cast<int>(info.output_width);
  image.height = static_cast<int>(info.output_height);
  const std::size_t row_bytes =
      std::size_t{info.output_width} * static_cast<std::size_t>(info.output_components);
  image.pixels.resize(row_bytes * info.output_height);
  std::uint8_t* const pixels = image.pixels.data();
  const bool whole = guarded(decoder, [&] {
    while (info.output_scanline < info.output_height) {
      JSAMPROW row = pixels + row_bytes * info.output_scanline;
      jpeg_read_scanlines(&info, &row, 1);
    }
    jpeg_finish_decompress(&info);
  });
  if (!whole) return Failure{fmt::format("is a damaged JPEG: {}", decoder.message)};
  if (info.out_color_space == JCS_CMYK) image.pixels = from_cmyk(image.pixels, info.saw_Adobe_marker);
  image.format = info.out_color_space == JCS_GRAYSCALE ? mlq::PixelFormat::gray8 : mlq::PixelFormat::rgb8;
  return image;
}

}  // namespace mlqc
