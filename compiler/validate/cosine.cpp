// Cosine of the angle between the outputs as vectors: 1 where they point the same way, whatever their
// lengths.
#include <algorithm>
#include <cmath>

#include "compiler/validate/metric.h"

namespace mlqc {

namespace {

double sample(const mlq::Feature& output, const mlq::Array& reference, const mlq::Array& candidate) {
  const std::vector<double> ours = user_values(output, reference), theirs = user_values(output, candidate);
  double product = 0, left = 0, right = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    product += ours[i] * theirs[i];
    left += ours[i] * ours[i];
    right += theirs[i] * theirs[i];
  }
  // A vector of zeros has no direction: it agrees with another one, and with nothing else.
  if (left == 0 || right == 0) return left == right;
  return std::min(product / std::sqrt(left * right), 1.0);  // in this order: NaN stays
}

}  // namespace

const Metric cosine{"cosine", true, Summary::mean, is_numbers, sample};

}  // namespace mlqc
