// Data that an ONNX model keeps in files beside itself.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "compiler/frontends/frontend.h"

namespace onnx {
class ModelProto;
}

namespace mlqc {

// The bytes of all external data that the model still refers to, one after the other; the model refers to
// them in a file of the name `location` from now on. Empty where it has none. Throws Error MLQ330 (data that
// are not where the source says, or outside of its folder).
std::vector<std::byte> gather_external(const Source& source, ::onnx::ModelProto& model,
                                       const std::string& location);

}  // namespace mlqc
