#include "compiler/driver/layer_widths.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "compiler/backends/code_weights.h"
#include "compiler/driver/calibrate.h"
#include "compiler/driver/class_importance.h"
#include "compiler/driver/model_file.h"
#include "compiler/quantize/blocks.h"
#include "compiler/quantize/classes.h"
#include "compiler/quantize/compensated.h"
#include "compiler/quantize/tensor_data.h"
#include "compiler/support/parallel.h"

namespace mlqc {

namespace {

using mlq::Graph;

// Widths to choose from, and those of them that are measured.
struct Candidates {
  std::vector<QuantizeSettings> all;
  std::vector<std::size_t> measured;  // the damage of the others is read off a line through those
};

Candidates widths_of(QuantizeSettings settings) {
  Candidates result;
  for (settings.bits = 2; settings.bits <= 8; ++settings.bits) result.all.push_back(settings);
  result.measured = {0, 2, 4};
  return result;
}

// Levels ever closer to each other (uniform.h says why not tables), four steps a bit. The step is rounded, so
// that recipes say it in few digits.
Candidates grids_of(QuantizeSettings settings) {
  Candidates result;
  settings.algorithm = "uniform";
  settings.granularity = "per_tensor";
  settings.bits = 8;
  for (int quarter = -4; quarter <= 26; ++quarter) {
    const double digits = quarter < 13 ? 1e3 : 1e4;
    settings.step = std::round(std::exp2(-quarter / 4.0) * digits) / digits;
    if (quarter == 0 || quarter == 8 || quarter == 16) result.measured.push_back(result.all.size());
    result.all.push_back(settings);
  }
  return result;
}

// More samples tell the same at more cost: the figure is a mean of smooth values.
constexpr std::size_t most_samples = 24;

// Tensors that each layer's own choice is about, by the layer's name, in the plan's order.
using Places = std::vector<std::pair<std::string, std::vector<std::size_t>>>;

bool takes(const TensorPlan& entry, const QuantizeSettings& settings) {
  return entry.settings.bits == settings.bits && entry.settings.step == settings.step &&
         entry.settings.algorithm == settings.algorithm;
}

// A tensor is free where its bits follow the manifest's: both of those tried.
Places free_places(const QuantizationPlan& narrow, const QuantizationPlan& next,
                   const Candidates& candidates) {
  Places places;
  std::map<std::string, std::size_t> known;
  for (std::size_t i = 0; i < narrow.size(); ++i) {
    if (!takes(narrow[i], candidates.all[0]) || !takes(next[i], candidates.all[2])) continue;
    const auto [found, fresh] = known.emplace(narrow[i].layer, places.size());
    if (fresh) places.push_back({narrow[i].layer, {}});
    places[found->second].second.push_back(i);
  }
  return places;
}

// With what explains the indices.
double coded_bytes(const mlq::Tensor& tensor, const TensorPlan& entry) {
  const mlq::Tensor made = quantize(tensor, entry);
  const std::size_t stream = code_weights(made).size();
  const mlq::Quantization& q = *made.quantization;
  return static_cast<double>(stream != 0 ? stream : made.data->bytes.size()) +
         static_cast<double>(q.scale.size() + q.offset.size() + q.table.size()) * sizeof(float);
}

double packed_bytes(const mlq::Tensor& tensor, const TensorPlan& entry) {
  const auto count = static_cast<double>(mlq::element_count(tensor.shape).value_or(0));
  const auto groups =
      static_cast<double>(mlq::group_count(tensor.shape, blocks_of(entry, tensor.shape)).value_or(1));
  if (entry.settings.step != 0)
    return static_cast<double>(quantize(tensor, entry).data->bytes.size()) + groups * 2 * sizeof(float);
  const double numbers = entry.settings.algorithm.ends_with("_lut") ? std::exp2(entry.settings.bits) : 2;
  return std::ceil(count * entry.settings.bits / 8) + groups * numbers * sizeof(float);
}

// The float network with one layer's constants (weights, and a bias that moved with them) of another.
Graph with_layer(const Graph& reference, const Graph& other, const std::string& layer,
                 const QuantizationPlan& plan, const std::vector<std::size_t>& places) {
  Graph result = reference;
  const auto take = [&](mlq::TensorId id) {
    if (id == mlq::no_tensor) return;
    const auto at = static_cast<std::size_t>(id);
    if (other.tensors[at].data) result.tensors[at] = other.tensors[at];
  };
  for (const std::size_t place : places) take(plan[place].tensor);
  for (const mlq::Node& node : reference.nodes)
    if (node.name == layer)
      for (const mlq::TensorId id : node.inputs) take(id);
  return result;
}

std::vector<CompensatedGraph> rounded_alone(const Graph& reference,
                                            const std::vector<QuantizationPlan>& plans,
                                            const Calibration& calibration) {
  std::vector<Graph> nearest;
  for (const QuantizationPlan& plan : plans) nearest.push_back(quantize(reference, plan));
  return compensated_alone(reference, plans, std::move(nearest), calibration, calibration_memory);
}

// The damage of each layer (outer) by each of the plans, whose widths are `bits`.
std::vector<std::vector<WidthChoice>> measure_alone(const Graph& reference, const Places& places,
                                                    const std::vector<QuantizationPlan>& plans,
                                                    const std::vector<double>& bits, const Steering& steering,
                                                    Progress& progress) {
  const std::vector<CompensatedGraph> alone = rounded_alone(reference, plans, steering.calibration);
  std::vector<ModelMaker> candidates;
  for (const auto& [layer, which] : places)
    for (std::size_t k = 0; k < plans.size(); ++k)
      candidates.push_back([&, k, layer = layer, which = which](int threads) {
        return load_graph(with_layer(reference, alone[k].graph, layer, plans[k], which), threads);
      });
  const Samples samples = chosen_samples(steering.held, spread(steering.held.items.size(), most_samples));
  const std::vector<Measured> measured =
      measure_all([&](int threads) { return load_graph(reference, threads); }, candidates, samples,
                  [&](std::size_t model, std::size_t, std::size_t) {
                    progress.show("trying layers one by one", model, candidates.size());
                  });
  std::vector<std::vector<WidthChoice>> result(places.size());
  for (std::size_t i = 0; i < measured.size(); ++i)
    result[i / plans.size()].push_back({bits[i % plans.size()], 0, damage_of(measured[i])});
  return result;
}

}  // namespace

namespace {

double bits_of(const QuantizeSettings& settings) {
  return settings.step != 0 ? -std::log2(settings.step) : settings.bits;
}

// What other formats can hold is judged choice by choice.
QuantizationPlan plan_with(const Graph& reference, Manifest manifest, const QuantizeSettings& settings) {
  manifest.quantize.settings.value = settings;
  if (settings.step != 0) manifest.emit = {{"mlq", {}}};
  return plan(reference, manifest);
}

// The layer of the scores has a step for each class.
std::string by_class(const Graph& reference, const std::vector<float>& importance,
                     std::vector<QuantizationPlan>& plans) {
  const std::optional<ClassLayer> classes = class_layer(reference);
  std::string name;
  for (QuantizationPlan& plan : plans)
    for (TensorPlan& entry : plan)
      if (classes && entry.tensor == classes->weights && entry.settings.step != 0) {
        entry.settings.granularity = "per_class";
        entry.importance = importance;
        name = entry.layer;
      }
  return name;
}

// Formats that know no more than 256 levels rule a choice out.
constexpr WidthChoice ruled_out = {0, 1e18, 1e6};

LayerWidths choices_of(const Graph& reference, const Candidates& candidates,
                       const std::vector<QuantizationPlan>& plans, const std::vector<std::size_t>& places,
                       const std::vector<WidthChoice>& measured, const QuantizeSection& section,
                       bool other_formats) {
  LayerWidths widths;
  widths.choices.resize(plans.size());
  parallel_for(plans.size(), [&](std::size_t c) {
    const double bits = bits_of(candidates.all[c]);
    WidthChoice& choice = widths.choices[c] = {bits, 0, damage_at(measured, bits)};
    for (const std::size_t place : places) {
      const TensorPlan& entry = plans[c][place];
      const mlq::Tensor& tensor = reference.tensors[static_cast<std::size_t>(entry.tensor)];
      const bool taken = takes(entry, candidates.all[c]), uniform = taken && entry.settings.step != 0;
      if (uniform && other_formats && uniform_is_wide(tensor, entry)) {
        choice = ruled_out;
        return;
      }
      choice.bytes += !taken                             ? static_cast<double>(tensor.data->bytes.size())
                      : section.storage.value == "coded" ? coded_bytes(tensor, entry)
                                                         : packed_bytes(tensor, entry);
    }
  });
  return widths;
}

}  // namespace

NamedWidths measure_widths(const Manifest& manifest, const Steering& steering, const Graph& reference,
                           Progress& progress) {
  const QuantizeSection& section = manifest.quantize;
  NamedWidths result;
  const std::string &algorithm = section.settings->algorithm, &granularity = section.settings->granularity;
  const bool coded = section.storage.value == "coded" && algorithm != "custom_lut" &&
                     (granularity.empty() || granularity == "per_tensor" || granularity == "per_class");
  const Candidates candidates =
      coded || algorithm == "uniform" ? grids_of(section.settings.value) : widths_of(section.settings.value);
  result.settings = candidates.all;
  std::vector<QuantizationPlan> plans, tried;
  for (const QuantizeSettings& settings : candidates.all)
    plans.push_back(plan_with(reference, manifest, settings));
  const Places places = free_places(plans[0], plans[2], candidates);
  if (places.empty()) return result;
  if (coded)
    result.class_layer = by_class(reference, class_importance(reference, steering.calibration), plans);
  std::vector<double> bits;
  for (const std::size_t c : candidates.measured) {
    tried.push_back(plans[c]);
    bits.push_back(bits_of(candidates.all[c]));
  }
  const auto measured = measure_alone(reference, places, tried, bits, steering, progress);
  const bool others =
      std::ranges::any_of(manifest.emit, [](const auto& emit) { return emit.value != "mlq"; });
  for (std::size_t i = 0; i < places.size(); ++i) {
    result.names.push_back(places[i].first);
    result.layers.push_back(
        choices_of(reference, candidates, plans, places[i].second, measured[i], section, others));
  }
  return result;
}

double damage_of(const Measured& measured) {
  double damage = 0;
  for (const auto& [output, figures] : measured.outputs) {
    if (const auto kl = figures.find("kl_divergence"); kl != figures.end())
      damage += kl->second.value;
    else if (const auto snr = figures.find("snr_db"); snr != figures.end())
      damage += std::pow(10, -snr->second.value / 10);
  }
  // A network that gives no numbers any more is as bad as can be.
  return std::isfinite(damage) ? damage : 1e6;
}

std::vector<std::size_t> spread(std::size_t count, std::size_t most) {
  const std::size_t used = std::min(count, most);
  std::vector<std::size_t> which;
  for (std::size_t i = 0; i < used; ++i) which.push_back(i * count / used);
  return which;
}

Samples chosen_samples(const Samples& samples, const std::vector<std::size_t>& which) {
  Samples result;
  result.seed = samples.seed;
  for (const std::size_t i : which) {
    result.items.push_back(samples.items[i]);
    if (!samples.labels.empty()) result.labels.push_back(samples.labels[i]);
  }
  return result;
}

}  // namespace mlqc
