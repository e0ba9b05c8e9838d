// Samples that steer the quantization, as the driver hands them over.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "mlq/model.h"

namespace mlqc {

struct Calibration {
  std::size_t count = 0;
  // One sample's inputs, in the order of the graph's. Called from many threads; throws Error.
  std::function<std::vector<mlq::Array>(std::size_t)> sample;
  // Stages done and in all; may be empty.
  std::function<void(std::size_t, std::size_t)> progress;
};

}  // namespace mlqc
