// Kinds that no conformance case has and that choose elements by places from blobs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/frontends/coreml_fixture.h"

namespace mlqc {
namespace {

using namespace coreml;
using Floats = std::vector<float>;
using testing::ElementsAre;

struct Input {
  const char* name;
  std::vector<std::int64_t> shape;
};

// One layer that reads all of the inputs and makes `y`.
Model one_layer(const std::vector<Input>& inputs) {
  Model model;
  model.mutable_neural_network()->set_array_input_shape_mapping(NeuralNetwork::EXACT_ARRAY_MAPPING);
  NeuralNetworkLayer& layer = test::add_layer(*model.mutable_neural_network(), "layer", "", "y");
  for (const Input& input : inputs) {
    test::add_array(*model.mutable_description()->mutable_input(), input.name, input.shape);
    layer.add_input(input.name);
  }
  test::add_array(*model.mutable_description()->mutable_output(), "y", {});
  return model;
}
NeuralNetworkLayer& layer_of(Model& model) { return *model.mutable_neural_network()->mutable_layers(0); }

TEST(ReverseSeq, TurnsRoundTheBeginOfEachRow) {
  Model model = one_layer({{"x", {2, 4}}, {"lengths", {2}}});
  layer_of(model).mutable_reverse_seq()->set_sequence_axis(1);
  EXPECT_THAT(test::run(test::source_of(model), {{0, 1, 2, 3, 4, 5, 6, 7}, {3, 0}})[0],
              ElementsAre(2, 1, 0, 3, 4, 5, 6, 7));
}

TEST(ReverseSeq, TheSequenceMayLieBeforeTheBatch) {
  Model model = one_layer({{"x", {3, 2, 2}}, {"lengths", {2}}});
  layer_of(model).mutable_reverse_seq()->set_batch_axis(1);
  layer_of(model).mutable_reverse_seq()->set_sequence_axis(0);
  EXPECT_THAT(test::run(test::source_of(model), {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, {2, 3}})[0],
              ElementsAre(4, 5, 10, 11, 0, 1, 6, 7, 8, 9, 2, 3));
}

TEST(SliceDynamic, TakesPlacesFromBlobsAndTheRestFromItsParameters) {
  Model model = one_layer({{"x", {2, 4}}, {"begin", {2}}});
  SliceDynamic& s = *layer_of(model).mutable_slice_dynamic();
  for (const int end : {2, -1}) s.add_end_ids(end);
  EXPECT_THAT(test::run(test::source_of(model), {{0, 1, 2, 3, 4, 5, 6, 7}, {1, 0}})[0], ElementsAre(4, 5, 6));
}

TEST(SliceDynamic, StridesMayRunBackwardsAndMasksReachTheEnds) {
  Model model = one_layer({{"x", {2, 4}}, {"begin", {2}}, {"end", {2}}});
  SliceDynamic& s = *layer_of(model).mutable_slice_dynamic();
  for (const int stride : {1, -1}) s.add_strides(stride);
  for (const bool mask : {false, true}) s.add_end_masks(mask);
  EXPECT_THAT(test::run(test::source_of(model), {{0, 1, 2, 3, 4, 5, 6, 7}, {0, 2}, {2, 0}})[0],
              ElementsAre(2, 1, 0, 6, 5, 4));
}

TEST(SliceDynamic, AxesMarkedToBeSqueezedKeepOneElement) {
  Model model = one_layer({{"x", {2, 4}}, {"begin", {2}}});
  SliceDynamic& s = *layer_of(model).mutable_slice_dynamic();
  for (const bool mask : {false, true}) {
    s.add_squeeze_masks(mask);
    s.add_end_masks(true);
  }
  EXPECT_THAT(test::run(test::source_of(model), {{0, 1, 2, 3, 4, 5, 6, 7}, {0, -1}})[0], ElementsAre(3, 7));
}

}  // namespace
}  // namespace mlqc
