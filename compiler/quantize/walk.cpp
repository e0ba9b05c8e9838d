#include "compiler/quantize/walk.h"

#include <algorithm>

#include "compiler/graph/rewrite.h"
#include "compiler/support/error.h"
#include "compiler/support/parallel.h"

namespace mlqc {

namespace {

using mlq::Array;
using mlq::Graph;
using mlq::Model;
using mlq::TensorId;

[[noreturn]] void fail(const std::string& why) {
  throw Error(Exit::model, {{}, "calibration: the runtime cannot run this model: " + why, "MLQ391", "", {}});
}

Model load(Graph graph) {
  auto model =
      Model::from_graph(prepare_for_runtime(std::move(graph)), {.threads = 1, .expected_interface = {}});
  if (!model) fail(model.error());
  return std::move(*model);
}

bool same_weights(const Graph& a, const Graph& b, const std::vector<std::size_t>& nodes) {
  for (const std::size_t n : nodes)
    for (const TensorId id : a.nodes[n].inputs) {
      if (id == mlq::no_tensor) continue;
      const auto &ours = a.tensors[static_cast<std::size_t>(id)].data,
                 &theirs = b.tensors[static_cast<std::size_t>(id)].data;
      if (ours && theirs && ours->bytes.data() != theirs->bytes.data()) return false;
    }
  return true;
}

// The first graph, whose shapes are inferred, with the other's constants.
Graph with_constants(const Graph& shaped, const Graph& other) {
  Graph result = shaped;
  for (std::size_t i = 0; i < result.tensors.size(); ++i)
    if (result.tensors[i].data) result.tensors[i] = other.tensors[i];
  return result;
}

Values predict(const Model& model, const std::vector<mlq::View>& inputs,
               const std::vector<TensorId>& outputs) {
  auto arrays = model.predict(inputs);
  if (!arrays) fail(arrays.error());
  Values values;
  for (std::size_t i = 0; i < outputs.size(); ++i)
    values[outputs[i]] = std::make_shared<const Array>(std::move((*arrays)[i]));
  return values;
}

std::vector<mlq::View> views(const Values& values, const std::vector<TensorId>& ids) {
  std::vector<mlq::View> result;
  for (const TensorId id : ids) result.push_back(values.at(id)->view());
  return result;
}

std::size_t bytes_of(const BothValues& values) {
  std::size_t bytes = 0;
  for (const auto& [id, array] : values.exact) bytes += array->bytes.size();
  for (const auto& [id, array] : values.seen)
    if (values.exact.at(id) != array) bytes += array->bytes.size();
  return bytes;
}

}  // namespace

void Walk::start(const Graph& candidate) {
  const Stage& to = stages_[stage_];
  std::vector<std::size_t> nodes;
  for (std::size_t s = kept_stage_; s <= stage_; ++s)
    nodes.insert(nodes.end(), stages_[s].nodes.begin(), stages_[s].nodes.end());
  std::sort(nodes.begin(), nodes.end());
  inputs_ = kept_stage_ == 0 ? std::vector<TensorId>() : stages_[kept_stage_ - 1].live;
  outputs_.clear();
  passing_.clear();
  for (const TensorId id : to.live)
    (std::find(inputs_.begin(), inputs_.end(), id) == inputs_.end() ? outputs_ : passing_).push_back(id);
  // Until something differs there is one network only.
  const bool same_nodes = same_weights(exact_, candidate, nodes);
  same_ = same_nodes && kept_same_;
  keeping_ = true;
  coming_.assign(calibration_.count, {});
  exact_model_.reset();
  seen_model_.reset();
  if (outputs_.empty()) return;
  exact_model_ = load(segment(exact_, nodes, inputs_, outputs_));
  if (!same_nodes) seen_model_ = load(segment(with_constants(exact_, candidate), nodes, inputs_, outputs_));
}

BothValues Walk::run_sample(std::size_t index) const {
  BothValues result;
  const BothValues& from = kept_[index];
  if (kept_stage_ == 0) {
    const std::vector<Array> arrays = calibration_.sample(index);
    std::vector<mlq::View> inputs;
    for (const Array& array : arrays) inputs.push_back(array.view());
    result.exact = predict(*exact_model_, inputs, outputs_);
    result.seen =
        same_ ? result.exact : predict(seen_model_ ? *seen_model_ : *exact_model_, inputs, outputs_);
    return result;
  }
  if (!outputs_.empty()) {
    result.exact = predict(*exact_model_, views(from.exact, inputs_), outputs_);
    result.seen =
        same_ ? result.exact
              : predict(seen_model_ ? *seen_model_ : *exact_model_, views(from.seen, inputs_), outputs_);
  }
  for (const TensorId id : passing_) {
    result.exact[id] = from.exact.at(id);
    result.seen[id] = from.seen.at(id);
  }
  return result;
}

std::vector<BothValues> Walk::run(std::size_t first, std::size_t count) {
  std::vector<BothValues> some(count);
  parallel_for(count, [&](std::size_t i) { some[i] = run_sample(first + i); });
  return some;
}

void Walk::keep(std::size_t first, const std::vector<BothValues>& some) {
  if (first == 0) {
    std::size_t bytes = 0;
    for (const BothValues& values : some) bytes += bytes_of(values);
    // As many again may come where the networks begin to differ.
    keeping_ = bytes / some.size() * calibration_.count <= memory_;
  }
  if (!keeping_) return;
  std::copy(some.begin(), some.end(), coming_.begin() + static_cast<std::ptrdiff_t>(first));
  // What the next stage does not start from is not needed any more.
  for (std::size_t i = 0; i < some.size(); ++i) kept_[first + i] = {};
}

void Walk::finish() {
  ++stage_;
  if (!keeping_) return;
  kept_ = std::move(coming_);
  kept_stage_ = stage_;
  kept_same_ = same_;
}

}  // namespace mlqc
