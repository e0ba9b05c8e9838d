// How far a candidate's output is from the reference's. Adding a metric is one file, its test and one row in
// metrics.cpp.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "mlq/graph.h"
#include "mlq/model.h"

namespace mlqc {

// A figure over all samples with its 95 % interval (equal to the value where the metric has none).
struct Measurement {
  double value = 0, lower = 0, upper = 0;
  std::size_t n = 0;
};

struct Metric {
  std::string_view name;  // as in the manifest, and the name of the file
  bool higher_is_better;
  bool is_ratio;  // of hits to samples: has a Wilson interval, `confidence` makes sense
  // Which outputs it can judge.
  bool (*applies)(const mlq::Feature& output);
  // One sample: 1 or 0 for ratios, the figure itself otherwise (may be infinite where both are equal).
  double (*sample)(const mlq::Array& reference, const mlq::Array& candidate);
};

std::span<const Metric> metrics();
const Metric* find_metric(std::string_view name);

// Mean over the samples (of ratios: hits / n with its Wilson interval at `confidence`, two-sided). Infinite
// samples of decibel metrics count as 200 dB.
Measurement summarize(const Metric& metric, std::span<const double> samples, double confidence = 0.95);

// Wilson score interval (Wilson 1927, JASA 22), two-sided.
Measurement wilson(std::size_t hits, std::size_t n, double confidence = 0.95);

}  // namespace mlqc
