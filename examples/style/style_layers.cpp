#include "style_layers.h"

#include <algorithm>

namespace app {

namespace {

constexpr std::int64_t border = 2;

}  // namespace

mlq::Result<std::vector<mlq::Shape>> ResCropBlock::output_shapes_for_input_shapes(
    std::span<const mlq::Shape> inputs) {
  if (inputs.size() != 1 || inputs[0].size() != 4) return mlq::Failure{"the input is one [N, C, H, W]"};
  mlq::Shape shape = inputs[0];
  for (std::size_t axis : {2, 3}) {
    if (shape[axis] < 0) continue;  // not known yet
    if (shape[axis] < 2 * border) return mlq::Failure{"nothing is left of " + mlq::to_string(inputs[0])};
    shape[axis] -= 2 * border;
  }
  return std::vector<mlq::Shape>{shape};
}

mlq::Status ResCropBlock::evaluate_on_cpu(std::span<const mlq::LayerInput> inputs,
                                          std::span<const mlq::LayerOutput> outputs) {
  const mlq::Shape& from = inputs[0].shape;
  const mlq::Shape& to = outputs[0].shape;
  const float* x = inputs[0].floats().data();
  float* y = outputs[0].floats().data();
  for (std::int64_t plane = 0; plane < from[0] * from[1]; ++plane, x += from[2] * from[3])
    for (std::int64_t row = 0; row < to[2]; ++row, y += to[3])
      std::copy_n(x + (row + border) * from[3] + border, to[3], y);
  return {};
}

mlq::Status RescaleOutput::evaluate_on_cpu(std::span<const mlq::LayerInput> inputs,
                                           std::span<const mlq::LayerOutput> outputs) {
  const auto x = inputs[0].floats();
  std::transform(x.begin(), x.end(), outputs[0].floats().begin(),
                 [](float value) { return (value + 1) * 127.5f; });
  return {};
}

}  // namespace app
