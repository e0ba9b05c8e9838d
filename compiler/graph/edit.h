// What rewrites share: who makes and who reads each tensor, and small constants as numbers.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mlq/graph.h"

namespace mlqc {

struct Uses {
  std::vector<int> producer;              // by TensorId: the node, or -1
  std::vector<std::vector<int>> readers;  // nodes, once per operand
  std::vector<bool> kept;                 // an output of the graph, or read by a subgraph under its name
};
Uses uses_of(const mlq::Graph& graph);

// The one node that reads the tensor, or -1 when there is none, more than one, or it must stay.
int only_reader(const Uses& uses, mlq::TensorId id);

bool is_constant(const mlq::Graph& graph, mlq::TensorId id);
// The numbers of a constant of floats (quantized ones decoded) or of int64 with at most `limit` elements.
std::optional<std::vector<float>> floats_of(const mlq::Graph& graph, mlq::TensorId id,
                                            std::int64_t limit = 1 << 16);
std::optional<std::vector<std::int64_t>> integers_of(const mlq::Graph& graph, mlq::TensorId id);

// Operand i, or no_tensor.
mlq::TensorId operand(const mlq::Node& node, std::size_t i);

// Replaces nodes; tensors that nothing refers to any more are dropped and ids renumbered.
void compact(mlq::Graph& graph);

// The types and shapes of the node's results, as far as those of its operands say them.
mlq::Status infer_node(mlq::Graph& graph, const mlq::Node& node);
// Gives the node's results their values when they follow from small constants and known shapes alone; true
// when the node is not needed any more.
bool fold_node(mlq::Graph& graph, const mlq::Node& node);

// The single rewrites, in the order in which simplify and prepare_for_runtime apply them.
void remove_identities(mlq::Graph& graph);
void fold_normalization(mlq::Graph& graph);
void fold_constants(mlq::Graph& graph);
void remove_dead(mlq::Graph& graph);
void fuse(mlq::Graph& graph);
void channels_first(mlq::Graph& graph);
void channels_last(mlq::Graph& graph);
void join_convolutions(mlq::Graph& graph);

}  // namespace mlqc
