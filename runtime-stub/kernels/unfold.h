// Between an image of any number of spatial axes and the matrix of all windows over it.
#pragma once

#include "runtime-stub/kernels/window.h"

namespace mlq::kernels {

// columns[channel, tap, position] = image[channel, cell under the tap], 0 outside of the image.
void unfold(const float* image, std::int64_t channels, const Shape& spatial, const Window& window,
            const Shape& positions, float* columns);

// The transposed operation: adds each column's entries to the cells they stand for.
void fold_add(float* image, std::int64_t channels, const Shape& spatial, const Window& window,
              const Shape& positions, const float* columns);

}  // namespace mlq::kernels
