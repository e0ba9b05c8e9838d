// Pictures of the shared samples, for networks that read arrays.
#pragma once

#include <vector>

#include "mlq/image.h"

namespace mlqc::test {

// Every `step`th file of samples/FOLDER and its subfolders, scaled to a size, as [H, W, C] of 0 to 255.
std::vector<std::vector<float>> pictures(const char* folder, mlq::Color color, int height, int width,
                                         std::size_t step);

}  // namespace mlqc::test
