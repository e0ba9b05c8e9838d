// Indices of quantized weights, entropy-coded: the counterpart of runtime-stub/src/coded.h.
#pragma once

#include <cstddef>
#include <vector>

#include "mlq/graph.h"

namespace mlqc {

// What decode_constants reads; empty where a constant is not quantized, or takes no less when coded.
std::vector<std::byte> code_weights(const mlq::Tensor& tensor);

// Bytes of a constant that is coded, with the numbers that explain its indices; 0 where it is not.
std::size_t coded_bytes(const mlq::Tensor& tensor);

}  // namespace mlqc
