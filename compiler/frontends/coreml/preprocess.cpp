#include "compiler/frontends/coreml/preprocess.h"

#include <algorithm>

#include "compiler/frontends/coreml/network.pb.h"

namespace mlqc::coreml {

namespace {

using mlq::Color;

std::vector<float> biases(const ImageScaler& scaler, Color color) {
  if (color == Color::gray) return {scaler.gray_bias()};
  if (color == Color::bgr) return {scaler.blue_bias(), scaler.green_bias(), scaler.red_bias()};
  return {scaler.red_bias(), scaler.green_bias(), scaler.blue_bias()};
}

// The scale first, then the colour's bias, which is not scaled. Writers always say the scale; where none is
// said, a picture multiplied by zero cannot have been meant.
TensorId scale(Build& b, TensorId x, const ImageScaler& scaler, Color color) {
  const float factor = or_default(scaler.channel_scale(), 1.0f);
  if (factor != 1) x = b.multiply(x, b.number(factor));
  const std::vector<float> bias = biases(scaler, color);
  if (std::all_of(bias.begin(), bias.end(), [](float v) { return v == 0; })) return x;
  return b.add(x, b.floats({static_cast<std::int64_t>(bias.size()), 1, 1}, bias));
}

TensorId subtract_mean(Build& b, TensorId x, const MeanImage& mean) {
  const std::vector<float> values(mean.mean_image().begin(), mean.mean_image().end());
  const Shape shape(b.shape(x).begin() + 1, b.shape(x).end());
  b.require(mlq::element_count(shape) == static_cast<std::int64_t>(values.size()),
            "has a mean image of another size than its input");
  return b.subtract(x, b.floats(shape, values));
}

}  // namespace

TensorId preprocess(Build& b, const NeuralNetwork& network, const std::string& feature, Color color,
                    TensorId pixels, int images) {
  TensorId x = pixels;
  for (const Preprocessing& step : network.preprocessing()) {
    const bool meant = step.feature_name() == feature || (step.feature_name().empty() && images == 1);
    if (!meant) continue;
    if (step.has_scaler()) x = scale(b, x, step.scaler(), color);
    if (step.has_mean_image()) x = subtract_mean(b, x, step.mean_image());
  }
  return x;
}

}  // namespace mlqc::coreml
