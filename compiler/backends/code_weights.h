// Indices of quantized weights, entropy-coded: the counterpart of runtime-stub/src/coded.h.
#pragma once

#include <cstddef>
#include <vector>

#include "mlq/graph.h"

namespace mlqc {

// What decode_constants reads; empty where a constant is not quantized, or takes no less when coded.
std::vector<std::byte> code_weights(const mlq::Tensor& tensor);

// What a constant takes in the artifact, with the numbers that explain its indices; `coded`: where weights
// are.
std::size_t stored_bytes(const mlq::Tensor& tensor, bool coded = false);

}  // namespace mlqc
