// Pictures of other sizes.
#pragma once

#include <cstdint>

namespace mlq {

// Squeezes rows of interleaved bytes, without gaps, to another size with a triangle filter: bilinear where it
// grows, an average over the covered pixels where it shrinks. False when there is no memory.
bool resize(const std::uint8_t* pixels, int width, int height, std::uint8_t* out, int out_width,
            int out_height, int channels);

}  // namespace mlq
