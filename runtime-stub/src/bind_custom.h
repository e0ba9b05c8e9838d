// Custom nodes get the code that computes them.
#pragma once

#include <span>

#include "mlq/custom_layer.h"

namespace mlq {

// Nodes that have code already keep it. Fails where a class is not among `classes`, naming the layer.
Status bind_custom(Graph& graph, std::span<const CustomClass> classes);

}  // namespace mlq
