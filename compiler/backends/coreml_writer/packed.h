// Constants with their axes in another order, quantized ones of any number of bits.
#pragma once

#include <cstdint>
#include <vector>

#include "mlq/graph.h"

namespace mlqc::coreml_writer {

// Axis i of the result is axis permutation[i] of the tensor; a quantization's blocks move along.
mlq::Tensor permuted(const mlq::Tensor& tensor, const std::vector<std::int64_t>& permutation);

// Rows [first, first + count) of matrix number `which` of a constant [matrices, rows, columns]. Quantized
// ones stay so: scales along the rows go with them.
mlq::Tensor rows_of(const mlq::Tensor& tensor, std::int64_t which, std::int64_t first, std::int64_t count);

}  // namespace mlqc::coreml_writer
