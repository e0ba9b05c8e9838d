// A new ONNX model from a Graph of any source.
#pragma once

#include <cstddef>
#include <vector>

#include "compiler/frontends/frontend.h"
#include "mlq/graph.h"

namespace mlqc::onnx_writer {

// Quantized weights stay quantized; preprocessing of images is nodes, so the model takes pixels; of a
// classifier, the scores are an output and the labels stand in the metadata. Throws Error MLQ503
// (Exit::model): all layers that ONNX cannot say.
std::vector<std::byte> write(const Source& source, const mlq::Graph& graph);

// Throws as `write` does, without writing weights.
void check(const Source& source, const mlq::Graph& graph);

}  // namespace mlqc::onnx_writer
