// The ONNX front end: ModelProto to Graph (https://onnx.ai, operator sets 1 to 28).
#pragma once

#include "compiler/frontends/frontend.h"

namespace mlqc {

// Throws Error (Exit::model): not a model (MLQ333), a value used before it is made (MLQ334), operators that
// no kernel computes (MLQ310, all of them at once), external data and tensor types as their readers say.
mlq::Graph import_onnx(const Source& source);

}  // namespace mlqc
