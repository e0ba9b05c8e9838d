// The neural network of a model, from its inputs to its outputs.
#pragma once

#include "compiler/frontends/coreml/build.h"

namespace mlqc::coreml {

class Model;

// Adds the network to the graph: its inputs (but those that are given), layers, outputs and labels.
void lower_network(Build& build, const Model& model);

}  // namespace mlqc::coreml
