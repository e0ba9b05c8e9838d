// What became of each layer's weights.
#pragma once

#include <vector>

#include "compiler/quantize/compensated.h"
#include "compiler/validate/report.h"

namespace mlqc {

// Bytes of a constant with its scales, offsets or tables. `coded`: as `storage: coded` has them.
std::size_t stored_bytes(const mlq::Tensor& tensor, bool coded = false);
// Of all constants.
std::size_t weight_bytes(const mlq::Graph& graph, bool coded = false);

// One per tensor of the plan. Both graphs have the same tensors.
std::vector<LayerReport> layer_reports(const QuantizationPlan& plan, const mlq::Graph& reference,
                                       const CompensatedGraph& candidate, bool coded);

}  // namespace mlqc
