// The mean difference of all numbers, over all samples.
#include <cmath>

#include "compiler/validate/metric.h"

namespace mlqc {

namespace {

double sample(const mlq::Feature& output, const mlq::Array& reference, const mlq::Array& candidate) {
  const std::vector<double> ours = user_values(output, reference), theirs = user_values(output, candidate);
  double sum = 0;
  for (std::size_t i = 0; i < ours.size(); ++i)
    if (ours[i] != theirs[i]) sum += std::abs(ours[i] - theirs[i]);  // equal infinities are no error
  return ours.empty() ? 0 : sum / static_cast<double>(ours.size());
}

}  // namespace

const Metric mean_abs_error{"mean_abs_error", false, Summary::mean, is_numbers, sample};

}  // namespace mlqc
