// Core ML's neural networks in `.mlmodel` files as graphs.
#pragma once

#include <string>
#include <vector>

#include "compiler/frontends/frontend.h"
#include "mlq/sizes.h"

namespace mlqc::coreml {

mlq::Graph import(const Source& source);

// The file with these shapes for an input, of the rank that users see. The network is tried at the ends of
// each range.
std::vector<std::byte> with_sizes(const Source& source, const std::string& input, const mlq::Sizes& sizes);

}  // namespace mlqc::coreml
