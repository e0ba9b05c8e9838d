// Pictures as a model's input.
#pragma once

#include <optional>
#include <span>

#include "mlq/model.h"
#include "mlq/sizes.h"

namespace mlqc {

// An image input, or a tensor [H, W], [C, H, W] or [1, C, H, W] with 1 or 3 channels.
bool takes_an_image(const mlq::Feature& input);

// A JPEG or PNG squeezed to the input's size (its own where the model
// leaves that open, or the nearest that it allows), in the input's order
// of colours, red first for tensors, as numbers 0..255 of this type (whole ones are rounded).
mlq::Result<mlq::Array> load_image(std::span<const std::byte> bytes, const mlq::Feature& input,
                                   mlq::DataType type, const std::optional<mlq::Sizes>& sizes = {});

}  // namespace mlqc
