#include "bilinear_interpolation.h"

#include <cmath>

namespace app {

namespace {

// The k-th of n points from -1 to 1.
float along(std::int64_t k, std::int64_t n) {
  return n == 1 ? 0 : 2 * static_cast<float>(k) / static_cast<float>(n - 1) - 1;
}

struct Picture {
  const float* pixels;
  std::int64_t height, width, channels;

  float at(std::int64_t y, std::int64_t x, std::int64_t c) const {
    return y < 0 || y >= height || x < 0 || x >= width ? 0 : pixels[(y * width + x) * channels + c];
  }

  // All channels at a point in -1..1.
  void sample(float u, float v, float* out) const {
    const float x = (u + 1) * 0.5f * static_cast<float>(width - 1);
    const float y = (v + 1) * 0.5f * static_cast<float>(height - 1);
    // Points far outside, and NaN, would not fit an integer.
    const bool inside = x > -1 && x < static_cast<float>(width) && y > -1 && y < static_cast<float>(height);
    const float left = inside ? std::floor(x) : 0, top = inside ? std::floor(y) : 0;
    const float fx = x - left, fy = y - top;
    const auto ix = static_cast<std::int64_t>(left), iy = static_cast<std::int64_t>(top);
    for (std::int64_t c = 0; c < channels; ++c) {
      const float above = at(iy, ix, c) * (1 - fx) + at(iy, ix + 1, c) * fx;
      const float below = at(iy + 1, ix, c) * (1 - fx) + at(iy + 1, ix + 1, c) * fx;
      out[c] = inside ? above * (1 - fy) + below * fy : 0;
    }
  }
};

}  // namespace

mlq::Status BilinearInterpolation::init_with_parameters(const mlq::Parameters& parameters) {
  height_ = mlq::integer_of(parameters, "output_height", 0);
  width_ = mlq::integer_of(parameters, "output_width", 0);
  if (height_ <= 0 || width_ <= 0) return mlq::Failure{"output_height and output_width must be positive"};
  return {};
}

mlq::Result<std::vector<mlq::Shape>> BilinearInterpolation::output_shapes_for_input_shapes(
    std::span<const mlq::Shape> inputs) {
  if (inputs.size() != 2 || inputs[0].size() != 4 || inputs[1].empty())
    return mlq::Failure{"the inputs are pictures [N, H, W, C] and six numbers for each"};
  const auto numbers = mlq::element_count(inputs[1]);
  if (numbers && inputs[0][0] >= 0 && *numbers != inputs[0][0] * 6)
    return mlq::Failure{"the second input, " + mlq::to_string(inputs[1]) +
                        ", has not six numbers for each picture"};
  return std::vector<mlq::Shape>{{inputs[0][0], height_, width_, inputs[0][3]}};
}

mlq::Status BilinearInterpolation::evaluate_on_cpu(std::span<const mlq::LayerInput> inputs,
                                                   std::span<const mlq::LayerOutput> outputs) {
  const mlq::Shape& shape = inputs[0].shape;
  float* out = outputs[0].floats().data();
  for (std::int64_t n = 0; n < shape[0]; ++n) {
    const Picture picture{inputs[0].floats().data() + n * shape[1] * shape[2] * shape[3], shape[1], shape[2],
                          shape[3]};
    const float* map = inputs[1].floats().data() + 6 * n;
    for (std::int64_t i = 0; i < height_; ++i)
      for (std::int64_t j = 0; j < width_; ++j, out += shape[3]) {
        const float u = along(j, width_), v = along(i, height_);
        picture.sample(map[0] * u + map[1] * v + map[2], map[3] * u + map[4] * v + map[5], out);
      }
  }
  return {};
}

}  // namespace app
