// The two layers that this network's maker wrote as lambdas of Keras.
#pragma once

#include <mlq/custom_layer.h>

namespace app {

// Two rows and columns less on each side: x[:, 2:-2, 2:-2] of [N, H, W, C], here of [N, C, H, W].
class ResCropBlock final : public mlq::CustomLayer {
 public:
  mlq::Result<std::vector<mlq::Shape>> output_shapes_for_input_shapes(
      std::span<const mlq::Shape> inputs) override;
  mlq::Status evaluate_on_cpu(std::span<const mlq::LayerInput> inputs,
                              std::span<const mlq::LayerOutput> outputs) override;
};

// From -1..1 to pixels: (x + 1) * 127.5.
class RescaleOutput final : public mlq::CustomLayer {
 public:
  mlq::Status evaluate_on_cpu(std::span<const mlq::LayerInput> inputs,
                              std::span<const mlq::LayerOutput> outputs) override;
};

}  // namespace app
