// Weights in few bits as nodes of standard operators, in any operator set.
#pragma once

#include <string>
#include <vector>

#include "compiler/frontends/frontend.h"
#include "mlq/graph.h"

namespace onnx {
class NodeProto;
}

namespace mlqc {

// Who reads a weight. ONNX Runtime makes one operator of DequantizeLinear and MatMul, which rounds the other
// operand to eight bits as well: what a MatMul reads is restored by Mul and Add.
enum class Reader { any, matmul };

// What makes the weight (quantized, or halves) out of fewer bits: DequantizeLinear where the operator set has
// it, else Mul and Add; a table and Gather; Cast of halves. Groups in blocks are broadcast to in a shape with
// two dimensions for each, which Reshape, and Slice where last blocks are shorter, make the weight's. The
// last result has the given name and element type (TensorProto.DataType), the names of the others begin with
// it. Throws Error MLQ502: more tables than an index can count, blocks before operator set 7.
std::vector<::onnx::NodeProto> restoring_nodes(const Source& source, const mlq::Tensor& tensor,
                                               const std::string& name, int type, int opset,
                                               Reader reader = Reader::any);

}  // namespace mlqc
