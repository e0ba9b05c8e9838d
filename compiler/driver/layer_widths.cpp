#include "compiler/driver/layer_widths.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "compiler/driver/calibrate.h"
#include "compiler/driver/class_importance.h"
#include "compiler/driver/layers.h"
#include "compiler/driver/model_file.h"
#include "compiler/driver/sample_parts.h"
#include "compiler/quantize/blocks.h"
#include "compiler/quantize/classes.h"
#include "compiler/quantize/compensated.h"
#include "compiler/quantize/tensor_data.h"
#include "compiler/support/parallel.h"

namespace mlqc {

namespace {

using mlq::Graph;

// Choices of one algorithm, and those of them that are measured: the damage of the others is read off a line
// through those.
struct Family {
  std::vector<QuantizeSettings> all;
  std::vector<std::size_t> measured;
};

Family widths_of(QuantizeSettings settings) {
  Family result;
  for (settings.bits = 2; settings.bits <= 8; ++settings.bits) result.all.push_back(settings);
  result.measured = {0, 2, 4};
  return result;
}

// Levels ever closer to each other (uniform.h says why not tables), four steps a bit. The step is rounded, so
// that recipes say it in few digits.
Family grids_of(QuantizeSettings settings, const std::string& algorithm) {
  Family result;
  settings.algorithm = algorithm;
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

// Where the manifest leaves the granularity open, a layer may have a table or a line for each channel,
// whatever suits it: a table fits weights better, lines take less where there are few weights.
std::vector<Family> packed_families(QuantizeSettings settings) {
  std::vector<Family> result = {widths_of(settings)};
  if (!settings.granularity.empty()) return result;
  if (settings.algorithm != "kmeans_lut" && settings.algorithm != "linear") return result;
  settings.algorithm = settings.algorithm == "linear" ? "kmeans_lut" : "linear";
  result.push_back(widths_of(settings));
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
Places free_places(const QuantizationPlan& narrow, const QuantizationPlan& next, const Family& family) {
  Places places;
  std::map<std::string, std::size_t> known;
  for (std::size_t i = 0; i < narrow.size(); ++i) {
    if (!takes(narrow[i], family.all[0]) || !takes(next[i], family.all[2])) continue;
    const auto [found, fresh] = known.emplace(narrow[i].layer, places.size());
    if (fresh) places.push_back({narrow[i].layer, {}});
    places[found->second].second.push_back(i);
  }
  return places;
}

// A trellis takes what even levels at the same step do, and more time.
double bytes_when_coded(const mlq::Tensor& tensor, TensorPlan entry) {
  if (entry.settings.algorithm == "trellis") entry.settings.algorithm = "uniform";
  return static_cast<double>(stored_bytes(quantize(tensor, entry), true));
}

double bytes_when_packed(const mlq::Tensor& tensor, const TensorPlan& entry) {
  if (entry.settings.step == 0) return static_cast<double>(packed_bytes(tensor, entry));
  const std::size_t groups = mlq::group_count(tensor.shape, blocks_of(entry, tensor.shape)).value_or(1);
  return static_cast<double>(quantize(tensor, entry).data->bytes.size() + groups * 2 * sizeof(float));
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

// The damage of each layer (outer) by each of the plans.
std::vector<std::vector<double>> measure_alone(const Graph& reference, const Places& places,
                                               const std::vector<QuantizationPlan>& plans,
                                               const Steering& steering, Progress& progress) {
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
  std::vector<std::vector<double>> result(places.size());
  for (std::size_t i = 0; i < measured.size(); ++i)
    result[i / plans.size()].push_back(damage_of(measured[i]));
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

// What a choice takes; nothing where it is ruled out.
std::optional<double> bytes_of(const Graph& reference, const QuantizeSettings& settings,
                               const QuantizationPlan& plan, const std::vector<std::size_t>& places,
                               bool coded, bool other_formats) {
  double bytes = 0;
  for (const std::size_t place : places) {
    const TensorPlan& entry = plan[place];
    const mlq::Tensor& tensor = reference.tensors[static_cast<std::size_t>(entry.tensor)];
    const bool taken = takes(entry, settings);
    if (taken && settings.step != 0 && other_formats && is_wide(tensor, entry)) return {};
    bytes += !taken  ? static_cast<double>(tensor.data->bytes.size())
             : coded ? bytes_when_coded(tensor, entry)
                     : bytes_when_packed(tensor, entry);
  }
  return bytes;
}

// All plans of a search: those of one family after those of another.
struct Search {
  std::vector<Family> families;
  std::vector<QuantizationPlan> plans;
  bool coded = false, other_formats = false;
  bool classes = false;  // the layer of the scores has steps by class

  std::vector<QuantizationPlan> measured() const {
    std::vector<QuantizationPlan> some;
    std::size_t first = 0;
    for (const Family& family : families) {
      for (const std::size_t c : family.measured) some.push_back(plans[first + c]);
      first += family.all.size();
    }
    return some;
  }
};

// `damages`: by the measured plans.
LayerWidths choices_of(const Graph& reference, const Search& search, const std::vector<std::size_t>& places,
                       const std::vector<double>& damages) {
  LayerWidths widths;
  auto damage = damages.begin();
  for (const Family& family : search.families) {
    std::vector<WidthChoice> measured;
    for (const std::size_t c : family.measured) measured.push_back({bits_of(family.all[c]), 0, *damage++});
    const std::size_t first = widths.choices.size();
    widths.choices.resize(first + family.all.size());
    parallel_for(family.all.size(), [&](std::size_t c) {
      const double bits = bits_of(family.all[c]);
      const auto bytes = bytes_of(reference, family.all[c], search.plans[first + c], places, search.coded,
                                  search.other_formats);
      widths.choices[first + c] = bytes ? WidthChoice{bits, *bytes, damage_at(measured, bits)} : ruled_out;
    });
  }
  return widths;
}

// Other formats hold levels of a trellis, too, but not without the bits that it saves.
Search search_for(const Graph& reference, const Manifest& manifest) {
  Search search;
  const QuantizeSection& section = manifest.quantize;
  const QuantizeSettings& settings = section.settings;
  const std::string& granularity = settings.granularity;
  search.coded = section.storage.value == "coded";
  search.other_formats =
      std::ranges::any_of(manifest.emit, [](const auto& emit) { return emit.value != "mlq"; });
  search.classes = search.coded && settings.algorithm != "custom_lut" &&
                   (granularity.empty() || granularity == "per_tensor" || granularity == "per_class");
  if (search.classes || has_step(settings.algorithm))
    search.families = {grids_of(settings, search.classes && !search.other_formats ? "trellis" : "uniform")};
  else
    search.families = packed_families(settings);
  for (const Family& family : search.families)
    for (const QuantizeSettings& each : family.all)
      search.plans.push_back(plan_with(reference, manifest, each));
  return search;
}

}  // namespace

NamedWidths measure_widths(const Manifest& manifest, const Steering& steering, const Graph& reference,
                           Progress& progress) {
  NamedWidths result;
  Search search = search_for(reference, manifest);
  for (const Family& family : search.families)
    result.settings.insert(result.settings.end(), family.all.begin(), family.all.end());
  const Places places = free_places(search.plans[0], search.plans[2], search.families[0]);
  if (places.empty()) return result;
  if (search.classes)
    result.class_layer = by_class(reference, class_importance(reference, steering.calibration), search.plans);
  const auto measured = measure_alone(reference, places, search.measured(), steering, progress);
  for (std::size_t i = 0; i < places.size(); ++i) {
    result.names.push_back(places[i].first);
    result.layers.push_back(choices_of(reference, search, places[i].second, measured[i]));
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

}  // namespace mlqc
