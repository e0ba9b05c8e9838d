// Activation functions, as layers and as settings of layers.
#include "compiler/frontends/keras/layers.h"
#include "compiler/frontends/nhwc/arrays.h"

namespace mlqc::keras {

namespace {

struct Function {
  std::string_view name;
  TensorId (*apply)(Net& net, TensorId x, const char* op);
  const char* op = "";
};

TensorId unary(Net& net, TensorId x, const char* op) { return net.b.node(op, {x}); }
TensorId identity(Net&, TensorId x, const char*) { return x; }
TensorId softmax(Net& net, TensorId x, const char* op) {
  return net.b.node(op, {x}, {{"axis", std::int64_t{-1}}});
}
TensorId relu6(Net& net, TensorId x, const char*) { return nhwc::clip(net.b, x, 0, 6); }
// Keras 3 has another slope than Keras 2.
TensorId hard_sigmoid(Net& net, TensorId x, const char*) {
  return net.b.node("HardSigmoid", {x}, {{"alpha", net.version >= 3 ? 1.0f / 6 : 0.2f}, {"beta", 0.5f}});
}
TensorId elu(Net& net, TensorId x, const char*) { return net.b.node("Elu", {x}, {{"alpha", 1.0f}}); }
TensorId swish(Net& net, TensorId x, const char*) {
  return net.b.node("Mul", {x, net.b.node("Sigmoid", {x})});
}
TensorId leaky(Net& net, TensorId x, const char*) { return net.b.node("LeakyRelu", {x}, {{"alpha", 0.2f}}); }

constexpr Function functions[] = {
    {"elu", elu},
    {"exponential", unary, "Exp"},
    {"gelu", unary, "Gelu"},
    {"hard_sigmoid", hard_sigmoid},
    {"hard_silu", unary, "HardSwish"},
    {"hard_swish", unary, "HardSwish"},
    {"leaky_relu", leaky},
    {"linear", identity},
    {"log_softmax", softmax, "LogSoftmax"},
    {"mish", unary, "Mish"},
    {"relu", unary, "Relu"},
    {"relu6", relu6},
    {"selu", unary, "Selu"},
    {"sigmoid", unary, "Sigmoid"},
    {"silu", swish},
    {"softmax", softmax, "Softmax"},
    {"softplus", unary, "Softplus"},
    {"softsign", unary, "Softsign"},
    {"swish", swish},
    {"tanh", unary, "Tanh"},
};

Ids activation(Net& net, const char*) { return {activate(net, net.x(), net.config()["activation"])}; }

// Constants were arrays in older files: {"type": "ndarray", "value": 0.3}.
float setting(const Net& net, std::initializer_list<std::string_view> keys, double otherwise) {
  const Value& said = net.config().any(keys);
  return static_cast<float>(said.is_map() ? said["value"].number(otherwise) : said.number(otherwise));
}

Ids leaky_relu(Net& net, const char*) {
  return {net.b.node("LeakyRelu", {net.x()}, {{"alpha", setting(net, {"alpha", "negative_slope"}, 0.3)}})};
}

Ids elu_layer(Net& net, const char*) {
  return {net.b.node("Elu", {net.x()}, {{"alpha", setting(net, {"alpha"}, 1)}})};
}

Ids thresholded_relu(Net& net, const char*) {
  return {net.b.node("ThresholdedRelu", {net.x()}, {{"alpha", setting(net, {"theta"}, 1)}})};
}

// max_value, a slope below the threshold, and the threshold itself.
Ids relu(Net& net, const char*) {
  const float slope = setting(net, {"negative_slope"}, 0), threshold = setting(net, {"threshold"}, 0);
  const Value& most = net.config()["max_value"];
  TensorId x = net.x(), y;
  if (threshold == 0) {
    y = slope == 0 ? net.b.node("Relu", {x}) : net.b.node("LeakyRelu", {x}, {{"alpha", slope}});
  } else {
    const TensorId above = net.b.node("GreaterOrEqual", {x, net.b.number(threshold)});
    const TensorId below =
        net.b.node("Mul", {net.b.node("Sub", {x, net.b.number(threshold)}), net.b.number(slope)});
    y = net.b.node("Where", {above, x, below});
  }
  if (!most.null()) y = net.b.node("Min", {y, net.b.number(setting(net, {"max_value"}, 0))});
  return {y};
}

Ids softmax_layer(Net& net, const char*) {
  std::int64_t axis = -1;
  if (const auto axes = net.config()["axis"].integers(); !axes.empty()) {
    net.b.require(axes.size() == 1, "takes its softmax over several axes, which mlq does not do");
    axis = axes[0];
  }
  return {net.b.node("Softmax", {net.x()}, {{"axis", net.b.axis(axis, net.b.rank(net.x()))}})};
}

// Slopes have the operand's shape but for the batch and the shared axes: they broadcast as they are.
Ids prelu(Net& net, const char*) { return {net.b.node("PRelu", {net.x(), net.weight(0, "slope")})}; }

Slots one(const Layer&) { return {1, 0}; }

constexpr Row rows[] = {
    {"Activation", activation, no_weights},
    {"ELU", elu_layer, no_weights},
    {"LeakyReLU", leaky_relu, no_weights},
    {"PReLU", prelu, one},
    {"ReLU", relu, no_weights},
    {"Softmax", softmax_layer, no_weights},
    {"ThresholdedReLU", thresholded_relu, no_weights},
};

}  // namespace

std::string activation_name(const Value& activation) {
  if (!activation.is_map()) return activation.text("linear");
  const Value& config = activation["config"];
  std::string name = config.is_text() ? config.text() : activation["class_name"].text();
  // Layers that stand where a function is wanted.
  if (name == "ReLU") name = "relu";
  if (name == "Softmax") name = "softmax";
  return name;
}

TensorId activate(Net& net, TensorId x, const Value& activation) {
  const std::string name = activation_name(activation);
  for (const Function& function : functions)
    if (function.name == name) return function.apply(net, x, function.op);
  net.b.fail("has the activation '" + name + "', which mlq does not know");
}

std::span<const Row> activation_rows() { return rows; }

}  // namespace mlqc::keras
