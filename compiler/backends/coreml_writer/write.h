// A Core ML neural network from a graph of any source: the back end behind `emit: [coreml]` where the source
// is something else than Core ML.
#pragma once

#include <cstddef>
#include <vector>

#include "compiler/frontends/frontend.h"
#include "mlq/graph.h"

namespace mlqc::coreml_writer {

// Quantized and half-float weights stay as they are. Throws Error MLQ502: operators or values that the format
// cannot hold, all operators named at once.
std::vector<std::byte> write(const Source& source, const mlq::Graph& graph);

}  // namespace mlqc::coreml_writer
