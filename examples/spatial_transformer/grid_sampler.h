// The sampler of spatial transformer networks (Jaderberg et al., 2015): a picture read at the points of a
// grid.
#pragma once

#include <mlq/custom_layer.h>

namespace app {

// Inputs: pictures [N, C, H, W], and for each the points, [N, 2 * output_height * output_width, ...]: all x,
// then all y, in -1..1 from the first pixel's centre to the last's. Output: [N, C, output_height,
// output_width]. Values between pixels are bilinear; outside there is nothing, 0.
class GridSampler final : public mlq::CustomLayer {
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
