// What a user sees of a model: its inputs with their preprocessing, its outputs, its labels.
#pragma once

#include "compiler/frontends/coreml/build.h"

namespace mlqc::coreml {

class ModelDescription;
class NeuralNetwork;

void add_inputs(Build& build, const ModelDescription& description, const NeuralNetwork& network);
// After the layers.
void add_outputs(Build& build, const ModelDescription& description, const NeuralNetwork& network);

}  // namespace mlqc::coreml
