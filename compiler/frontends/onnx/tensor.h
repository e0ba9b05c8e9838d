// TensorProto to Tensor.
#pragma once

#include "compiler/frontends/frontend.h"

namespace onnx {
class TensorProto;
}

namespace mlqc::onnx_format {

// A constant with a copy of the proto's numbers. Throws Error: a type that mlq has none for (MLQ331), fewer
// or more numbers than the shape says (MLQ332), external data as read_external says.
mlq::Tensor to_tensor(const ::onnx::TensorProto& proto, const Source& source);

// ONNX's number of an element type, or an Error MLQ331 that names it.
mlq::DataType to_data_type(int type, const std::string& what, const Source& source);

}  // namespace mlqc::onnx_format
