// Pictures as a model's input.
#pragma once

#include <optional>
#include <span>

#include "mlq/model.h"
#include "mlq/sizes.h"

namespace mlqc {

// A part of a picture, as shares of its width and height.
struct Crop {
  double left = 0, top = 0, size = 1;
};

// An image input, or a tensor [H, W], [C, H, W] or [1, C, H, W] with 1 or 3 channels.
bool takes_an_image(const mlq::Feature& input);

// A tensor [H, W, C] or [1, H, W, C] with 1 or 3 channels, as TensorFlow's tools write them: it takes images
// once the manifest says `as: image, layout: nhwc`.
bool is_nhwc(const mlq::Feature& input);

// This part of a JPEG or PNG squeezed to the input's size (the whole picture's where the model leaves that
// open, or the nearest that it allows), in the input's order of colours, red first for tensors, as numbers
// 0..255 of this type (whole ones are rounded).
mlq::Result<mlq::Array> load_image(std::span<const std::byte> bytes, const mlq::Feature& input,
                                   mlq::DataType type, const std::optional<mlq::Sizes>& sizes = {},
                                   const Crop& crop = {});

}  // namespace mlqc
