#include <limits>

#include "compiler/backends/coreml_writer/writer.h"
#include "compiler/frontends/coreml/network.pb.h"

namespace mlqc::coreml_writer {

namespace {

using Layer = NeuralNetworkLayer;

void with_alpha(Writer& w, const Row& row) {
  coreml::Activation& a = *w.layer({w.in()}, {w.out()}).mutable_activation();
  if (row.op == "LeakyRelu") a.mutable_leaky_relu()->set_alpha(w.node().get_float("alpha", 0.01f));
  if (row.op == "Elu") a.mutable_elu()->set_alpha(w.node().get_float("alpha", 1));
  if (row.op == "ThresholdedRelu") a.mutable_thresholded_relu()->set_alpha(w.node().get_float("alpha", 1));
  if (row.op == "HardSigmoid") {
    a.mutable_sigmoid_hard()->set_alpha(w.node().get_float("alpha", 0.2f));
    a.mutable_sigmoid_hard()->set_beta(w.node().get_float("beta", 0.5f));
  }
}

void product(Writer& w, const std::string& a, const std::string& b) {
  w.layer({a, b}, {w.out()}).mutable_multiply_broadcastable();
}

void hard_swish(Writer& w, const Row&) {
  auto [gate, y] = w.step({w.in()});
  gate->mutable_activation()->mutable_sigmoid_hard()->set_alpha(1.0f / 6);
  gate->mutable_activation()->mutable_sigmoid_hard()->set_beta(0.5f);
  product(w, w.in(), y);
}

void mish(Writer& w, const Row&) {
  auto [soft, y] = w.step({w.in()});
  soft->mutable_activation()->mutable_softplus();
  auto [tanh, z] = w.step({y});
  tanh->mutable_activation()->mutable_tanh();
  product(w, w.in(), z);
}

void selu(Writer& w, const Row&) {
  auto [elu, y] = w.step({w.in()});
  elu->mutable_activation()->mutable_elu()->set_alpha(
      w.node().get_float("alpha", 1.67326319217681884765625f));
  w.layer({y}, {w.out()})
      .mutable_activation()
      ->mutable_linear()
      ->set_alpha(w.node().get_float("gamma", 1.05070102214813232421875f));
}

void gelu(Writer& w, const Row&) {
  const std::string how = w.node().get_string("approximate", "none");
  w.needs_version(5);
  w.layer({w.in()}, {w.out()})
      .mutable_gelu()
      ->set_mode(how == "tanh"      ? coreml::Gelu::TANH_APPROXIMATION
                 : how == "sigmoid" ? coreml::Gelu::SIGMOID_APPROXIMATION
                                    : coreml::Gelu::EXACT);
}

// One slope per channel of an image is a layer; anything else is max(x, 0) + slope * min(x, 0).
void prelu(Writer& w, const Row&) {
  const Shape& slope = w.shape(1);
  const bool channels =
      w.rank(0) == 4 && slope.size() == 3 && slope[1] == 1 && slope[2] == 1 && w.is_constant(1);
  if (channels) {
    auto& alpha = *w.layer({w.in()}, {w.out()}).mutable_activation()->mutable_prelu()->mutable_alpha();
    w.weights(alpha, w.operand(1));
    return w.finish();
  }
  auto [positive, high] = w.step({w.in()});
  positive->mutable_activation()->mutable_relu();
  auto [negative, low] = w.step({w.in(), high});
  negative->mutable_subtract_broadcastable();
  const std::string factor = w.in(1);
  auto [times, scaled] = w.step({low, factor});
  times->mutable_multiply_broadcastable();
  w.layer({high, scaled}, {w.out()}).mutable_add_broadcastable();
}

float bound(Writer& w, std::size_t i, const char* attribute, float otherwise) {
  if (!w.given(i)) return w.node().get_float(attribute, otherwise);
  const std::vector<float> values = w.floats(i, "bounds");
  w.require(values.size() == 1, "has a bound that is no single number");
  return values[0];
}

void clip(Writer& w, const Row&) {
  constexpr float far = std::numeric_limits<float>::max();
  const float low = bound(w, 1, "min", -far), high = bound(w, 2, "max", far);
  coreml::Clip& clip = *w.layer({w.in()}, {w.out()}).mutable_clip();
  clip.set_min_val(low);
  clip.set_max_val(high);
}

void softmax(Writer& w, const Row& row) {
  const std::int64_t axis = w.node().get_int("axis", -1);
  if (row.op == "Softmax") return w.layer({w.in()}, {w.out()}).mutable_softmax_nd()->set_axis(axis);
  auto [soft, y] = w.step({w.in()});
  soft->mutable_softmax_nd()->set_axis(axis);
  coreml::UnaryFunction& log = *w.layer({y}, {w.out()}).mutable_unary();
  log.set_type(coreml::UnaryFunction::LOG);
  log.set_scale(1);
  log.set_epsilon(std::numeric_limits<float>::min());
}

constexpr Row rows[] = {
    {"Clip", clip},
    {"Elu", with_alpha},
    {"Gelu", gelu},
    {"HardSigmoid", with_alpha},
    {"HardSwish", hard_swish},
    {"LeakyRelu", with_alpha},
    {"LogSoftmax", softmax},
    {"Mish", mish},
    {"PRelu", prelu},
    {"Relu", direct, [](Layer& l) { l.mutable_activation()->mutable_relu(); }},
    {"Selu", selu},
    {"Sigmoid", direct, [](Layer& l) { l.mutable_activation()->mutable_sigmoid(); }},
    {"Softmax", softmax},
    {"Softplus", direct, [](Layer& l) { l.mutable_activation()->mutable_softplus(); }},
    {"Softsign", direct, [](Layer& l) { l.mutable_activation()->mutable_softsign(); }},
    {"Tanh", direct, [](Layer& l) { l.mutable_activation()->mutable_tanh(); }},
    {"ThresholdedRelu", with_alpha},
};

}  // namespace

std::span<const Row> activation_rows() { return rows; }

}  // namespace mlqc::coreml_writer
