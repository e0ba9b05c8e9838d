// Functions of one operand, element by element.
#include "compiler/frontends/coreml/layers.h"
#include "compiler/frontends/coreml/network.pb.h"

namespace mlqc::coreml {

namespace {

using Layer = NeuralNetworkLayer;

TensorId affine(Build& b, TensorId x, float scale, float shift) {
  if (scale != 1) x = b.multiply(x, b.number(scale));
  if (shift != 0) x = b.add(x, b.number(shift));
  return x;
}

// One number, or one for each channel.
TensorId per_channel(Build& b, TensorId x, const Weights& weights) {
  const std::size_t place = weights.place();
  const bool one =
      place > 0 && place <= b.weights.blobs.size() && b.weights.blobs[place - 1].floats.size == 4;
  return b.weight(weights, one ? Shape{1, 1, 1} : Shape{b.dimension(x, -3), 1, 1});
}

TensorId parametric_softplus(Build& b, TensorId x, const ParametricSoftplus& params) {
  const TensorId alpha = per_channel(b, x, params.alpha()), beta = per_channel(b, x, params.beta());
  return b.multiply(alpha, b.node("Softplus", {b.multiply(beta, x)}));
}

TensorId activate(Build& b, TensorId x, const Activation& activation) {
  switch (activation.kind_case()) {
    case Activation::kLinear:
      return affine(b, x, activation.linear().alpha(), activation.linear().beta());
    case Activation::kRelu:
      return b.node("Relu", {x});
    case Activation::kLeakyRelu:
      return b.node("LeakyRelu", {x}, {{"alpha", activation.leaky_relu().alpha()}});
    case Activation::kThresholdedRelu:
      return b.node("ThresholdedRelu", {x}, {{"alpha", activation.thresholded_relu().alpha()}});
    case Activation::kPrelu:
      return b.node("PRelu", {x, per_channel(b, x, activation.prelu().alpha())});
    case Activation::kTanh:
      return b.node("Tanh", {x});
    case Activation::kScaledTanh:
      return affine(b, b.node("Tanh", {affine(b, x, activation.scaled_tanh().beta(), 0)}),
                    activation.scaled_tanh().alpha(), 0);
    case Activation::kSigmoid:
      return b.node("Sigmoid", {x});
    case Activation::kSigmoidHard:
      return b.node(
          "HardSigmoid", {x},
          {{"alpha", activation.sigmoid_hard().alpha()}, {"beta", activation.sigmoid_hard().beta()}});
    case Activation::kElu:
      return b.node("Elu", {x}, {{"alpha", activation.elu().alpha()}});
    case Activation::kSoftsign:
      return b.node("Softsign", {x});
    case Activation::kSoftplus:
      return b.node("Softplus", {x});
    case Activation::kParametricSoftplus:
      return parametric_softplus(b, x, activation.parametric_softplus());
    case Activation::KIND_NOT_SET:
      break;
  }
  b.fail("names no function");
}

void activation(Build& b, const Layer& layer, const char*) { b.out(activate(b, b.in(), layer.activation())); }

void unary_operator(Build& b, const Layer&, const char* op) { b.out(b.node(op, {b.in()})); }

// f(scale * x + shift), where a scale of zero means one.
void unary(Build& b, const Layer& layer, const char*) {
  const UnaryFunction& f = layer.unary();
  const float epsilon = or_default(f.epsilon(), 1e-6f);
  const TensorId x = affine(b, b.in(), or_default(f.scale(), 1.0f), f.shift());
  const auto reciprocal = [&](TensorId of) { return b.node("Reciprocal", {of}); };
  const auto guarded = [&] { return b.add(x, b.number(epsilon)); };
  switch (f.type()) {
    case UnaryFunction::SQRT:
      return b.out(b.node("Sqrt", {x}));
    case UnaryFunction::RSQRT:
      return b.out(reciprocal(b.node("Sqrt", {guarded()})));
    case UnaryFunction::INVERSE:
      return b.out(reciprocal(guarded()));
    case UnaryFunction::POWER:
      return b.out(b.node("Pow", {x, b.number(f.alpha())}));
    case UnaryFunction::EXP:
      return b.out(b.node("Exp", {x}));
    case UnaryFunction::LOG:
      return b.out(b.node("Log", {x}));
    case UnaryFunction::ABS:
      return b.out(b.node("Abs", {x}));
    case UnaryFunction::THRESHOLD:
      return b.out(b.node("Max", {x, b.number(f.alpha())}));
    default:
      b.fail("names an unknown function");
  }
}

void clip(Build& b, const Layer& layer, const char*) {
  b.out(b.node("Clip", {b.in(), b.number(layer.clip().min_val()), b.number(layer.clip().max_val())}));
}

// min(x, beta) above zero, min(alpha * x, beta) below.
void clamped_relu(Build& b, const Layer& layer, const char*) {
  const TensorId leaky = b.node("LeakyRelu", {b.in()}, {{"alpha", layer.clamped_relu().alpha()}});
  b.out(b.node("Min", {leaky, b.number(layer.clamped_relu().beta())}));
}

void exp2(Build& b, const Layer&, const char*) { b.out(b.node("Pow", {b.number(2), b.in()})); }

// x / 2 * (1 + erf(x / sqrt 2)), or one of the two approximations of Hendrycks and Gimpel, "Gaussian Error
// Linear Units".
void gelu(Build& b, const Layer& layer, const char*) {
  const TensorId x = b.in();
  if (layer.gelu().mode() == Gelu::SIGMOID_APPROXIMATION)
    return b.out(b.multiply(x, b.node("Sigmoid", {affine(b, x, 1.702f, 0)})));
  TensorId gate;
  if (layer.gelu().mode() == Gelu::TANH_APPROXIMATION) {
    const TensorId cube = b.multiply(b.multiply(x, x), x);
    gate = b.node("Tanh", {affine(b, b.add(x, affine(b, cube, 0.044715f, 0)), 0.7978845608f, 0)});
  } else {
    gate = b.node("Erf", {affine(b, x, 0.7071067812f, 0)});
  }
  b.out(b.multiply(affine(b, x, 0.5f, 0), affine(b, gate, 1, 1)));
}

constexpr Row rows[] = {
    {Layer::kActivation, activation},
    {Layer::kUnary, unary},
    {Layer::kClip, clip},
    {Layer::kClampedRelu, clamped_relu},
    {Layer::kExp2, exp2},
    {Layer::kGelu, gelu},
    {Layer::kCeil, unary_operator, "Ceil"},
    {Layer::kFloor, unary_operator, "Floor"},
    {Layer::kSign, unary_operator, "Sign"},
    {Layer::kRound, unary_operator, "Round"},
    {Layer::kSin, unary_operator, "Sin"},
    {Layer::kCos, unary_operator, "Cos"},
    {Layer::kTan, unary_operator, "Tan"},
    {Layer::kAsin, unary_operator, "Asin"},
    {Layer::kAcos, unary_operator, "Acos"},
    {Layer::kAtan, unary_operator, "Atan"},
    {Layer::kSinh, unary_operator, "Sinh"},
    {Layer::kCosh, unary_operator, "Cosh"},
    {Layer::kTanh, unary_operator, "Tanh"},
    {Layer::kAsinh, unary_operator, "Asinh"},
    {Layer::kAcosh, unary_operator, "Acosh"},
    {Layer::kAtanh, unary_operator, "Atanh"},
    {Layer::kErf, unary_operator, "Erf"},
    {Layer::kCopy, unary_operator, "Identity"},
};

}  // namespace

std::span<const Row> activation_rows() { return rows; }

}  // namespace mlqc::coreml
