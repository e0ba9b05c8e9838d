#include "compiler/driver/class_importance.h"

#include <algorithm>

#include "compiler/driver/model_file.h"
#include "compiler/quantize/classes.h"
#include "compiler/support/error.h"
#include "compiler/support/parallel.h"
#include "compiler/validate/metric.h"
#include "compiler/validate/probabilities.h"

namespace mlqc {

namespace {

constexpr double unseen = 0.5;

std::vector<double> probabilities(const mlq::Model& model, const Calibration& calibration, std::size_t sample,
                                  std::size_t output) {
  const std::vector<mlq::Array> arrays = calibration.sample(sample);
  std::vector<mlq::View> inputs;
  for (const mlq::Array& array : arrays) inputs.push_back(array.view());
  const auto outputs = model.predict(inputs);
  if (!outputs) throw Error(Exit::model, {{}, "calibration: " + outputs.error(), "MLQ391", "", {}});
  std::vector<double> scores = user_values(model.graph().outputs[output], (*outputs)[output]);
  if (!scores.empty()) to_probabilities(scores);
  return scores;
}

bool is_per_class(const TensorPlan& entry) { return entry.settings.granularity == "per_class"; }

}  // namespace

std::vector<float> class_importance(const mlq::Graph& reference, const Calibration& calibration) {
  const std::optional<ClassLayer> layer = class_layer(reference);
  if (!layer) return {};
  const mlq::Model model = load_graph(reference, 1);
  std::vector<std::vector<double>> all(calibration.count);
  parallel_for(all.size(),
               [&](std::size_t i) { all[i] = probabilities(model, calibration, i, layer->output); });
  std::vector<double> sums;
  double total = 0;
  // In their order, so that sums are the same for any number of threads.
  for (const std::vector<double>& each : all) {
    sums.resize(std::max(sums.size(), each.size()));
    for (std::size_t c = 0; c < each.size(); ++c) sums[c] += each[c] * (1 - each[c]);
  }
  for (const double sum : sums) total += sum;
  std::vector<float> importance;
  for (const double sum : sums) {
    const double relative = total > 0 ? sum / total * static_cast<double>(sums.size()) : 1;
    importance.push_back(static_cast<float>((unseen + relative) / (unseen + 1)));
  }
  return importance;
}

void set_importance(QuantizationPlan& plan, const std::vector<float>& importance) {
  for (TensorPlan& entry : plan)
    if (is_per_class(entry)) entry.importance = importance;
}

QuantizationPlan weighed_plan(const mlq::Graph& reference, const Manifest& manifest,
                              const Calibration& calibration) {
  QuantizationPlan result = plan(reference, manifest);
  if (calibration.count > 0 && std::ranges::any_of(result, is_per_class))
    set_importance(result, class_importance(reference, calibration));
  return result;
}

}  // namespace mlqc
