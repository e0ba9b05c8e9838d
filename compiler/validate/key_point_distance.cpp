// Heat maps, one plane per key point: how far apart the two models' highest places lie, in cells of the map;
// the mean over the planes.
#include <algorithm>
#include <cmath>

#include "compiler/validate/metric.h"
#include "compiler/validate/planes.h"

namespace mlqc {

namespace {

double distance(std::size_t a, std::size_t b, std::size_t width) {
  const std::size_t row_a = a / width, row_b = b / width;
  const double dx = static_cast<double>(a % width) - static_cast<double>(b % width);
  const double dy = static_cast<double>(row_a) - static_cast<double>(row_b);
  return std::hypot(dx, dy);
}

double sample(const mlq::Feature& output, const mlq::Array& reference, const mlq::Array& candidate) {
  const auto planes = planes_of(reference.shape);
  if (!planes) return std::nan("");
  const std::vector<double> ours = user_values(output, reference), theirs = user_values(output, candidate);
  const auto peak = [&](const std::vector<double>& values, std::size_t plane) {
    const auto first = values.begin() + static_cast<std::ptrdiff_t>(plane * planes->size());
    return static_cast<std::size_t>(
        std::max_element(first, first + static_cast<std::ptrdiff_t>(planes->size())) - first);
  };
  double sum = 0;
  for (std::size_t i = 0; i < planes->count; ++i)
    sum += distance(peak(ours, i), peak(theirs, i), planes->width);
  return std::ranges::any_of(theirs, [](double v) { return std::isnan(v); })
             ? std::nan("")
             : sum / static_cast<double>(planes->count);
}

}  // namespace

const Metric key_point_distance{"key_point_distance", false, Summary::mean, is_planes, sample};

}  // namespace mlqc
