// The share of samples whose true label the quantized model finds. Agreement cannot see a model that was
// wrong from the start; this does.
#include "compiler/validate/metric.h"
#include "compiler/validate/ranking.h"

namespace mlqc {

namespace {

double sample(const mlq::Feature& output, const mlq::Array& reference, const mlq::Array& candidate,
              std::int64_t truth) {
  const std::optional<Best> best = best_of(output, reference, candidate);
  return best && best->candidate == truth;
}

bool applies(const mlq::Feature& output) {
  return output.kind == mlq::FeatureKind::scores && is_ranking(output, 2);
}

}  // namespace

const Metric accuracy{"accuracy", true, Summary::hits, applies, nullptr, sample};

}  // namespace mlqc
