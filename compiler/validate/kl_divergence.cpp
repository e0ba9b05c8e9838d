// The Kullback-Leibler divergence of the candidate's scores from the reference's, in nats: sum p log(p / q).
// Scores that are no probabilities (negative, or with another sum than 1) go through softmax first. It sees a
// model drift long before a label flips. What the candidate holds impossible counts as one in 10^12.
#include <algorithm>
#include <cmath>

#include "compiler/validate/metric.h"
#include "compiler/validate/probabilities.h"

namespace mlqc {

namespace {

constexpr double least = 1e-12;

double sample(const mlq::Feature& output, const mlq::Array& reference, const mlq::Array& candidate) {
  std::vector<double> ours = user_values(output, reference), theirs = user_values(output, candidate);
  if (ours.empty()) return 0;
  to_probabilities(ours);
  to_probabilities(theirs);
  double sum = 0;
  for (std::size_t i = 0; i < ours.size(); ++i)
    if (std::isnan(ours[i]) || std::isnan(theirs[i]))
      return std::nan("");
    else if (ours[i] > 0)
      sum += ours[i] * std::log(ours[i] / std::max(theirs[i], least));
  return sum < 0 ? 0 : sum;  // rounding
}

bool applies(const mlq::Feature& output) { return is_ranking(output, 2); }

}  // namespace

const Metric kl_divergence{"kl_divergence", false, Summary::mean, applies, sample};

}  // namespace mlqc
