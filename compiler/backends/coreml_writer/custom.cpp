// Layers that the app computes itself: class, description, parameters and weights go along.
#include "compiler/backends/coreml_writer/writer.h"
#include "compiler/frontends/coreml/network.pb.h"
#include "mlq/custom_layer.h"

namespace mlqc::coreml_writer {

namespace {

struct SetParameter {
  coreml::CustomParameter& to;
  void operator()(std::int64_t value) const {
    if (value >= INT32_MIN && value <= INT32_MAX)
      to.set_int_value(static_cast<std::int32_t>(value));
    else
      to.set_long_value(value);
  }
  void operator()(double value) const { to.set_double_value(value); }
  void operator()(bool value) const { to.set_bool_value(value); }
  void operator()(const std::string& value) const { to.set_string_value(value); }
};

void custom(Writer& w, const Row&) {
  const mlq::Node& node = w.node();
  const std::size_t weights = mlq::custom_weights_of(node), operands = node.inputs.size() - weights;
  Blobs inputs, outputs;
  for (std::size_t i = 0; i < operands; ++i) inputs.push_back(w.in(i));
  for (std::size_t i = 0; i < node.outputs.size(); ++i) outputs.push_back(w.out(i));
  coreml::Custom& c = *w.layer(inputs, outputs).mutable_custom();
  c.set_class_name(mlq::custom_class_of(node));
  c.set_description(node.get_string("description", ""));
  for (std::size_t i = operands; i < node.inputs.size(); ++i) w.weights(*c.add_weights(), w.operand(i));
  for (const auto& [name, value] : mlq::custom_parameters_of(node))
    std::visit(SetParameter{(*c.mutable_parameters())[name]}, value);
  w.finish();
}

constexpr Row rows[] = {{mlq::custom_op, custom}};

}  // namespace

std::span<const Row> custom_rows() { return rows; }

}  // namespace mlqc::coreml_writer
