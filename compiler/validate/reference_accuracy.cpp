// The share of samples whose true label the float model finds: what `accuracy` is to be compared with.
#include "compiler/validate/metric.h"
#include "compiler/validate/ranking.h"

namespace mlqc {

namespace {

double sample(const mlq::Feature& output, const mlq::Array& reference, const mlq::Array& candidate,
              std::int64_t truth) {
  const std::optional<Best> best = best_of(output, reference, candidate);
  return best && best->reference == truth;
}

bool applies(const mlq::Feature& output) {
  return output.kind == mlq::FeatureKind::scores && is_ranking(output, 2);
}

}  // namespace

const Metric reference_accuracy{"reference_accuracy", true, Summary::hits, applies, nullptr, sample};

}  // namespace mlqc
