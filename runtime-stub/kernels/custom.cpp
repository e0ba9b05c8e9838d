// Custom: layers that the app computes itself (mlq/custom_layer.h).
#include <cstring>

#include "mlq/custom_layer.h"
#include "runtime-stub/kernels/families.h"
#include "runtime-stub/kernels/support.h"

namespace mlq::kernels {
namespace {

constexpr std::size_t max_rank = 16;  // as everywhere

Failure blame(const Call& call, const std::string& what) { return {describe_custom(call.node) + " " + what}; }

Result<std::unique_ptr<CustomLayer>> make_layer(const Call& call) {
  if (!call.node.code || !call.node.code->create)
    return blame(call, "is not supported: there is no code for it");
  auto layer = call.node.code->create(call.node.name);
  if (!layer) return blame(call, "could not be made");
  if (Status status = layer->init_with_parameters(custom_parameters_of(call.node)); !status)
    return blame(call, "does not take its parameters: " + status.error());
  return layer;
}

std::size_t operands(const Call& call) { return call.inputs.size() - custom_weights_of(call.node); }

// What the layer says its outputs will be is believed only where it can be so.
Status check_shapes(const Call& call, const std::vector<Shape>& inputs, const std::vector<Shape>& outputs) {
  if (outputs.size() != call.outputs.size())
    return blame(call, "gives shapes for " + std::to_string(outputs.size()) + " outputs, and has " +
                           std::to_string(call.outputs.size()));
  bool open = false;
  for (const Shape& shape : inputs) open |= !is_known(shape);
  for (const Shape& shape : outputs) {
    bool good = shape.size() <= max_rank;
    for (const std::int64_t dimension : shape) good &= dimension >= (open ? unknown : 0);
    if (!good || (!open && !element_count(shape)))
      return blame(call, "gives the impossible output shape " + to_string(shape));
  }
  return {};
}

DataType type_of(const Call& call, std::size_t output) {
  const auto types = call.node.get_ints("types");
  return output < types.size() ? static_cast<DataType>(types[output]) : DataType::float32;
}

Status infer(Call& call) {
  auto layer = make_layer(call);
  if (!layer) return Failure{layer.error()};
  std::vector<Shape> inputs;
  for (std::size_t i = 0; i < operands(call); ++i) inputs.push_back(call.inputs[i].shape);
  auto shapes = (*layer)->output_shapes_for_input_shapes(inputs);
  if (!shapes) return blame(call, "does not take inputs of these shapes: " + shapes.error());
  if (Status status = check_shapes(call, inputs, *shapes); !status) return status;
  for (std::size_t i = 0; i < shapes->size(); ++i) {
    if (size_of(type_of(call, i)) == 0) return blame(call, "has an output of an unknown type");
    set_output(call, i, type_of(call, i), (*shapes)[i]);
  }
  return {};
}

std::size_t elements(const Value& value) {
  return value.data ? static_cast<std::size_t>(*element_count(value.shape)) : 0;
}

class PreparedCustom final : public Prepared {
 public:
  PreparedCustom(const Call& call, std::unique_ptr<CustomLayer> layer)
      : who_(describe_custom(call.node)), layer_(std::move(layer)) {}

  Status bind(const Call& call) {
    std::vector<LayerInput> weights;
    for (std::size_t i = 0; i < call.inputs.size(); ++i)
      (i < operands(call) ? inputs_ : weights).push_back(input(call.inputs[i]));
    for (const Value& value : call.outputs)
      outputs_.push_back({{value.type, value.shape, value.data, elements(value)}});
    if (Status status = layer_->set_weight_data(weights); !status)
      return blame(call, "does not take its weights: " + status.error());
    return {};
  }

  Status run(void*) override {
    if (Status status = layer_->evaluate_on_cpu(inputs_, outputs_); !status)
      return Failure{who_ + " failed: " + status.error()};
    return {};
  }

 private:
  // Constants may be freed once a node is prepared; the layer may look at them for ever.
  LayerInput input(const Value& value) {
    const void* data = value.data;
    if (value.constant && data) {
      const auto* bytes = static_cast<const std::byte*>(data);
      kept_.emplace_back(bytes, bytes + elements(value) * size_of(value.type));
      data = kept_.back().data();
    }
    return {{value.type, value.shape, data, elements(value)}};
  }

  std::string who_;
  std::vector<std::vector<std::byte>> kept_;
  std::vector<LayerInput> inputs_;
  std::vector<LayerOutput> outputs_;
  std::unique_ptr<CustomLayer> layer_;
};

Result<std::unique_ptr<Prepared>> prepare(const Call& call) {
  auto layer = make_layer(call);
  if (!layer) return Failure{layer.error()};
  auto prepared = std::make_unique<PreparedCustom>(call, std::move(*layer));
  if (Status status = prepared->bind(call); !status) return Failure{status.error()};
  return std::unique_ptr<Prepared>(std::move(prepared));
}

constexpr Kernel kernels[] = {{custom_op, infer, nullptr, prepare}};

}  // namespace

std::span<const Kernel> custom_kernels() { return kernels; }

}  // namespace mlq::kernels
