// A network cut at the products whose weights are to be rounded, so that it can be run stage by stage.
#pragma once

#include <span>
#include <vector>

#include "compiler/quantize/product.h"

namespace mlqc {

// Products that can be rounded at the same time, since none depends on another.
struct Stage {
  std::vector<std::size_t> nodes;     // what runs to get here from the stage before, in the graph's order
  std::vector<std::size_t> products;  // indices into the list of products: not run yet
  std::vector<mlq::TensorId> live;    // the values that they and later stages read
};

std::vector<Stage> make_stages(const mlq::Graph& graph, const std::vector<Product>& products);

// The nodes as a network of its own, from values that are there to values that are wanted; tensors keep their
// ids. `inputs` empty: the graph's own.
mlq::Graph segment(const mlq::Graph& graph, const std::vector<std::size_t>& nodes,
                   const std::vector<mlq::TensorId>& inputs, const std::vector<mlq::TensorId>& outputs);

}  // namespace mlqc
