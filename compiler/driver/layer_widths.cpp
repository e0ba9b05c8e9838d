#include "compiler/driver/layer_widths.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "compiler/driver/calibrate.h"
#include "compiler/driver/model_file.h"
#include "compiler/quantize/compensated.h"

namespace mlqc {

namespace {

using mlq::Graph;

constexpr int narrowest = 2, widest = 8;
const std::vector<int> measured_bits = {2, 4, 6};
// More samples tell the same at more cost: the figure is a mean of smooth values.
constexpr std::size_t most_samples = 24;

// Tensors that each layer's own choice is about, by the layer's name, in the plan's order.
using Places = std::vector<std::pair<std::string, std::vector<std::size_t>>>;

bool takes(const TensorPlan& entry, int bits) { return entry.settings.bits == bits; }

// A tensor is free where its bits follow the manifest's.
Places free_places(const QuantizationPlan& narrow, const QuantizationPlan& next) {
  Places places;
  std::map<std::string, std::size_t> known;
  for (std::size_t i = 0; i < narrow.size(); ++i) {
    if (!takes(narrow[i], narrowest) || !takes(next[i], narrowest + 1)) continue;
    const auto [found, fresh] = known.emplace(narrow[i].layer, places.size());
    if (fresh) places.push_back({narrow[i].layer, {}});
    places[found->second].second.push_back(i);
  }
  return places;
}

double planned_bytes(const mlq::Tensor& tensor, const TensorPlan& entry) {
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

std::vector<std::size_t> spread(std::size_t count, std::size_t most) {
  const std::size_t used = std::min(count, most);
  std::vector<std::size_t> which;
  for (std::size_t i = 0; i < used; ++i) which.push_back(i * count / used);
  return which;
}

// The damage of each layer (outer) at each of the measured widths.
std::vector<std::vector<WidthChoice>> measure_alone(const Graph& reference, const Places& places,
                                                    const std::vector<QuantizationPlan>& plans,
                                                    const Inputs& inputs, Progress& progress) {
  const std::vector<CompensatedGraph> alone = rounded_alone(reference, plans, inputs, progress);
  std::vector<ModelMaker> candidates;
  for (const auto& [layer, which] : places)
    for (std::size_t k = 0; k < measured_bits.size(); ++k)
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
    result[i / measured_bits.size()].push_back(
        {measured_bits[i % measured_bits.size()], 0, damage_of(measured[i])});
  return result;
}

}  // namespace

Manifest with_bits(Manifest manifest, int bits) {
  manifest.quantize.settings.value.bits = bits;
  return manifest;
}

NamedWidths measure_widths(const Manifest& manifest, const Inputs& inputs, const Graph& reference,
                           Progress& progress) {
  std::map<int, QuantizationPlan> plans;
  for (int bits = narrowest; bits <= widest; ++bits) plans[bits] = plan(reference, with_bits(manifest, bits));
  const Places places = free_places(plans[narrowest], plans[narrowest + 1]);
  NamedWidths result;
  if (places.empty()) return result;
  std::vector<QuantizationPlan> tried;
  for (const int bits : measured_bits) tried.push_back(plans[bits]);
  const auto measured = measure_alone(reference, places, tried, inputs, progress);
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto& [layer, which] = places[i];
    LayerWidths widths;
    for (int bits = narrowest; bits <= widest; ++bits) {
      WidthChoice choice{bits, 0, damage_at(measured[i], bits)};
      for (const std::size_t place : which) {
        const TensorPlan& entry = plans[bits][place];
        const mlq::Tensor& tensor = reference.tensors[static_cast<std::size_t>(entry.tensor)];
        choice.bytes += takes(entry, bits) ? planned_bytes(tensor, entry)
                                           : static_cast<double>(tensor.data->bytes.size());
      }
      widths.choices.push_back(choice);
    }
    result.names.push_back(layer);
    result.layers.push_back(std::move(widths));
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
