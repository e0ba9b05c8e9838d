// Core ML's neural networks in `.mlmodel` files as graphs.
#pragma once

#include "compiler/frontends/frontend.h"

namespace mlqc::coreml {

mlq::Graph import(const Source& source);

}  // namespace mlqc::coreml
