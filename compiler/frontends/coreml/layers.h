// Layer kinds and how each is said in the graph's operators. Adding a kind is one row in the file of its
// family.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "compiler/frontends/coreml/build.h"

namespace mlqc::coreml {

class NeuralNetwork;
class NeuralNetworkLayer;

struct Row {
  int kind;  // the field number of the layer in the format
  void (*lower)(Build& build, const NeuralNetworkLayer& layer, const char* op);
  const char* op = "";  // for lowerings that several kinds share
};

std::span<const Row> activation_rows();
std::span<const Row> constant_rows();
std::span<const Row> control_rows();
std::span<const Row> convolution_rows();
std::span<const Row> dense_rows();
std::span<const Row> detection_rows();
std::span<const Row> elementwise_rows();
std::span<const Row> indexing_rows();
std::span<const Row> normalization_rows();
std::span<const Row> picture_rows();
std::span<const Row> pooling_rows();
std::span<const Row> random_rows();
std::span<const Row> recurrent_rows();
std::span<const Row> reduce_rows();
std::span<const Row> shape_rows();
std::span<const Row> slice_rows();

// Null where mlq cannot run the kind.
const Row* find_row(int kind);

// "innerProduct": the format's own name of a layer's kind.
std::string kind_name(const NeuralNetworkLayer& layer);

// Throws Error MLQ311 naming all layers that cannot be run.
void check_supported(const Build& build, const NeuralNetwork& network);

// Lowers the layers in turn.
void lower_layers(Build& build, const NeuralNetwork& network);

}  // namespace mlqc::coreml
