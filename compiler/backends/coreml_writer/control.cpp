// If and Loop. A network inside of another reads and overwrites the blobs around it; so both branches write
// the results under the same names, and each round of a loop ends by writing what it carries over what it
// was.
#include <algorithm>
#include <optional>

#include "compiler/backends/coreml_writer/writer.h"
#include "compiler/frontends/coreml/network.pb.h"
#include "compiler/graph/edit.h"

namespace mlqc::coreml_writer {

namespace {

using mlq::Graph;

const Graph& graph_of(const Writer& w, const char* key) {
  const auto found = w.node().attributes.find(key);
  const auto* graph = found == w.node().attributes.end()
                          ? nullptr
                          : std::get_if<std::shared_ptr<const Graph>>(&found->second);
  if (!graph || !*graph) w.fail(std::string("lacks its ") + key);
  return **graph;
}

// Constants of the graphs around are constants inside: layers hold their weights themselves.
Graph with_constants(const Writer& w, const Graph& from) {
  Graph graph = from;
  for (mlq::Tensor& tensor : graph.tensors)
    if (const mlq::Tensor* around = tensor.data ? nullptr : w.named(tensor.name); around && around->data)
      tensor = *around;
  return graph;
}

struct Nested {
  Nested(Writer& w, const Graph& from) : graph(with_constants(w, from)), writer(w, graph, network) {}
  Nested(const Nested&) = delete;
  Nested& operator=(const Nested&) = delete;

  Graph graph;
  coreml::NeuralNetwork network;
  Writer writer;
};

std::string result_name(Writer& w, std::size_t i) {
  return w.node().outputs[i] == mlq::no_tensor ? w.fresh() : w.out(i);
}

void write_branch(Writer& w, const char* key, const Blobs& results, coreml::NeuralNetwork& to) {
  Nested branch(w, graph_of(w, key));
  write_nodes(branch.writer);
  w.require(branch.graph.outputs.size() == results.size(), "has branches of another number of results");
  for (std::size_t i = 0; i < results.size(); ++i)
    branch.writer.copy(branch.writer.blob(branch.graph.outputs[i].tensor), results[i]);
  to.Swap(&branch.network);
}

void choose(Writer& w, const Row&) {
  Blobs results;
  for (std::size_t i = 0; i < w.node().outputs.size(); ++i) results.push_back(result_name(w, i));
  const std::string condition = w.in();
  coreml::Branch branch;  // its networks may still load constants before it
  write_branch(w, "then_branch", results, *branch.mutable_if_branch());
  write_branch(w, "else_branch", results, *branch.mutable_else_branch());
  w.layer({condition}, {}).mutable_branch()->Swap(&branch);
}

class LoopLayer {
 public:
  explicit LoopLayer(Writer& w)
      : w_(w),
        body_(w, graph_of(w, "body")),
        carried_(w.node().inputs.size() - 2),
        all_(w.node().outputs.size()) {
    w.require(body_.graph.inputs.size() == carried_ + 2 && body_.graph.outputs.size() == all_ + 1,
              "has a body of another number of values");
    if (w.given(0) && w.is_constant(0)) rounds_ = w.ints(0, "a number of rounds").at(0);
  }

  void write() {
    start();
    if (rounds_ && *rounds_ <= 0) return;  // 0 would be no limit there
    write_body();
    coreml::Loop loop;
    if (rounds_) loop.set_max_loop_iterations(static_cast<std::uint64_t>(*rounds_));
    write_condition(loop);
    loop.mutable_body_network()->Swap(&body_.network);
    w_.layer({}, {}).mutable_loop()->Swap(&loop);
  }

 private:
  mlq::TensorId body_result(std::size_t i) const { return body_.graph.outputs[i].tensor; }

  // A body that hands its condition on never stops before the number of rounds is reached.
  bool runs_all_rounds() const {
    if (!rounds_ || *rounds_ <= 0) return false;
    if (w_.given(1) && !is_true(w_.graph, w_.operand(1))) return false;
    mlq::TensorId id = body_result(0);
    for (auto node = body_.graph.nodes.rbegin(); node != body_.graph.nodes.rend(); ++node)
      if (node->op == "Identity" && node->outputs.at(0) == id) id = node->inputs.at(0);
    return id == body_.graph.inputs[1].tensor || is_true(body_.graph, id);
  }

  static bool is_true(const Graph& graph, mlq::TensorId id) {
    const mlq::Tensor& tensor = graph.tensors[static_cast<std::size_t>(id)];
    return tensor.data && tensor.type == mlq::DataType::boolean && !tensor.data->bytes.empty() &&
           tensor.data->bytes[0] != std::byte{0};
  }

