// Weights that an ONNX file keeps beside itself.
#pragma once

#include <cstdint>
#include <string>

#include "compiler/frontends/frontend.h"

namespace mlqc::onnx_format {

// Bytes [offset, offset + length) of `location`, a path relative to the model's folder that may neither leave
// it nor pass through a symbolic link; length -1 reads to the end. Throws Error MLQ330 (outside, missing, too
// short).
mlq::Data read_external(const Source& source, const std::string& tensor, const std::string& location,
                        std::int64_t offset, std::int64_t length);

}  // namespace mlqc::onnx_format
