// One function per row of the table in backends.cpp.
#pragma once

#include <cstddef>
#include <vector>

#include "compiler/backends/backend.h"
#include "compiler/frontends/frontend.h"
#include "mlq/graph.h"

namespace mlqc {

std::vector<std::byte> write_mlq(const Source& source, const mlq::Graph& graph);
// With the indices of quantized weights entropy-coded where that takes less.
std::vector<std::byte> write_mlq_coded(const Source& source, const mlq::Graph& graph);
std::vector<std::byte> write_coreml(const Source& source, const mlq::Graph& graph);
std::vector<std::byte> write_onnx(const Source& source, const mlq::Graph& graph);
// With the data that the source keeps beside itself, in NAME.onnx.data.
std::vector<WrittenFile> write_onnx_files(const Source& source, const mlq::Graph& graph,
                                          const std::string& name);
void check_onnx(const Source& source, const mlq::Graph& graph);

}  // namespace mlqc
