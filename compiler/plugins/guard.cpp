#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "compiler/plugins/board.h"
#include "compiler/plugins/plugins.h"
#include "compiler/plugins/thrown.h"

namespace mlqc {

namespace {

using mlq::DataType;
using mlq::Failure;
using mlq::LayerInput;
using mlq::LayerOutput;
using mlq::Shape;

// A NaN that arithmetic does not make: where it is still there afterwards, nothing was written.
constexpr std::uint32_t untouched = 0x7fc0dead;

bool has_nan(std::span<const float> values) {
  return std::any_of(values.begin(), values.end(), [](float value) { return std::isnan(value); });
}

mlq::Status check_output(const LayerOutput& output, std::size_t index) {
  const auto values = output.floats();
  const auto bad = std::find_if(values.begin(), values.end(), [](float value) { return std::isnan(value); });
  if (bad == values.end()) return {};
  const bool unwritten = std::bit_cast<std::uint32_t>(*bad) == untouched;
  return Failure{fmt::format("it {} element {} of output {}, which has the shape {}",
                             unwritten ? "did not write" : "wrote NaN into", bad - values.begin(), index + 1,
                             mlq::to_string(output.shape))};
}

class Guarded final : public mlq::CustomLayer {
 public:
  Guarded(const mlq::CustomClass& plain, std::string_view layer)
      : what_(fmt::format("layer '{}' of class {}", layer, plain.name)) {
    made_ = call("constructor", [&]() -> mlq::Status {
      layer_ = plain.create(layer);
      return layer_ ? mlq::Status() : Failure{"could not be made"};
    });
  }
  ~Guarded() override {
    const OnBoard note(what_, "destructor");
    layer_.reset();
  }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  mlq::Status init_with_parameters(const mlq::Parameters& parameters) override {
    if (!made_) return made_;
    return call("init_with_parameters", [&] { return layer_->init_with_parameters(parameters); });
  }

  mlq::Status set_weight_data(std::span<const LayerInput> weights) override {
    return call("set_weight_data", [&] { return layer_->set_weight_data(weights); });
  }

  mlq::Result<std::vector<Shape>> output_shapes_for_input_shapes(std::span<const Shape> inputs) override {
    return call("output_shapes_for_input_shapes",
                [&] { return layer_->output_shapes_for_input_shapes(inputs); });
  }

  mlq::Status evaluate_on_cpu(std::span<const LayerInput> inputs,
                              std::span<const LayerOutput> outputs) override {
    for (const LayerOutput& output : outputs)
      if (output.type == DataType::float32)
        std::fill(output.floats().begin(), output.floats().end(), std::bit_cast<float>(untouched));
    const mlq::Status status =
        call("evaluate_on_cpu", [&] { return layer_->evaluate_on_cpu(inputs, outputs); });
    if (!status) return status;
    const bool excused = std::any_of(inputs.begin(), inputs.end(), [](const LayerInput& input) {
      return input.type == DataType::float32 && has_nan(input.floats());
    });
    for (std::size_t i = 0; i < outputs.size() && !excused; ++i)
      if (outputs[i].type == DataType::float32)
        if (mlq::Status bad = check_output(outputs[i], i); !bad) return bad;
    return {};
  }

 private:
  // What it throws is a failure.
  template <class Body>
  auto call(const char* method, const Body& body) -> decltype(body()) {
    const OnBoard note(what_, method);
    try {
      return body();
    } catch (...) {
      return Failure{fmt::format("{} {}", method, words_of_exception())};
    }
  }

  std::string what_;
  mlq::Status made_;
  std::unique_ptr<mlq::CustomLayer> layer_;
};

}  // namespace

mlq::CustomClass guarded(mlq::CustomClass plain) {
  std::string name = plain.name;
  return {std::move(name),
          [plain = std::move(plain)](std::string_view layer) -> std::unique_ptr<mlq::CustomLayer> {
            return std::make_unique<Guarded>(plain, layer);
          }};
}

}  // namespace mlqc
