// The largest difference of any number in any sample.
#include <cmath>

#include "compiler/validate/metric.h"

namespace mlqc {

namespace {

double sample(const mlq::Feature& output, const mlq::Array& reference, const mlq::Array& candidate) {
  const std::vector<double> ours = user_values(output, reference), theirs = user_values(output, candidate);
  double largest = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    if (ours[i] == theirs[i]) continue;  // equal infinities, too
    const double error = std::abs(ours[i] - theirs[i]);
    if (!(error <= largest)) largest = error;
    if (std::isnan(error)) break;
  }
  return largest;
}

}  // namespace

const Metric max_abs_error{"max_abs_error", false, Summary::worst, is_numbers, sample};

}  // namespace mlqc
