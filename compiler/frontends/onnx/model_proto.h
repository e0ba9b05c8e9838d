// The file as the schema has it.
#pragma once

#include "compiler/frontends/frontend.h"

namespace onnx {
class ModelProto;
}

namespace mlqc::onnx_format {

// Throws Error MLQ333: no ONNX model, a damaged one, or one of more than 2 GiB.
::onnx::ModelProto parse_model(const Source& source);

}  // namespace mlqc::onnx_format
