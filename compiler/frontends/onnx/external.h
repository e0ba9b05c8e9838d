// Weights that an ONNX file keeps beside itself.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "compiler/frontends/frontend.h"

namespace mlqc::onnx_format {

// Bytes [offset, offset + length) of `location`, a path relative to the model's folder that may neither leave
// it nor pass through a symbolic link; length -1 reads to the end. Throws Error MLQ330 (outside, missing, too
// short).
mlq::Data read_external(const Source& source, const std::string& tensor, const std::string& location,
                        std::int64_t offset, std::int64_t length);

// The files that the model's tensors refer to, each once, as far as they may be read and are there; nothing
// is said of the others, nor of a file that is no model: whoever reads them says it.
std::vector<std::filesystem::path> external_files(const Source& source);

}  // namespace mlqc::onnx_format