  void start() {
    for (std::size_t i = 0; i < all_; ++i) state_.push_back(result_name(w_, i));
    for (std::size_t i = 0; i < carried_; ++i) {
      const Shape& shape = w_.shape(i + 2);
      w_.require(std::ranges::count(shape, 0) == 0, "begins with a value that has no elements");
      w_.copy(w_.in(i + 2), state_[i]);
    }
    for (std::size_t i = carried_; i < all_; ++i) {
      Shape shape = body_.graph.tensors[static_cast<std::size_t>(body_result(i + 1))].shape;
      w_.require(runs_all_rounds() && mlq::element_count(shape).value_or(0) > 0,
                 "stacks results of which the number or the shape is not known");
      shape.insert(shape.begin(), *rounds_);
      auto& fill = *w_.layer({}, {state_[i]}).mutable_fill_static();
      for (const std::int64_t size : shape) fill.add_target_shape(static_cast<std::uint64_t>(size));
    }
    round_ = w_.fresh(), go_on_ = w_.fresh();
    w_.copy(w_.number(0), round_);
    w_.copy(w_.given(1) ? w_.in(1) : w_.number(1), go_on_);
  }

  // All that a round changes is read before any of it is written.
  void write_body() {
    Writer& b = body_.writer;
    b.name_blob(body_.graph.inputs[0].tensor, round_);
    b.name_blob(body_.graph.inputs[1].tensor, go_on_);
    for (std::size_t i = 0; i < carried_; ++i) b.name_blob(body_.graph.inputs[i + 2].tensor, state_[i]);
    write_nodes(b);
    Blobs next{aside(b, body_result(0))};
    for (std::size_t i = 0; i < carried_; ++i) next.push_back(aside(b, body_result(i + 1)));
    for (std::size_t i = carried_; i < all_; ++i) next.push_back(stacked(b, i));
    auto [add, following] = b.step({round_, b.number(1)});
    add->mutable_add_broadcastable();
    b.copy(next[0], go_on_);
    for (std::size_t i = 0; i < all_; ++i) b.copy(next[i + 1], state_[i]);
    b.copy(following, round_);
  }

  std::string aside(Writer& b, mlq::TensorId id) const {
    const std::string blob = b.blob(id);
    const bool overwritten = blob == round_ || blob == go_on_ || std::ranges::count(state_, blob) > 0;
    if (!overwritten) return blob;
    std::string kept = b.fresh();
    b.copy(blob, kept);
    return kept;
  }

  // The stack with this round's result in its place.
  std::string stacked(Writer& b, std::size_t i) const {
    auto [place, at] = b.step({round_});
    for (int k = 0; k < 2; ++k) place->mutable_reshape_static()->add_target_shape(1);
    const mlq::TensorId id = body_result(i + 1);
    auto [row, update] = b.step({b.blob(id)});
    auto& shape = *row->mutable_reshape_static();
    shape.add_target_shape(1);
    for (const std::int64_t size : b.tensor(id).shape) shape.add_target_shape(size);
    auto [scatter, whole] = b.step({state_[i], at, update});
    scatter->mutable_scatter_nd()->set_mode(coreml::SCATTER_UPDATE);
    return whole;
  }

  // Asked before each round; the number of rounds is part of it where it is not a number of the file.
  void write_condition(coreml::Loop& loop) {
    if (runs_all_rounds()) return;
    const Graph none;
    coreml::NeuralNetwork network;
    Writer c(w_, none, network);
    std::string result = c.fresh();
    if (w_.given(0) && !rounds_) {
      auto [less, more] = c.step({round_, w_.in(0)});
      less->mutable_less_than();
      c.layer({go_on_, more}, {result}).mutable_logical_and();
    } else {
      c.copy(go_on_, result);
    }
    loop.set_condition_var(result);
    loop.mutable_condition_network()->Swap(&network);
  }

  Writer& w_;
  Nested body_;
  std::size_t carried_, all_;
  std::optional<std::int64_t> rounds_;
  Blobs state_;  // blobs of what is carried, then of what is stacked
  std::string round_, go_on_;
};

void loop(Writer& w, const Row&) {
  w.require(w.node().inputs.size() >= 2, "has too few operands");
  LoopLayer(w).write();
}

constexpr Row rows[] = {{"If", choose}, {"Loop", loop}};

}  // namespace

std::span<const Row> control_rows() { return rows; }

}  // namespace mlqc::coreml_writer
