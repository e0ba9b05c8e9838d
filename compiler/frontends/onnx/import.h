// The ONNX front end: ModelProto to Graph (https://onnx.ai, operator sets 1 to 28).
#pragma once

#include "compiler/frontends/frontend.h"

namespace mlqc::onnx_format {

// Throws Error (Exit::model): not a model (MLQ333), operators that mlq cannot run (MLQ311, all of them at
// once), what it refers to outside of its folder (MLQ330), tensors of unknown types (MLQ331) or without their
// bytes (MLQ332), an interface that no app can call (MLQ335), an input whose rank nothing says (MLQ337),
// anything else that makes no sense (MLQ336).
mlq::Graph import(const Source& source);

}  // namespace mlqc::onnx_format
