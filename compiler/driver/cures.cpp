#include "compiler/driver/cures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "compiler/driver/layer_widths.h"
#include "compiler/driver/layers.h"
#include "compiler/driver/model_file.h"
#include "compiler/driver/sample_parts.h"
#include "compiler/validate/measure.h"

namespace mlqc {

namespace {

using mlq::Graph;

constexpr std::size_t most_layers = 3, most_tried = 32;
constexpr std::size_t most_ranking_samples = 4, least_samples = 8, most_samples = 192;
constexpr int half = 16;

// A layer and its places in the plan.
struct Layer {
  std::string name;
  std::vector<std::size_t> entries;
  int bits = 0;
  double snr_db = std::numeric_limits<double>::infinity();  // of its weights, the worst
};

// What is measured to judge cures, and for how many samples of all each one stands.
struct Trial {
  Samples samples;
  struct Part {
    std::set<std::string> names;
    double all = 0;  // samples that these stand for
  };
  Part missed, others;
};

ModelMaker maker(Graph graph) {
  return [graph = std::move(graph)](int threads) { return load_graph(graph, threads); };
}

bool is_red(const Check& check) { return !check.passed && !check.output.empty(); }

// Those with few bits, whose weights lost most first.
std::vector<Layer> layers_to_try(const CureTask& task, const Report& report) {
  std::vector<Layer> layers;
  for (std::size_t i = 0; i < task.plan.size(); ++i) {
    const auto& quantization =
        task.candidate.tensors[static_cast<std::size_t>(task.plan[i].tensor)].quantization;
    if (!quantization || !task.plan[i].kept_because.empty()) continue;
    auto layer = std::ranges::find(layers, task.plan[i].layer, &Layer::name);
    if (layer == layers.end()) layer = layers.insert(layer, {task.plan[i].layer, {}, quantization->bits});
    layer->entries.push_back(i);
    if (i < report.layers.size()) layer->snr_db = std::min(layer->snr_db, report.layers[i].snr_db);
  }
  std::ranges::stable_sort(layers, {}, &Layer::snr_db);
  layers.resize(std::min(layers.size(), most_tried));
  return layers;
}

// The layer's constants: its weights, and the biases that compensation may have shifted.
std::set<mlq::TensorId> constants_of(const CureTask& task, const Layer& layer) {
  const Graph& graph = task.reference;
  std::set<mlq::TensorId> weights, values, all;
  for (const std::size_t i : layer.entries) weights.insert(task.plan[i].tensor);
  const auto reads = [](const mlq::Node& node, const std::set<mlq::TensorId>& some) {
    return std::ranges::any_of(node.inputs, [&](mlq::TensorId id) { return some.contains(id); });
  };
  const auto add_constants = [&](const mlq::Node& node) {
    for (const mlq::TensorId id : node.inputs)
      if (id != mlq::no_tensor && graph.tensors[static_cast<std::size_t>(id)].data) all.insert(id);
  };
  for (const mlq::Node& node : graph.nodes) {
    if (!reads(node, weights)) continue;
    add_constants(node);
    values.insert(node.outputs.begin(), node.outputs.end());
  }
  for (const mlq::Node& node : graph.nodes)
    if (node.op == "Add" && reads(node, values)) add_constants(node);
  return all;
}

// A graph with one layer as it is in another.
Graph with_layer(const CureTask& task, Graph graph, const Graph& other, const Layer& layer) {
  for (const mlq::TensorId id : constants_of(task, layer)) {
    const auto place = static_cast<std::size_t>(id);
    graph.tensors[place] = other.tensors[place];
  }
  return graph;
}

// Evenly spread over the list.
std::vector<std::size_t> some_of(const std::vector<std::size_t>& all, std::size_t most) {
  std::vector<std::size_t> some;
  for (const std::size_t i : spread(all.size(), most)) some.push_back(all[i]);
  return some;
}

// In the order of the list, whatever the order of the places.
Samples pick(const Samples& samples, std::vector<std::size_t> places) {
  std::ranges::sort(places);
  return chosen_samples(samples, places);
}

double lowest_snr(const Measured& measured, const std::set<std::string>& outputs) {
  double lowest = std::numeric_limits<double>::infinity();
  for (const auto& [output, figures] : measured.outputs)
    if (const auto found = figures.find("snr_db"); found != figures.end() && outputs.contains(output))
      lowest = std::isnan(found->second.value) ? -lowest : std::min(lowest, found->second.value);
  return lowest;
}

// The outputs that tell layers apart: those of the red checks, or all where these are labels.
std::set<std::string> outputs_to_watch(const Report& report) {
  std::set<std::string> red, all;
  for (const auto& [output, figures] : report.outputs)
    if (figures.contains("snr_db")) all.insert(output);
  for (const Check& check : report.checks)
    if (is_red(check) && all.contains(check.output)) red.insert(check.output);
  return red.empty() ? all : red;
}

std::vector<Layer> worst_layers(const CureTask& task, const Report& report, const Samples& samples) {
  const std::vector<Layer> tried = layers_to_try(task, report);
  std::vector<ModelMaker> makers;
  for (const Layer& layer : tried)
    makers.push_back(maker(with_layer(task, task.reference, task.candidate, layer)));
  const std::vector<Measured> all = measure_all(maker(task.reference), makers, samples, {});
  const std::set<std::string> outputs = outputs_to_watch(report);
  std::vector<std::pair<double, std::size_t>> ranks;
  for (std::size_t i = 0; i < tried.size(); ++i) ranks.emplace_back(lowest_snr(all[i], outputs), i);
  std::ranges::sort(ranks);
  std::vector<Layer> worst;
  for (std::size_t i = 0; i < std::min(most_layers, ranks.size()); ++i)
    worst.push_back(tried[ranks[i].second]);
  return worst;
}

const Metric* hits_metric(const Check& check) {
  const Metric* metric = find_metric(check.metric);
  return metric && metric->summary == Summary::hits ? metric : nullptr;
}

// Of a share of hits, samples that missed tell most: they are half of those taken, where there are so many.
Trial choose(const CureTask& task, const Report& report, std::size_t most) {
  const std::size_t all = task.samples.items.size();
  std::set<std::string> names;
  for (const Check& check : report.checks)
    if (names.empty() && is_red(check) && hits_metric(check)) {
      const auto& missed = report.outputs.at(check.output).at(check.metric).samples;
      names.insert(missed.begin(), missed.end());
    }
  std::vector<std::size_t> missed, others;
  for (std::size_t i = 0; i < all; ++i)
    (names.contains(task.samples.items[i].name) ? missed : others).push_back(i);
  std::vector<std::size_t> chosen = some_of(missed, std::max(most / 2, most - std::min(most, others.size())));
  const std::vector<std::size_t> rest = some_of(others, most - chosen.size());
  Trial trial;
  trial.missed.all = static_cast<double>(missed.size());
  trial.others.all = static_cast<double>(others.size());
  for (const std::size_t i : chosen) trial.missed.names.insert(task.samples.items[i].name);
  for (const std::size_t i : rest) trial.others.names.insert(task.samples.items[i].name);
  chosen.insert(chosen.end(), rest.begin(), rest.end());
  trial.samples = pick(task.samples, chosen);
  return trial;
}

// More bits for a layer that disturbs the output lower its noise; what few samples show of that may be less
// than its error, which is why both are said.
struct Gain {
  double value = 0, error = 0;
  bool is_one() const { return value > 0; }
};

// What a part adds: changes of its samples, scaled up to those that they stand for, and the variance of that
// (Cochran 1977, Sampling Techniques, 5.3: stratified sampling without replacement).
void add_part(const Trial::Part& part, const std::set<std::string>& mended,
              const std::set<std::string>& broken, double& sum, double& variance) {
  const auto n = static_cast<double>(part.names.size());
  if (n == 0) return;
  double up = 0, down = 0;
  for (const std::string& name : part.names) {
    up += mended.contains(name);
    down += broken.contains(name);
  }
  const double mean = (up - down) / n;
  sum += part.all * mean;
  // One more change than was seen: none among a few does not mean none among all.
  if (n > 1) variance += part.all * (part.all - n) / n * ((up + down + 1) - n * mean * mean) / (n - 1);
}

// How much better the check's metric becomes.
Gain gain(const Check& check, const Measured& before, const Measured& after, const Trial& trial) {
  const Measurement &old = before.outputs.at(check.output).at(check.metric),
                    &now = after.outputs.at(check.output).at(check.metric);
  const Metric* metric = find_metric(check.metric);
  if (!hits_metric(check)) return {(metric->higher_is_better ? 1 : -1) * (now.value - old.value), 0};
  std::set<std::string> mended(old.samples.begin(), old.samples.end()),
      broken(now.samples.begin(), now.samples.end());
  for (const std::string& name : old.samples) broken.erase(name);
  for (const std::string& name : now.samples) mended.erase(name);
  double sum = 0, variance = 0;
  add_part(trial.missed, mended, broken, sum, variance);
  add_part(trial.others, mended, broken, sum, variance);
  const double all = trial.missed.all + trial.others.all;
  return {sum / all, 1.96 * std::sqrt(std::max(variance, 0.0)) / all};
}

// One more bit, or two: sixteen, which are half floats, where the algorithm ends.
int more_bits(const CureTask& task, const Layer& layer, int steps) {
  const Algorithm* algorithm = find_algorithm(task.plan[layer.entries[0]].settings.algorithm);
  const int bits = layer.bits + steps;
  return algorithm && bits <= algorithm->max_bits ? bits : half;
}

struct Cured {
  Graph graph;
  int bits = 0;
  std::size_t bytes = 0;
};

Cured cured(const CureTask& task, const Graph& start, const Layer& layer, int bits) {
  QuantizationPlan some;
  for (const std::size_t i : layer.entries) {
    some.push_back(task.plan[i]);
    some.back().settings.bits = bits;
  }
  Cured made{task.quantize(with_layer(task, start, task.reference, layer), some), bits, 0};
  std::size_t now = 0, then = 0;
  for (const TensorPlan& entry : some) {
    now += stored_bytes(task.candidate.tensors[static_cast<std::size_t>(entry.tensor)]);
    then += stored_bytes(made.graph.tensors[static_cast<std::size_t>(entry.tensor)]);
  }
  made.bytes = then > now ? then - now : 0;
  return made;
}

// As `layers:` takes it: what the section says for all is not said again.
std::string rule_for(const CureTask& task, const Layer& layer, int bits) {
  std::string pattern;
  for (const char c : layer.name)
    pattern +=
        std::string_view("*?[\\").find(c) != std::string_view::npos ? std::string{'\\', c} : std::string{c};
  const auto replace = nlohmann::json::error_handler_t::replace;
  std::string rule = fmt::format("{{ match: {}", nlohmann::json(pattern).dump(-1, ' ', false, replace));
  const QuantizeSettings &ours = task.plan[layer.entries[0]].settings, &all = task.section.settings.value;
  const Algorithm* algorithm = find_algorithm(ours.algorithm);
  if (ours.algorithm != all.algorithm) rule += fmt::format(", algorithm: {}", ours.algorithm);
  const std::string granularity = !all.granularity.empty() ? all.granularity
                                  : algorithm              ? std::string(algorithm->default_granularity)
                                                           : "";
  if (bits < half && ours.granularity != granularity)
    rule += fmt::format(", granularity: {}", ours.granularity);
  if (bits < half && ours.group_size != all.group_size && ours.group_size != 0)
    rule += fmt::format(", group_size: {}", ours.group_size);
  if (bits < half && ours.block_size != all.block_size && ours.block_size != 0)
    rule += fmt::format(", block_size: {}", ours.block_size);
  return rule + fmt::format(", bits: {} }}", bits);
}

// One more bit for each layer, or two where one gives nothing back to any check; then all at once.
class Search {
 public:
  Search(const CureTask& task, Report& report, std::vector<Layer> layers, Trial trial)
      : task_(task),
        report_(report),
        layers_(std::move(layers)),
        trial_(std::move(trial)),
        against_(run_reference(maker(task.reference), trial_.samples)) {}

