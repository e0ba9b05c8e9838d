#include "compiler/driver/own_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "compiler/plugins/plugins.h"
#include "compiler/support/error.h"
#include "compiler/validate/metric.h"

namespace mlqc {

namespace {

Summary summary_of(const std::string& word) {
  if (word == "share") return Summary::hits;
  return word == "worst" ? Summary::worst : Summary::mean;
}

Metric declared(const OwnMetricSection& section) {
  Metric metric{section.name.value, section.higher_is_better, summary_of(section.over_samples), is_numbers,
                nullptr};
  metric.own = [](const mlq::Feature&, const mlq::Array&, const mlq::Array&) {
    return std::numeric_limits<double>::quiet_NaN();
  };
  return metric;
}

}  // namespace

void use_own_metrics(const Manifest& manifest) {
  std::vector<Metric> own;
  for (const OwnMetricSection& section : manifest.metrics) own.push_back(declared(section));
  set_own_metrics(std::move(own));
}

void use_own_metrics(const Manifest& manifest, std::span<const mlq::PluginMetric> functions) {
  std::vector<Metric> own;
  for (const OwnMetricSection& section : manifest.metrics) {
    const auto found = std::ranges::find(functions, section.name.value, &mlq::PluginMetric::name);
    if (found == functions.end())
      throw Error(Exit::usage, {section.where,
                                fmt::format("the metric '{}' has no code", section.name.value),
                                "MLQ314",
                                "give its source to the build, mlq_add_model(... METRICS file.cpp), or the "
                                "built module to mlqc, --plugin FILE",
                                {}});
    Metric metric = declared(section);
    metric.own = [function = *found](const mlq::Feature& output, const mlq::Array& reference,
                                     const mlq::Array& candidate) {
      return call_metric(function, output, user_values(output, reference), user_values(output, candidate));
    };
    own.push_back(std::move(metric));
  }
  set_own_metrics(std::move(own));
}

}  // namespace mlqc
