// The activation x * sigmoid(beta * x) (Ramachandran et al., "Searching for Activation Functions", 2017).
#pragma once

#include <mlq/custom_layer.h>

namespace app {

class Swish final : public mlq::CustomLayer {
 public:
  mlq::Status init_with_parameters(const mlq::Parameters& parameters) override;
  mlq::Status evaluate_on_cpu(std::span<const mlq::LayerInput> inputs,
                              std::span<const mlq::LayerOutput> outputs) override;

 private:
  float beta_ = 1;
};

}  // namespace app
