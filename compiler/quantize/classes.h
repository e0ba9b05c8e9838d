// The layer that makes the scores of classes: `granularity: per_class`.
#pragma once

#include <optional>

#include "mlq/graph.h"

namespace mlqc {

struct ClassLayer {
  mlq::TensorId weights;
  std::size_t output;  // of the graph: as many scores as the weights have output channels
};

// The convolution or matrix product of whose output channels each has to do with one score only: between it
// and an output are only a softmax, means over positions, activations and changes of shape. Nothing where no
// output is made that way.
std::optional<ClassLayer> class_layer(const mlq::Graph& graph);

}  // namespace mlqc