  void run(const std::string& basis) {
    before_ = against_(maker(task_.candidate));
    Graph together = task_.candidate;
    for (const Layer& layer : layers_) {
      try_bits(layer, more_bits(task_, layer, 1));
      const int more = more_bits(task_, layer, 2);
      if (!helps(gains_.back()) && more > cured_.back().bits) {
        cured_.pop_back();
        gains_.pop_back();
        try_bits(layer, more);
      }
      together = with_layer(task_, std::move(together), cured_.back().graph, layer);
    }
    together_ = gains_of(against_(maker(std::move(together))));
    for (std::size_t c = 0; c < report_.checks.size(); ++c)
      if (is_red(report_.checks[c])) fill(c, basis);
  }

 private:
  std::vector<Gain> gains_of(const Measured& after) const {
    std::vector<Gain> gains;
    for (const Check& check : report_.checks)
      gains.push_back(is_red(check) ? gain(check, before_, after, trial_) : Gain{});
    return gains;
  }
  static bool helps(const std::vector<Gain>& gains) { return std::ranges::any_of(gains, &Gain::is_one); }

  void try_bits(const Layer& layer, int bits) {
    cured_.push_back(cured(task_, task_.candidate, layer, bits));
    gains_.push_back(gains_of(against_(maker(cured_.back().graph))));
  }

