#include "compiler/validate/planes.h"

#include <algorithm>

namespace mlqc {

std::optional<Planes> planes_of(const mlq::Shape& shape) {
  const std::size_t rank = shape.size();
  if (rank < 2 || rank > 4 || (rank == 4 && shape[0] != 1)) return std::nullopt;
  if (std::ranges::any_of(shape, [](std::int64_t d) { return d < 1; })) return std::nullopt;
  const auto at = [&](std::size_t from_end) { return static_cast<std::size_t>(shape[rank - from_end]); };
  if (at(1) < 2 || at(2) < 2) return std::nullopt;
  return Planes{rank > 2 ? at(3) : 1, at(2), at(1)};
}

bool is_planes(const mlq::Feature& output) {
  if (output.kind != mlq::FeatureKind::tensor) return false;
  const std::size_t rank = output.shape.size();
  // Dimensions that the model leaves open are known in every sample.
  return rank >= 3 && rank <= 4 && output.shape[rank - 1] != 1 && output.shape[rank - 2] != 1 &&
         (rank == 3 || output.shape[0] == 1 || output.shape[0] == -1);
}

std::vector<std::size_t> classes_of(const Planes& planes, const std::vector<double>& values) {
  std::vector<std::size_t> classes(planes.size());
  for (std::size_t i = 0; i < classes.size(); ++i) {
    if (planes.count == 1) {
      classes[i] = values[i] > 0.5;
      continue;
    }
    for (std::size_t c = 1; c < planes.count; ++c)
      if (values[c * planes.size() + i] > values[classes[i] * planes.size() + i]) classes[i] = c;
  }
  return classes;
}

}  // namespace mlqc
