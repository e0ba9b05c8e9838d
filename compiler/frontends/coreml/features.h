// What a user sees of a model: its inputs with their preprocessing, its outputs, its labels.
#pragma once

#include "compiler/frontends/coreml/build.h"

namespace mlqc::coreml {

class FeatureDescription;
class ModelDescription;
class NeuralNetwork;

// What a user sees of an input, without its tensor; and the tensor's shape, before a network adds dimensions,
// -1 where it is flexible. Numbers that are no arrays have the shape [1].
mlq::Feature image_feature(const Build& build, const FeatureDescription& feature);
mlq::Feature array_feature(const Build& build, const FeatureDescription& feature);
Shape tensor_shape(const Build& build, const FeatureDescription& feature);
// Keeps in the graph which shapes an input with open dimensions may have.
void note_sizes(Build& build, const mlq::Feature& input, const FeatureDescription& feature);

void add_inputs(Build& build, const ModelDescription& description, const NeuralNetwork& network);
// After the layers.
void add_outputs(Build& build, const ModelDescription& description, const NeuralNetwork& network);

}  // namespace mlqc::coreml
