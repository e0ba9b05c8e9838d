#include "compiler/validate/layerwise.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "compiler/support/error.h"
#include "compiler/support/parallel.h"
#include "compiler/validate/match.h"
#include "compiler/validate/metric.h"

namespace mlqc {

namespace {

using mlq::Graph;
using mlq::Model;
using Arrays = std::vector<mlq::Array>;

constexpr double equal = 200;

// A graph whose outputs are the first results of these nodes.
Graph with_outputs(Graph graph, const std::vector<std::size_t>& nodes) {
  graph.outputs.clear();
  for (const std::size_t node : nodes) {
    mlq::Feature output;
    output.name = graph.nodes[node].name;
    output.tensor = graph.nodes[node].outputs[0];
    const mlq::Tensor& tensor = graph.tensors[static_cast<std::size_t>(output.tensor)];
    output.shape = tensor.shape;
    output.type = tensor.type;
    graph.outputs.push_back(output);
  }
  return graph;
}

bool has_values(const Graph& graph, const mlq::Node& node) {
  if (node.name.empty() || node.outputs.empty() || node.outputs[0] == mlq::no_tensor) return false;
  const mlq::DataType type = graph.tensors[static_cast<std::size_t>(node.outputs[0])].type;
  return type == mlq::DataType::float32 || type == mlq::DataType::float64;
}

struct Pairs {
  std::vector<std::size_t> reference, candidate;
};

Pairs pairs_of(const Graph& reference, const Graph& candidate) {
  std::map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < candidate.nodes.size(); ++i)
    if (has_values(candidate, candidate.nodes[i])) places[candidate.nodes[i].name] = i;
  Pairs pairs;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < reference.nodes.size(); ++i) {
    const auto other = places.find(reference.nodes[i].name);
    if (other == places.end() || !has_values(reference, reference.nodes[i]) ||
        !seen.insert(other->first).second)
      continue;
    pairs.reference.push_back(i);
    pairs.candidate.push_back(other->second);
  }
  return pairs;
}

Model load(const Graph& graph) {
  auto model = Model::from_graph(graph, {.threads = threads(), .expected_interface = {}});
  if (!model)
    throw Error(Exit::model, {{}, "the runtime cannot run this model: " + model.error(), "MLQ391", "", {}});
  return std::move(*model);
}

Arrays run(const Model& model, const Samples& samples, std::size_t index,
           std::span<const std::size_t> order) {
  const auto inputs = load_sample(samples, index, model.graph(), order);
  std::vector<mlq::View> views;
  if (inputs)
    for (const mlq::Array& input : *inputs) views.push_back(input.view());
  auto outputs = inputs ? model.predict(views) : mlq::Result<Arrays>(mlq::Failure{inputs.error()});
  if (!outputs)
    throw Error(Exit::usage,
                {{}, fmt::format("{}: {}", samples.items[index].name, outputs.error()), "MLQ405", "", {}});
  return std::move(*outputs);
}

// Each layer's decibels below the worst of those it reads, through layers that were not compared.
void find_losses(const Graph& graph, const Pairs& pairs, std::vector<LayerDifference>& layers) {
  std::map<std::size_t, std::size_t> compared;
  for (std::size_t i = 0; i < pairs.reference.size(); ++i) compared[pairs.reference[i]] = i;
  std::map<mlq::TensorId, double> quality;  // of every result so far
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    double worst = equal;
    for (const mlq::TensorId id : graph.nodes[n].inputs)
      if (const auto known = quality.find(id); known != quality.end()) worst = std::min(worst, known->second);
    double own = worst;
    if (const auto found = compared.find(n); found != compared.end()) {
      own = layers[found->second].snr_db;
      layers[found->second].lost = std::max(0.0, worst - own);
    }
    for (const mlq::TensorId id : graph.nodes[n].outputs) quality[id] = own;
  }
}

}  // namespace

std::vector<LayerDifference> compare_layers(const Graph& reference, const Graph& candidate,
                                            const Samples& samples, std::size_t most) {
  const std::vector<std::size_t> order = match_inputs(reference, candidate);
  const Pairs pairs = pairs_of(reference, candidate);
  const Model ours = load(with_outputs(reference, pairs.reference)),
              theirs = load(with_outputs(candidate, pairs.candidate));
  std::vector<Power> sums(pairs.reference.size());
  for (std::size_t s = 0; s < std::min(most, samples.items.size()); ++s) {
    const Arrays a = run(ours, samples, s, {}), b = run(theirs, samples, s, order);
    parallel_for(sums.size(), [&](std::size_t i) {
      if (a[i].bytes.size() != b[i].bytes.size()) {
        sums[i].noise = std::nan("");  // another size is no comparison
        return;
      }
      const mlq::Feature numbers;
      const Power power = mlqc::power(user_values(numbers, a[i]), user_values(numbers, b[i]));
      sums[i].signal += power.signal;
      sums[i].noise += power.noise;
    });
  }
  std::vector<LayerDifference> layers;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const mlq::Node& node = reference.nodes[pairs.reference[i]];
    const double snr = decibels(sums[i].signal, sums[i].noise);
    layers.push_back({node.name, node.op, std::isnan(snr) ? 0 : snr, 0});
  }
  find_losses(reference, pairs, layers);
  return layers;
}

}  // namespace mlqc
