// Whether candidate and reference agree on the best label, or on the place of the highest score.
#include <algorithm>
#include <cmath>

#include "compiler/validate/metric.h"

namespace mlqc {

namespace {

double sample(const mlq::Feature& output, const mlq::Array& reference, const mlq::Array& candidate) {
  const std::vector<double> ours = user_values(output, reference), theirs = user_values(output, candidate);
  if (output.kind == mlq::FeatureKind::label) return ours == theirs;
  const auto lost = [](double value) { return std::isnan(value); };
  if (ours.empty() || std::ranges::any_of(ours, lost) || std::ranges::any_of(theirs, lost)) return 0;
  return std::ranges::max_element(ours) - ours.begin() == std::ranges::max_element(theirs) - theirs.begin();
}

bool applies(const mlq::Feature& output) {
  return output.kind == mlq::FeatureKind::label || is_ranking(output, 2);
}

}  // namespace

const Metric top1_agreement{"top1_agreement", true, Summary::hits, applies, sample};

}  // namespace mlqc
