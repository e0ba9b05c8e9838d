#include "compiler/driver/output_picture.h"

#include <algorithm>
#include <cstring>

namespace mlqc {

namespace {

constexpr std::int64_t least_side = 16;

}  // namespace

bool is_picture(const mlq::Feature& output) {
  if (output.kind == mlq::FeatureKind::image) return true;
  const std::size_t rank = output.shape.size();
  if (output.kind != mlq::FeatureKind::tensor || output.type != mlq::DataType::float32) return false;
  if (rank != 3 && (rank != 4 || output.shape[0] != 1)) return false;
  const std::int64_t channels = output.shape[rank - 3];
  return (channels == 1 || channels == 3) && output.shape[rank - 2] >= least_side &&
         output.shape[rank - 1] >= least_side;
}

std::optional<std::size_t> picture_output(const mlq::Graph& graph) {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < graph.outputs.size(); ++i) {
    if (graph.outputs[i].kind == mlq::FeatureKind::image) return i;
    if (!found && is_picture(graph.outputs[i])) found = i;
  }
  return found;
}

PictureRange range_of(const mlq::Feature& output, const mlq::Array& reference) {
  const auto values = reference.floats();
  if (output.kind == mlq::FeatureKind::image || values.empty()) return {};
  const auto [low, high] = std::ranges::minmax(values);
  // Networks overshoot the range that they were trained for by a little.
  if (high > 2) return {};
  return low < -0.5f ? PictureRange{127.5f, 127.5f} : PictureRange{255, 0};
}

mlq::Result<mlq::Image> picture_of(const mlq::Feature& output, const mlq::Array& numbers,
                                   const PictureRange& range) {
  if (output.kind == mlq::FeatureKind::image) return mlq::to_image(numbers.view(), output.color);
  std::vector<float> scaled(numbers.floats().begin(), numbers.floats().end());
  for (float& value : scaled) value = value * range.scale + range.shift;
  const bool gray = numbers.shape.size() >= 3 && numbers.shape[numbers.shape.size() - 3] == 1;
  return mlq::to_image({mlq::DataType::float32, numbers.shape, scaled.data()},
                       gray ? mlq::Color::gray : mlq::Color::rgb);
}

}  // namespace mlqc
