// Which constants of a graph are weights.
#pragma once

#include <string>
#include <vector>

#include "mlq/graph.h"

namespace mlqc {

// A float constant that nodes read, other than a single number.
struct Constant {
  mlq::TensorId tensor = mlq::no_tensor;
  std::string layer, op;  // of the first node that multiplies by it, else of the first that reads it
  bool weight = false;    // multiplied with activations, or looked up in: worth quantizing
  int axis = 0;           // of a weight: the output channels
  int input_axis = 1;     // and what each of them sums over
};

// In the order of the nodes that read them, each once.
std::vector<Constant> float_constants(const mlq::Graph& graph);

}  // namespace mlqc
