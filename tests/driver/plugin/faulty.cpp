// A custom layer that does wrong what the parameter `fault` says, as a module for mlqc.
#include <cmath>
#include <cstdlib>
#include <limits>
#include <stdexcept>

#include "mlq/plugin.h"

namespace {

volatile bool forever = true;

int run_over(int depth) {
  volatile char room[4096] = {};
  room[depth % 4096] = 1;
  return depth < 0 ? 0 : run_over(depth + 1) + room[0];
}

class Faulty final : public mlq::CustomLayer {
 public:
  mlq::Status init_with_parameters(const mlq::Parameters& parameters) override {
    fault_ = mlq::text_of(parameters, "fault", "");
    beta_ = static_cast<float>(mlq::number_of(parameters, "beta", 1));
    if (fault_ == "refuse") return mlq::Failure{"no fault of that name"};
    if (fault_ == "throw_early") throw std::runtime_error("too early");
    return {};
  }

  mlq::Result<std::vector<mlq::Shape>> output_shapes_for_input_shapes(
      std::span<const mlq::Shape> inputs) override {
    if (fault_ == "negative") return std::vector<mlq::Shape>{{-3}};
    if (fault_ == "two") return std::vector<mlq::Shape>(2, inputs[0]);
    if (fault_ == "longer") return std::vector<mlq::Shape>{{4}};
    return std::vector<mlq::Shape>{inputs[0]};
  }

  mlq::Status evaluate_on_cpu(std::span<const mlq::LayerInput> inputs,
                              std::span<const mlq::LayerOutput> outputs) override {
    const auto x = inputs[0].floats();
    const auto y = outputs[0].floats();
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[i] / (1 + std::exp(-beta_ * x[i]));
    if (fault_ == "nan") y[1] = std::numeric_limits<float>::quiet_NaN();
    if (fault_ == "throw") throw std::runtime_error("out of ideas");
    if (fault_ == "throw_number") throw 42;
    if (fault_ == "crash") *static_cast<volatile int*>(nullptr) = 1;
    if (fault_ == "abort") std::abort();
    if (fault_ == "stack") run_over(0);
    if (fault_ == "exit") std::exit(7);
    while (fault_ == "loop" && forever) {
    }
    return {};
  }

 private:
  std::string fault_;
  float beta_ = 1;
};

class Lazy final : public mlq::CustomLayer {
  mlq::Status evaluate_on_cpu(std::span<const mlq::LayerInput>, std::span<const mlq::LayerOutput>) override {
    return {};
  }
};

#ifdef MLQ_TEST_LAZY
using Layer = Lazy;
#else
using Layer = Faulty;
#endif

constexpr mlq::PluginClass classes[] = {mlq::plugin_class<Layer>("Swish")};

}  // namespace

extern "C" {
extern __attribute__((visibility("default"))) const mlq::Plugin mlq_plugin;
const mlq::Plugin mlq_plugin = {.count = 1, .classes = classes};
}
