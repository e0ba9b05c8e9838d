// The values of one graph while it is inferred or run. A subgraph's frame sees the frames around it.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "mlq/kernel.h"
#include "runtime-stub/src/constants.h"

namespace mlq {

// A tensor of a subgraph that stands for a tensor of a graph around it, `levels` up.
struct Capture {
  TensorId inner;
  int levels;
  TensorId outer;
};

// A graph with the names of its subgraphs resolved; looked up once, not at every run of a loop's body.
struct LinkedGraph {
  const Graph* graph = nullptr;
  std::vector<Capture> captures;
  std::map<const Graph*, std::unique_ptr<LinkedGraph>> subgraphs;
  // By node: results of earlier nodes, or its own, that no later node reads and that are no outputs.
  std::vector<std::vector<TensorId>> read_last;
};

// The graph, which must outlive the result, has passed `check`.
LinkedGraph link(const Graph& graph);

struct Frame {
  const LinkedGraph& linked;
  const Frame* outer = nullptr;
  std::vector<Value> values;                        // by TensorId
  std::vector<std::shared_ptr<const void>> owners;  // of the values' data, by TensorId
  std::shared_ptr<std::int64_t> rounds;             // that loops have run, in all frames of a prediction

  const Graph& graph() const { return *linked.graph; }
};

enum class Load { for_shapes, all };

// Types and shapes as the graph states them, captured values, and constants: all of them, or those that
// shapes may depend on.
Result<Frame> make_frame(const LinkedGraph& linked, const Frame* outer, Constants& constants, Load load);

std::vector<Value> operands(const Frame& frame, const Node& node);

// Bytes of a value; nothing when its shape is not known or too large.
std::optional<std::size_t> bytes_of(const Value& value);

// Memory of its own for each of the frame's `ids` (no_tensor is passed over); their shapes must be known.
Status allocate(Frame& frame, std::span<const TensorId> ids, std::size_t limit);

// "node 'conv1' (Conv)": how messages begin.
std::string describe(const Node& node);

}  // namespace mlq
