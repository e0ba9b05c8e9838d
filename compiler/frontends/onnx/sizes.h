// Dimensions that an ONNX file leaves open, bound by the manifest.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "compiler/frontends/frontend.h"
#include "mlq/sizes.h"

namespace mlqc::onnx_format {

// The file with these shapes for an input: one size is stated wherever the dimension's name stands, of
// several sizes the dimension stays open and the file's metadata list them. Throws Error MLQ314: no such
// input, another rank, another size than the one that the file has.
std::vector<std::byte> with_sizes(const Source& source, const std::string& input, const mlq::Sizes& sizes);

}  // namespace mlqc::onnx_format
