#include "grid_sampler.h"

#include <cmath>

namespace app {

namespace {

struct Plane {
  const float* pixels;
  std::int64_t height, width;

  float at(std::int64_t y, std::int64_t x) const {
    return y < 0 || y >= height || x < 0 || x >= width ? 0 : pixels[y * width + x];
  }

  // At a point in -1..1. Points far outside, and NaN, would not fit an integer.
  float sample(float u, float v) const {
    const float x = (u + 1) * 0.5f * static_cast<float>(width - 1);
    const float y = (v + 1) * 0.5f * static_cast<float>(height - 1);
    if (!(x > -1 && x < static_cast<float>(width) && y > -1 && y < static_cast<float>(height))) return 0;
    const float left = std::floor(x), top = std::floor(y), fx = x - left, fy = y - top;
    const auto ix = static_cast<std::int64_t>(left), iy = static_cast<std::int64_t>(top);
    const float above = at(iy, ix) * (1 - fx) + at(iy, ix + 1) * fx;
    const float below = at(iy + 1, ix) * (1 - fx) + at(iy + 1, ix + 1) * fx;
    return above * (1 - fy) + below * fy;
  }
};

}  // namespace

mlq::Status GridSampler::init_with_parameters(const mlq::Parameters& parameters) {
  height_ = mlq::integer_of(parameters, "output_height", 0);
  width_ = mlq::integer_of(parameters, "output_width", 0);
  if (height_ <= 0 || width_ <= 0) return mlq::Failure{"output_height and output_width must be positive"};
  return {};
}

mlq::Result<std::vector<mlq::Shape>> GridSampler::output_shapes_for_input_shapes(
    std::span<const mlq::Shape> inputs) {
  if (inputs.size() != 2 || inputs[0].size() != 4)
    return mlq::Failure{"the inputs are pictures [N, C, H, W] and a grid"};
  const auto points = mlq::element_count(inputs[1]);
  if (points && inputs[0][0] >= 0 && *points != inputs[0][0] * 2 * height_ * width_)
    return mlq::Failure{"the grid has " + mlq::to_string(inputs[1]) + " numbers, not two for each pixel"};
  return std::vector<mlq::Shape>{{inputs[0][0], inputs[0][1], height_, width_}};
}

mlq::Status GridSampler::evaluate_on_cpu(std::span<const mlq::LayerInput> inputs,
                                         std::span<const mlq::LayerOutput> outputs) {
  const mlq::Shape& shape = inputs[0].shape;
  const float* pixels = inputs[0].floats().data();
  float* out = outputs[0].floats().data();
  const std::int64_t points = height_ * width_;
  for (std::int64_t n = 0; n < shape[0]; ++n) {
    const float* u = inputs[1].floats().data() + n * 2 * points;
    for (std::int64_t c = 0; c < shape[1]; ++c, pixels += shape[2] * shape[3], out += points)
      for (std::int64_t i = 0; i < points; ++i)
        out[i] = Plane{pixels, shape[2], shape[3]}.sample(u[i], u[points + i]);
  }
  return {};
}

}  // namespace app
