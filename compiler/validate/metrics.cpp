// The table of metrics and what they share.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <set>

#include "compiler/validate/metric.h"
#include "compiler/validate/ranking.h"
#include "compiler/validate/statistics.h"

namespace mlqc {

namespace {

template <class T>
void append(const mlq::Array& array, std::vector<double>& out) {
  for (std::size_t at = 0; at + sizeof(T) <= array.bytes.size(); at += sizeof(T)) {
    T value;
    std::memcpy(&value, &array.bytes[at], sizeof value);
    out.push_back(static_cast<double>(value));
  }
}

void append_halves(const mlq::Array& array, std::vector<double>& out) {
  std::vector<float> floats(array.bytes.size() / 2);
  mlq::Tensor tensor;
  tensor.type = mlq::DataType::float16;
  tensor.shape = {static_cast<std::int64_t>(floats.size())};
  tensor.data = mlq::Data{array.bytes, nullptr};
  const mlq::Status done = mlq::dequantize(tensor, floats);
  if (!done) floats.assign(floats.size(), std::numeric_limits<float>::quiet_NaN());
  out.assign(floats.begin(), floats.end());
}

double mean(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double worst(std::span<const double> values, bool higher_is_better) {
  if (std::ranges::any_of(values, [](double v) { return std::isnan(v); }))
    return std::numeric_limits<double>::quiet_NaN();
  return higher_is_better ? std::ranges::min(values) : std::ranges::max(values);
}

Measurement none_at_all() {
  const double none = std::numeric_limits<double>::quiet_NaN();
  return {none, none, none, 0};
}

// Of classes with enough samples, the one with the lowest share of hits.
Measurement lowest_class(std::span<const double> samples, double confidence) {
  std::map<double, ClassAgreement> classes;
  for (const double figure : samples) {
    if (figure == 0) return none_at_all();  // scores that are no numbers belong to no class
    ClassAgreement& of = classes[std::abs(figure)];
    ++of.n;
    of.agreed += figure > 0;
  }
  Ranking ranking;
  for (const auto& [place, figures] : classes) ranking.classes.push_back(figures);
  const ClassAgreement* worst = worst_class(ranking);
  return worst ? wilson(worst->agreed, worst->n, confidence) : none_at_all();
}

std::vector<Metric>& table() {
  static std::vector<Metric> all = {top1_agreement,
                                    top5_agreement,
                                    worst_class_agreement,
                                    accuracy,
                                    reference_accuracy,
                                    kl_divergence,
                                    snr_db,
                                    psnr_db,
                                    ssim,
                                    cosine,
                                    max_abs_error,
                                    mean_abs_error,
                                    iou,
                                    pixel_agreement,
                                    mean_average_precision,
                                    key_point_distance};
  return all;
}

}  // namespace

std::span<const Metric> metrics() { return table(); }

void set_own_metrics(std::vector<Metric> own) {
  static const std::size_t built_in = table().size();
  static std::set<std::string, std::less<>> names;  // reports outlive the manifest that the names come from
  table().resize(built_in);
  for (Metric& metric : own) {
    metric.name = *names.emplace(metric.name).first;
    table().push_back(std::move(metric));
  }
}

const Metric* find_metric(std::string_view name) {
  const auto found = std::ranges::find(metrics(), name, &Metric::name);
  return found == metrics().end() ? nullptr : &*found;
}

Measurement summarize(const Metric& metric, std::span<const double> samples, double confidence) {
  if (samples.empty()) return none_at_all();
  if (metric.summary == Summary::hits)
    return wilson(static_cast<std::size_t>(std::ranges::count(samples, 1.0)), samples.size(), confidence);
  if (metric.summary == Summary::worst_class) return lowest_class(samples, confidence);
  const double value =
      metric.summary == Summary::mean ? mean(samples) : worst(samples, metric.higher_is_better);
  return {value, value, value, samples.size()};
}

Measurement wilson(std::size_t hits, std::size_t n, double confidence) {
  const double share = static_cast<double>(hits) / static_cast<double>(n);
  const Bounds bounds = wilson_bounds(share, static_cast<double>(n), confidence);
  return {share, bounds.lower, bounds.upper, n};
}

std::vector<double> user_values(const mlq::Feature& output, const mlq::Array& array) {
  std::vector<double> values;
  values.reserve(array.bytes.size() / mlq::size_of(array.type));
  switch (array.type) {
    case mlq::DataType::float32:
      append<float>(array, values);
      break;
    case mlq::DataType::float16:
      append_halves(array, values);
      break;
    case mlq::DataType::float64:
      append<double>(array, values);
      break;
    case mlq::DataType::int8:
      append<std::int8_t>(array, values);
      break;
    case mlq::DataType::int16:
      append<std::int16_t>(array, values);
      break;
    case mlq::DataType::int32:
      append<std::int32_t>(array, values);
      break;
    case mlq::DataType::int64:
      append<std::int64_t>(array, values);
      break;
    case mlq::DataType::boolean:
    case mlq::DataType::uint8:
      append<std::uint8_t>(array, values);
      break;
    case mlq::DataType::uint16:
      append<std::uint16_t>(array, values);
      break;
    case mlq::DataType::uint32:
      append<std::uint32_t>(array, values);
      break;
    case mlq::DataType::uint64:
      append<std::uint64_t>(array, values);
      break;
  }
  if (output.kind == mlq::FeatureKind::image)
    for (double& value : values) value = std::clamp(std::nearbyint(value), 0.0, 255.0);  // NaN stays NaN
  return values;
}

bool is_ranking(const mlq::Feature& output, std::int64_t at_least) {
  if (output.kind != mlq::FeatureKind::scores && output.kind != mlq::FeatureKind::tensor) return false;
  const auto longer = std::ranges::count_if(output.shape, [](std::int64_t d) { return d != 1; });
  return longer == 1 && std::ranges::any_of(output.shape, [&](std::int64_t d) { return d >= at_least; });
}

bool is_numbers(const mlq::Feature& output) { return output.kind != mlq::FeatureKind::label; }

Power power(std::span<const double> reference, std::span<const double> candidate) {
  Power sums;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const double value = reference[i], difference = value - candidate[i];
    if (std::isinf(value) && value == candidate[i]) continue;
    sums.signal += value * value;
    sums.noise += difference * difference;
  }
  if (!std::isfinite(sums.noise)) sums.noise = std::numeric_limits<double>::quiet_NaN();
  return sums;
}

double decibels(double signal, double noise) {
  if (std::isnan(signal) || std::isnan(noise)) return std::numeric_limits<double>::quiet_NaN();
  if (noise == 0) return 200;
  return std::clamp(10 * std::log10(signal / noise), -200.0, 200.0);
}

}  // namespace mlqc
