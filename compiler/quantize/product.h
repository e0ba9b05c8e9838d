// Nodes that multiply activations by a constant, seen as matrix products: y = W x for each group, where x is
// a column of `columns` activations (a window of a convolution, a row of a dense layer's input) and W has
// `rows` output channels.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "compiler/graph/edit.h"
#include "mlq/graph.h"
#include "mlq/model.h"

namespace mlqc {

struct Product {
  std::size_t node = 0;
  mlq::TensorId input = mlq::no_tensor, weights = mlq::no_tensor;
  mlq::TensorId bias = mlq::no_tensor;  // one number per output channel, of this node alone, or none
  std::size_t groups = 1, rows = 0, columns = 0;
  // Element of the weight tensor: group * group_step + row * row_step + place[column].
  std::size_t group_step = 0, row_step = 0;
  std::vector<std::size_t> place;

  std::size_t element(std::size_t group, std::size_t row, std::size_t column) const {
    return group * group_step + row * row_step + place[column];
  }
};

// Convolution (grouped, depthwise, transposed), Gemm, and MatMul by a matrix on the right. Nothing where the
// node is none of them, or its weights are no constant of its own; `why` then says so.
std::optional<Product> product_of(const mlq::Graph& graph, const Uses& uses, std::size_t node,
                                  std::string& why);

// How many columns x an input holds; 0 when its shape does not suit the node.
std::size_t positions(const Product& product, const mlq::Graph& graph, const mlq::Array& input);

// The columns x of one group at the chosen positions, one after the other.
void gather(const Product& product, const mlq::Graph& graph, const mlq::Array& input, std::size_t group,
            std::span<const std::size_t> chosen, float* out);

}  // namespace mlqc
