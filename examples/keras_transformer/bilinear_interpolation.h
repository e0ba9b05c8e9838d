// The layer of spatial transformer networks (Jaderberg et al., 2015) as Keras nets have it: a picture read at
// the points of a grid that an affine map places.
#pragma once

#include <mlq/custom_layer.h>

namespace app {

// Inputs: pictures [N, H, W, C], channels last as in Keras, and for each the six numbers a b c d e f of
// x = a u + b v + c, y = d u + e v + f. The points (u, v) of the output, and x and y, are in -1..1 from the
// first pixel's centre to the last's. Output: [N, output_height, output_width, C]. Values between pixels are
// bilinear; outside there is nothing, 0.
class BilinearInterpolation final : public mlq::CustomLayer {
 public:
  mlq::Status init_with_parameters(const mlq::Parameters& parameters) override;
  mlq::Result<std::vector<mlq::Shape>> output_shapes_for_input_shapes(
      std::span<const mlq::Shape> inputs) override;
  mlq::Status evaluate_on_cpu(std::span<const mlq::LayerInput> inputs,
                              std::span<const mlq::LayerOutput> outputs) override;

 private:
  std::int64_t height_ = 0, width_ = 0;
};

}  // namespace app
