#include "swish.h"

#include <cmath>

namespace app {

mlq::Status Swish::init_with_parameters(const mlq::Parameters& parameters) {
  beta_ = static_cast<float>(mlq::number_of(parameters, "beta", 1));
  return {};
}

mlq::Status Swish::evaluate_on_cpu(std::span<const mlq::LayerInput> inputs,
                                   std::span<const mlq::LayerOutput> outputs) {
  const auto x = inputs[0].floats();
  const auto y = outputs[0].floats();
  for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[i] / (1 + std::exp(-beta_ * x[i]));
  return {};
}

}  // namespace app
