// Random numbers. A seed of the layer's is kept; without one it is fixed, so that runs can be compared.
#include "compiler/frontends/coreml/layers.h"
#include "compiler/frontends/coreml/network.pb.h"

namespace mlqc::coreml {

namespace {

using Layer = NeuralNetworkLayer;

// Zeros of the shape that the result is to have; operators "Like" take it from there.
TensorId zeros(Build& b, TensorId shape) { return b.node("Expand", {b.number(0), shape}); }

TensorId like(Build& b, const Layer&) { return b.in(); }
template <class Message>
TensorId of_shape(Build& b, const Message& message) {
  if (b.inputs() > 0 && message.output_shape_size() == 0) return zeros(b, b.indices(b.in()));
  return zeros(b, b.ints(sizes(b, message.output_shape())));
}

TensorId normal(Build& b, TensorId template_, const RandomNormal& r) {
  return b.node("RandomNormalLike", {template_},
                {{"mean", r.mean()}, {"scale", r.std_dev()}, {"seed", static_cast<float>(r.seed())}});
}
TensorId uniform(Build& b, TensorId template_, float low, float high, std::int64_t seed) {
  return b.node("RandomUniformLike", {template_},
                {{"low", low}, {"high", high}, {"seed", static_cast<float>(seed)}});
}
TensorId uniform(Build& b, TensorId template_, const RandomUniform& r) {
  return uniform(b, template_, r.min_val(), r.max_val(), r.seed());
}
TensorId bernoulli(Build& b, TensorId template_, const RandomBernoulli& r) {
  return b.node("Less", {uniform(b, template_, 0, 1, r.seed()), b.number(r.prob())});
}

void normal_like(Build& b, const Layer& l, const char*) {
  b.out(normal(b, like(b, l), l.random_normal_like()));
}
void normal_static(Build& b, const Layer& l, const char*) {
  b.out(normal(b, of_shape(b, l.random_normal_static()), l.random_normal_static()));
}
void normal_dynamic(Build& b, const Layer& l, const char*) {
  b.out(normal(b, of_shape(b, l.random_normal_dynamic()), l.random_normal_dynamic()));
}
void uniform_like(Build& b, const Layer& l, const char*) {
  b.out(uniform(b, like(b, l), l.random_uniform_like()));
}
void uniform_static(Build& b, const Layer& l, const char*) {
  b.out(uniform(b, of_shape(b, l.random_uniform_static()), l.random_uniform_static()));
}
void uniform_dynamic(Build& b, const Layer& l, const char*) {
  b.out(uniform(b, of_shape(b, l.random_uniform_dynamic()), l.random_uniform_dynamic()));
}
void bernoulli_like(Build& b, const Layer& l, const char*) {
  b.out(bernoulli(b, like(b, l), l.random_bernoulli_like()));
}
void bernoulli_static(Build& b, const Layer& l, const char*) {
  b.out(bernoulli(b, of_shape(b, l.random_bernoulli_static()), l.random_bernoulli_static()));
}
void bernoulli_dynamic(Build& b, const Layer& l, const char*) {
  b.out(bernoulli(b, of_shape(b, l.random_bernoulli_dynamic()), l.random_bernoulli_dynamic()));
}

// Draws of classes along the last axis; what are probabilities becomes logarithms first.
void categorical(Build& b, const Layer& layer, const char*) {
  const CategoricalDistribution& c = layer.categorical_distribution();
  const TensorId x = b.in();
  const Shape shape = b.shape(x);
  b.require(!shape.empty(), "has an input without dimensions");
  TensorId logits = b.reshape(x, {-1, shape.back()});
  if (c.is_logits()) {
    if (c.temperature() != 0 && c.temperature() != 1) logits = b.divide(logits, b.number(c.temperature()));
  } else {
    logits = b.node("Log", {b.add(logits, b.number(or_default(c.eps(), 1e-10f)))});
  }
  const std::int64_t samples = or_default<std::int64_t>(c.num_samples(), 1);
  const TensorId drawn =
      b.node("Multinomial", {logits}, {{"sample_size", samples}, {"seed", static_cast<float>(c.seed())}});
  Ints target(shape.begin(), shape.end() - 1);
  target.push_back(samples);
  b.out(b.reshape(b.cast(drawn, mlq::DataType::float32), target));
}

constexpr Row rows[] = {
    {Layer::kRandomNormalLike, normal_like},
    {Layer::kRandomNormalStatic, normal_static},
    {Layer::kRandomNormalDynamic, normal_dynamic},
    {Layer::kRandomUniformLike, uniform_like},
    {Layer::kRandomUniformStatic, uniform_static},
    {Layer::kRandomUniformDynamic, uniform_dynamic},
    {Layer::kRandomBernoulliLike, bernoulli_like},
    {Layer::kRandomBernoulliStatic, bernoulli_static},
    {Layer::kRandomBernoulliDynamic, bernoulli_dynamic},
    {Layer::kCategoricalDistribution, categorical},
};

}  // namespace

std::span<const Row> random_rows() { return rows; }

}  // namespace mlqc::coreml
