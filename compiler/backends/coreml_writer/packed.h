// Constants with their axes in another order, quantized ones of any number of bits.
#pragma once

#include <cstdint>
#include <vector>

#include "mlq/graph.h"

namespace mlqc::coreml_writer {

// Axis i of the result is axis permutation[i] of the tensor; a quantization's axis moves along.
mlq::Tensor permuted(const mlq::Tensor& tensor, const std::vector<std::int64_t>& permutation);

}  // namespace mlqc::coreml_writer
