// What became of each layer's weights.
#pragma once

#include <vector>

#include "compiler/backends/code_weights.h"
#include "compiler/quantize/compensated.h"
#include "compiler/validate/report.h"

namespace mlqc {

// What all constants take in the artifact.
std::size_t weight_bytes(const mlq::Graph& graph, bool coded = false);

// One per tensor of the plan. Both graphs have the same tensors.
std::vector<LayerReport> layer_reports(const QuantizationPlan& plan, const mlq::Graph& reference,
                                       const CompensatedGraph& candidate, bool coded);

}  // namespace mlqc
