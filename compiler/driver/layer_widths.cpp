#include "compiler/driver/layer_widths.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "compiler/driver/calibrate.h"
#include "compiler/driver/model_file.h"
#include "compiler/quantize/compensated.h"
#include "compiler/quantize/tensor_data.h"
#include "compiler/support/parallel.h"

namespace mlqc {

namespace {

using mlq::Graph;

// Widths to choose from, and those of them that are measured.
struct Candidates {
  std::vector<QuantizeSettings> all;
  std::vector<std::size_t> measured;
  std::size_t interpolated = 0;  // the damage of the first so many is read off a line through those measured
};

Candidates widths_of(QuantizeSettings settings) {
  Candidates result;
  for (settings.bits = 2; settings.bits <= 8; ++settings.bits) result.all.push_back(settings);
  result.measured = {0, 2, 4};
  result.interpolated = result.all.size();
  return result;
}

// Even grids of ever more levels. An entropy coder gives rare levels long codes, and then no table is worth
// its bytes: the error for a given entropy is least, or nearly so, where levels are as far apart everywhere
// (Gish and Pierce, Asymptotically efficient quantizing, 1968). Four steps a bit.
Candidates grids_of(QuantizeSettings settings) {
  Candidates result;
  settings.algorithm = "linear";
  settings.granularity = "per_tensor";
  for (int quarter = 6; quarter <= 32; ++quarter) {
    settings.levels = static_cast<int>(std::lround(std::exp2(quarter / 4.0)));
    settings.bits = (quarter + 3) / 4;
    if (settings.levels == 8 || settings.levels == 32 || settings.levels == 128)
      result.measured.push_back(result.all.size());
    result.all.push_back(settings);
  }
  result.interpolated = result.all.size();
  // Small layers near the input want more levels than a byte holds: there a table as fine where weights are
  // dense.
  settings.algorithm = "kmeans_lut";
  settings.levels = 0;
  settings.bits = 8;
  result.measured.push_back(result.all.size());
  result.all.push_back(settings);
  return result;
}

// More samples tell the same at more cost: the figure is a mean of smooth values.
constexpr std::size_t most_samples = 24;

// Tensors that each layer's own choice is about, by the layer's name, in the plan's order.
using Places = std::vector<std::pair<std::string, std::vector<std::size_t>>>;

bool takes(const TensorPlan& entry, const QuantizeSettings& settings) {
  return entry.settings.bits == settings.bits && entry.settings.levels == settings.levels &&
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

// What an entropy coder makes of the indices, with a byte and a half for the frequency of a level.
double coded_bytes(const mlq::Tensor& tensor, const TensorPlan& entry) {
  const Floats floats = floats_of(tensor);
  const Quantized made =
      quantized({floats.values, 1, static_cast<std::int64_t>(floats.values.size())}, entry.settings);
  std::array<double, 256> counts{};
  for (const std::uint8_t index : made.indices) ++counts[index];
  double bits = 0;
  for (const double count : counts)
    if (count > 0) bits -= count * std::log2(count / static_cast<double>(made.indices.size())) - 12;
  return std::ceil(bits / 8) + static_cast<double>(made.table.size() + made.scale.size()) * sizeof(float);
}

double packed_bytes(const mlq::Tensor& tensor, const TensorPlan& entry) {
  const auto count = static_cast<double>(mlq::element_count(tensor.shape).value_or(0));
  const bool channels = entry.settings.granularity == "per_channel";
  const double groups =
      channels ? static_cast<double>(tensor.shape[static_cast<std::size_t>(entry.axis)]) : 1;
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
                                            const std::vector<QuantizationPlan>& plans, const Inputs& inputs,
                                            Progress& progress) {
  std::vector<Graph> nearest;
  for (const QuantizationPlan& plan : plans) nearest.push_back(quantize(reference, plan));
  return compensated_alone(reference, plans, std::move(nearest),
                           calibration_of(*inputs.calibration, inputs.graph, progress), calibration_memory);
}

// The damage of each layer (outer) by each of the plans, whose widths are `bits`.
std::vector<std::vector<WidthChoice>> measure_alone(const Graph& reference, const Places& places,
                                                    const std::vector<QuantizationPlan>& plans,
                                                    const std::vector<double>& bits, const Inputs& inputs,
                                                    Progress& progress) {
  const std::vector<CompensatedGraph> alone = rounded_alone(reference, plans, inputs, progress);
  std::vector<ModelMaker> candidates;
  for (const auto& [layer, which] : places)
    for (std::size_t k = 0; k < plans.size(); ++k)
      candidates.push_back([&, k, layer = layer, which = which](int threads) {
        return load_graph(with_layer(reference, alone[k].graph, layer, plans[k], which), threads);
      });
  const Samples samples =
      chosen_samples(*inputs.calibration, spread(inputs.calibration->items.size(), most_samples));
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
  return std::log2(static_cast<double>(level_count(settings)));
}

QuantizationPlan plan_with(const Graph& reference, Manifest manifest, const QuantizeSettings& settings) {
  manifest.quantize.settings.value = settings;
  return plan(reference, manifest);
}

LayerWidths choices_of(const Graph& reference, const Candidates& candidates,
                       const std::vector<QuantizationPlan>& plans, const std::vector<std::size_t>& places,
                       std::vector<WidthChoice> measured, bool coded) {
  LayerWidths widths;
  widths.choices.resize(plans.size());
  const WidthChoice last = measured.back();
  if (candidates.interpolated < plans.size()) measured.pop_back();
  parallel_for(plans.size(), [&](std::size_t c) {
    const double bits = bits_of(candidates.all[c]);
    WidthChoice& choice =
        widths.choices[c] = {bits, 0, c < candidates.interpolated ? damage_at(measured, bits) : last.damage};
    for (const std::size_t place : places) {
      const TensorPlan& entry = plans[c][place];
      const mlq::Tensor& tensor = reference.tensors[static_cast<std::size_t>(entry.tensor)];
      choice.bytes += !takes(entry, candidates.all[c]) ? static_cast<double>(tensor.data->bytes.size())
                      : coded                          ? coded_bytes(tensor, entry)
                                                       : packed_bytes(tensor, entry);
    }
  });
  return widths;
}

}  // namespace

NamedWidths measure_widths(const Manifest& manifest, const Inputs& inputs, const Graph& reference,
                           Progress& progress) {
  const QuantizeSection& section = manifest.quantize;
  NamedWidths result;
  const bool coded = section.storage.value == "coded" && section.settings->granularity != "per_channel" &&
                     section.settings->algorithm != "custom_lut";
  const Candidates candidates = coded ? grids_of(section.settings.value) : widths_of(section.settings.value);
  result.settings = candidates.all;
  std::vector<QuantizationPlan> plans, tried;
  for (const QuantizeSettings& settings : candidates.all)
    plans.push_back(plan_with(reference, manifest, settings));
  const Places places = free_places(plans[0], plans[2], candidates);
  if (places.empty()) return result;
  std::vector<double> bits;
  for (const std::size_t c : candidates.measured) {
    tried.push_back(plans[c]);
    bits.push_back(bits_of(candidates.all[c]));
  }
  const auto measured = measure_alone(reference, places, tried, bits, inputs, progress);
  for (std::size_t i = 0; i < places.size(); ++i) {
    result.names.push_back(places[i].first);
    result.layers.push_back(choices_of(reference, candidates, plans, places[i].second, measured[i], coded));
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
