// Peak signal to noise ratio in decibels: peak squared to the mean squared difference. The peak of an image
// is 255; of other numbers, which have no nominal range, the reference's largest magnitude in this sample.
#include <algorithm>
#include <cmath>

#include "compiler/validate/metric.h"

namespace mlqc {

namespace {

double peak(const mlq::Feature& output, const std::vector<double>& reference) {
  if (output.kind == mlq::FeatureKind::image) return 255;
  double largest = 0;
  for (const double value : reference)
    if (std::isfinite(value)) largest = std::max(largest, std::abs(value));
  return largest;
}

double sample(const mlq::Feature& output, const mlq::Array& reference, const mlq::Array& candidate) {
  const std::vector<double> ours = user_values(output, reference);
  const double top = peak(output, ours);
  return decibels(top * top * static_cast<double>(ours.size()),
                  power(ours, user_values(output, candidate)).noise);
}

}  // namespace

const Metric psnr_db{"psnr_db", true, Summary::mean, is_numbers, sample};

}  // namespace mlqc
