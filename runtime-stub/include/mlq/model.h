// A loaded network: the one resource of the runtime. Load once, share between threads, predict often.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mlq/custom_layer.h"
#include "mlq/graph.h"
#include "mlq/result.h"

namespace mlq {

// Numbers of an input, borrowed from the caller: row-major, contiguous.
struct View {
  DataType type = DataType::float32;
  Shape shape;
  const void* data = nullptr;
};

// Numbers of an output, owned.
struct Array {
  DataType type = DataType::float32;
  Shape shape;
  std::vector<std::byte> bytes;

  std::span<const float> floats() const {
    return {reinterpret_cast<const float*>(bytes.data()), bytes.size() / sizeof(float)};
  }
  View view() const { return {type, shape, bytes.data()}; }
};

inline constexpr std::size_t default_memory_limit = std::size_t{16} << 30;

struct LoadOptions {
  // Threads of one prediction, the caller's included. 1 runs in the caller's thread alone: best for
  // throughput, when several threads predict at once.
  int threads = 1;
  // When not empty: the interface digest that the caller was compiled for; another one is refused.
  std::string_view expected_interface = {};
  // Bytes that one tensor, or all memory of one prediction but its weights, may have.
  std::size_t memory_limit = default_memory_limit;
  // The classes of the model's custom layers; one that is missing is an error that names the layer.
  std::vector<CustomClass> custom_layers = {};
};

// Immutable and cheap to copy (copies share). All methods are const and may be called from many threads.
class Model {
 public:
  // Maps an artifact (.mlq). Weights stay in the file until the first prediction, so this takes the same time
  // for any size.
  static Result<Model> open(const std::string& path, const LoadOptions& options = {});
  // Reads an artifact in memory that outlives the model (embedded bytes), or that `data.owner` keeps.
  static Result<Model> from_bytes(Data data, const LoadOptions& options = {});
  // Wraps a graph that is already in memory.
  static Result<Model> from_graph(Graph graph, const LoadOptions& options = {});

  const Graph& graph() const;

  // One inference. `inputs` are in the order of graph().inputs, each with the feature's type and either the
  // feature's shape or the graph tensor's. Outputs are in the order of graph().outputs, with the feature's
  // shape; a label output is the scores' index of the best label, int64, shape {1}.
  Result<std::vector<Array>> predict(std::span<const View> inputs) const;

  // predict() of one sample after the other, by `threads` threads at once; the same results, bit for bit.
  // Fails when one sample fails, with the sentence of the first one.
  Result<std::vector<std::vector<Array>>> predict_all(std::span<const std::vector<View>> samples,
                                                      int threads = 1) const;

  struct State;  // of src/, public for the compiler's calibration and its tests
  const State& state() const { return *state_; }

 private:
  explicit Model(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

}  // namespace mlq