  void fill(std::size_t c, const std::string& basis) const {
    Cures& cures = report_.checks[c].cures;
    cures.basis = basis;
    cures.together = together_[c].value;
    cures.error = together_[c].error;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const Gain& restored = gains_[i][c];
      cures.bytes += cured_[i].bytes;
      cures.layers.push_back({layers_[i].name, layers_[i].bits, cured_[i].bits, restored.value,
                              restored.error, cured_[i].bytes,
                              restored.is_one() ? rule_for(task_, layers_[i], cured_[i].bits) : ""});
    }
  }

  const CureTask& task_;
  Report& report_;
  std::vector<Layer> layers_;
  Trial trial_;
  AgainstReference against_;
  Measured before_;
  std::vector<Cured> cured_;              // of each layer
  std::vector<std::vector<Gain>> gains_;  // of each layer, for each check
  std::vector<Gain> together_;
};

}  // namespace

void find_cures(const CureTask& task, Report& report) {
  if (std::ranges::none_of(report.checks, is_red) || task.samples.items.empty()) return;
  const std::size_t all = task.samples.items.size();
  const std::size_t tried = layers_to_try(task, report).size();
  if (tried == 0) return;
  const Samples few = chosen_samples(
      task.samples, spread(all, std::clamp<std::size_t>(all / (tried + 1), 1, most_ranking_samples)));
  std::vector<Layer> worst = worst_layers(task, report, few);
  const std::size_t fitting = samples_that_fit(maker(task.reference), few);
  Trial trial =
      choose(task, report, std::min({all, fitting, std::clamp(3 * all / 8, least_samples, most_samples)}));
  const std::string missed = trial.missed.names.empty() ? ""
                                                        : fmt::format(", {} of them among those that miss",
                                                                      trial.missed.names.size());
  const std::string basis = fmt::format(
      "measured on {} of {} samples{}; these layers disturb the output most of {} tried one by one on {}",
      trial.samples.items.size(), all, missed, tried, few.items.size());
  Search(task, report, std::move(worst), std::move(trial)).run(basis);
}

}  // namespace mlqc
