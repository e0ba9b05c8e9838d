// The share of a mask's pixels that both models put into the same class.
#include <cmath>

#include "compiler/validate/metric.h"
#include "compiler/validate/planes.h"

namespace mlqc {

namespace {

double sample(const mlq::Feature& output, const mlq::Array& reference, const mlq::Array& candidate) {
  const auto planes = planes_of(reference.shape);
  if (!planes) return std::nan("");
  const auto ours = classes_of(*planes, user_values(output, reference)),
             theirs = classes_of(*planes, user_values(output, candidate));
  std::size_t same = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) same += ours[i] == theirs[i];
  return static_cast<double>(same) / static_cast<double>(ours.size());
}

}  // namespace

const Metric pixel_agreement{"pixel_agreement", true, Summary::mean, is_planes, sample};

}  // namespace mlqc
