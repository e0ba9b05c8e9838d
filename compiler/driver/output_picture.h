// Outputs that can be looked at: images, and tensors that hold one.
#pragma once

#include <cstddef>
#include <optional>

#include "mlq/image.h"
#include "mlq/model.h"

namespace mlqc {

// Numbers times `scale` plus `shift` are 0..255.
struct PictureRange {
  float scale = 1, shift = 0;
};

// An image, or a tensor of shape [1, C, H, W] or [C, H, W] with one or three channels and no side under 16.
bool is_picture(const mlq::Feature& output);

// The first output that is an image, else the first such tensor.
std::optional<std::size_t> picture_output(const mlq::Graph& graph);

// What the reference's numbers span: 0..255, or where they stay near it 0..1 or -1..1. Quantized models are
// drawn with the reference's range, so that their pictures can be compared.
PictureRange range_of(const mlq::Feature& output, const mlq::Array& reference);

mlq::Result<mlq::Image> picture_of(const mlq::Feature& output, const mlq::Array& numbers,
                                   const PictureRange& range);

}  // namespace mlqc
