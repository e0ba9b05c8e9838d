#include "tests/frontends/coreml_one_layer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace mlqc::test {

using namespace coreml;

float Blob::at(std::initializer_list<std::int64_t> place) const {
  std::size_t index = 0;
  auto dimension = shape.begin();
  for (const std::int64_t i : place)
    index = index * static_cast<std::size_t>(*dimension++) + static_cast<std::size_t>(i);
  return values.at(index);
}

Blob wave(const std::vector<std::int64_t>& shape, float phase) {
  std::size_t count = 1;
  for (const std::int64_t n : shape) count *= static_cast<std::size_t>(n);
  Blob blob{shape, Floats(count)};
  for (std::size_t i = 0; i < count; ++i)
    blob.values[i] = 2 * std::sin(1 + phase + 1.7f * static_cast<float>(i));
  return blob;
}

OneLayer::OneLayer(std::vector<Blob> inputs, int outputs, bool rank5) : inputs_(std::move(inputs)) {
  NeuralNetwork& network = *model_.mutable_neural_network();
  if (!rank5) network.set_array_input_shape_mapping(NeuralNetwork::EXACT_ARRAY_MAPPING);
  NeuralNetworkLayer& layer = add_layer(network, "layer", "", "");
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    layer.add_input("x" + std::to_string(i));
    add_array(*model_.mutable_description()->mutable_input(), layer.input(static_cast<int>(i)),
              inputs_[i].shape);
  }
  for (int i = 0; i < outputs; ++i) {
    layer.add_output("y" + std::to_string(i));
    add_array(*model_.mutable_description()->mutable_output(), layer.output(i), {});
  }
}

NeuralNetworkLayer& OneLayer::layer() { return *model_.mutable_neural_network()->mutable_layers(0); }

std::vector<Floats> OneLayer::run() const {
  std::vector<Floats> values;
  for (const Blob& input : inputs_) values.push_back(input.values);
  return test::run(source_of(model_), values);
}

void expect_near(const Floats& actual, const std::vector<double>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i)
    EXPECT_NEAR(actual[i], expected[i], 2e-5 * std::max(1.0, std::abs(expected[i]))) << i;
}

}  // namespace mlqc::test
