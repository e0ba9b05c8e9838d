// `rounding: compensated`, over the whole network.
#pragma once

#include <string>
#include <vector>

#include "compiler/quantize/calibration.h"
#include "compiler/quantize/quantize.h"

namespace mlqc {

// What became of one tensor that was to be rounded with compensation.
struct RoundedTensor {
  mlq::TensorId tensor = mlq::no_tensor;
  bool compensated = false;
  std::string why;  // it was not
  double error = 0, nearest_error = 0;
};

struct CompensatedGraph {
  mlq::Graph graph;
  std::vector<RoundedTensor> tensors;
};

// Stage by stage (stages.h), each layer sees the activations that the layers before it, already rounded,
// give. `nearest` is what quantize() made: it stays where compensation does not lower the error of the
// layer's output on the calibration samples, or does not apply. Activations between two stages are kept for
// all samples where they take at most `memory` bytes; else they are computed again from the last ones kept.
// Deterministic. Throws Error (Exit::model) when the runtime cannot run the network.
CompensatedGraph compensated(const mlq::Graph& graph, const QuantizationPlan& plan, mlq::Graph nearest,
                             const Calibration& calibration, std::size_t memory);

// The same network at several widths at once, each layer as if it were the only one to be rounded: result i
// is that of plans[i] and nearest[i]. Plans differ in bits only.
std::vector<CompensatedGraph> compensated_alone(const mlq::Graph& graph,
                                                const std::vector<QuantizationPlan>& plans,
                                                std::vector<mlq::Graph> nearest,
                                                const Calibration& calibration, std::size_t memory);

}  // namespace mlqc
