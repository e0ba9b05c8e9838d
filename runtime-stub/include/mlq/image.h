// Pixels in, tensors out, and back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "mlq/model.h"

namespace mlq {

enum class PixelFormat : std::uint8_t { gray8, rgb8, bgr8, rgba8, bgra8 };

// Pixels of somebody else's image, rows top to bottom.
struct ImageView {
  const std::uint8_t* pixels = nullptr;
  int width = 0;
  int height = 0;
  std::size_t row_bytes = 0;  // 0: rows follow each other without a gap
  PixelFormat format = PixelFormat::rgb8;
};

// An image of our own, rows without gaps.
struct Image {
  std::vector<std::uint8_t> pixels;
  int width = 0;
  int height = 0;
  PixelFormat format = PixelFormat::rgb8;
  ImageView view() const { return {pixels.data(), width, height, 0, format}; }
};

// The tensor [1, C, height, width], float32, values 0..255, channels in the order of `color`. An image of
// another size is squeezed to it with a triangle filter (bilinear, antialiased when shrinking), aspect ratio
// not kept, as Core ML Tools does; colour becomes gray by ITU-R BT.601 luma. Alpha is dropped.
Result<Array> to_tensor(const ImageView& image, Color color, int width, int height);

// A tensor [1, C, H, W] or [C, H, W] of values 0..255 as pixels: rounded to nearest, clamped.
Result<Image> to_image(const View& tensor, Color color);

}  // namespace mlq
