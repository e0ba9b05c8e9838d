// Nodes of older and newer operator sets in the form of operator set 17, which the kernels speak.
#pragma once

#include <string>
#include <vector>

namespace onnx {
class NodeProto;
}

namespace mlqc::onnx_format {

// The nodes that stand for `node` of operator set `opset`, in order; usually itself alone. New values get
// names beginning with `prefix`, which must be unique in the model.
std::vector<::onnx::NodeProto> upgrade(const ::onnx::NodeProto& node, int opset, const std::string& prefix);

}  // namespace mlqc::onnx_format
