// Layers and models whose computation the user brings.
#pragma once

#include "compiler/frontends/coreml/layers.h"

namespace mlqc::coreml {

class Model;

std::span<const Row> custom_rows();

// Models of kind customModel, alone or in pipelines, become networks of one custom layer that has the model's
// inputs and outputs.
void expand_custom_models(const Build& build, Model& model);

}  // namespace mlqc::coreml
