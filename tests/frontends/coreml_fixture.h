// Small Core ML models for tests, built with the front end's own schema.
#pragma once

#include <string>
#include <vector>

#include "compiler/frontends/coreml/model.pb.h"
#include "compiler/frontends/frontend.h"

namespace mlqc::test {

// A source whose bytes are the model's; its path is "test.mlmodel".
Source source_of(const std::string& bytes);
Source source_of(const coreml::Model& model);

void set_floats(coreml::Weights& weights, const std::vector<float>& values);
void add_array(google::protobuf::RepeatedPtrField<coreml::FeatureDescription>& features,
               const std::string& name, const std::vector<std::int64_t>& shape);
void add_image(google::protobuf::RepeatedPtrField<coreml::FeatureDescription>& features,
               const std::string& name, int width, int height, coreml::ImageType::ColorSpace color);
coreml::NeuralNetworkLayer& add_layer(coreml::NeuralNetwork& network, const std::string& name,
                                      const std::string& input, const std::string& output);

// A picture classifier: 3x3 convolution of 2 channels, ReLU, pooling, dense, softmax over 3 labels.
coreml::Model classifier();

// The outputs for these inputs, all float32 in the features' own shapes.
std::vector<std::vector<float>> run(const Source& source, const std::vector<std::vector<float>>& inputs);

}  // namespace mlqc::test
