#include "compiler/validate/probabilities.h"

#include <algorithm>
#include <cmath>

namespace mlqc {

namespace {

double sum_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum;
}

}  // namespace

void to_probabilities(std::vector<double>& scores) {
  const double sum = sum_of(scores);
  if (std::ranges::all_of(scores, [](double v) { return v >= 0; }) && std::abs(sum - 1) < 1e-3) {
    for (double& score : scores) score /= sum;
    return;
  }
  const double top = *std::ranges::max_element(scores);
  for (double& score : scores) score = std::exp(score - top);
  const double total = sum_of(scores);
  for (double& score : scores) score /= total;
}

}  // namespace mlqc
