// The agreement on the best label within the class where it is lowest. A class is what the reference calls
// so; those with fewer than `least_of_class` samples say nothing.
#include "compiler/validate/metric.h"
#include "compiler/validate/ranking.h"

namespace mlqc {

namespace {

// The class, from 1, negative where the candidate disagrees: see Summary::worst_class.
double sample(const mlq::Feature& output, const mlq::Array& reference, const mlq::Array& candidate) {
  const std::optional<Best> best = best_of(output, reference, candidate);
  if (!best) return 0;
  const auto group = static_cast<double>(best->reference + 1);
  return best->reference == best->candidate ? group : -group;
}

bool applies(const mlq::Feature& output) { return is_ranking(output, 2); }

}  // namespace

const Metric worst_class_agreement{"worst_class_agreement", true, Summary::worst_class, applies, sample};

}  // namespace mlqc
