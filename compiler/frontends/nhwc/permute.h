// Constants with their axes in another order.
#pragma once

#include <vector>

#include "mlq/graph.h"

namespace mlqc::nhwc {

// `tensor` has data, and elements of whole bytes (a quantized one: 8 bits). Axis i of the result is axis
// perm[i] of it; a quantization's axis moves along.
mlq::Tensor permute(const mlq::Tensor& tensor, const std::vector<std::int64_t>& perm);

}  // namespace mlqc::nhwc
