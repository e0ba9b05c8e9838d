// Generalized linear models: a function of weights times features plus offsets. Sums of products, not a
// matrix product: the weights are doubles of a message that no quantized form has.
#include <cmath>

#include "compiler/frontends/coreml/model.pb.h"
#include "compiler/frontends/coreml/models/stage.h"

namespace mlqc::coreml {

namespace {

// [rows]
template <class Message>
TensorId linear(Stage& s, const Message& glm) {
  Build& b = s.b;
  Ids parts;
  for (const FeatureDescription& input : s.description().input()) parts.push_back(s.vector(input.name()));
  b.require(!parts.empty(), "has no input");
  const TensorId x = parts.size() == 1 ? parts[0] : b.node("Concat", parts, {{"axis", std::int64_t{0}}});
  std::vector<float> weights;
  for (const WeightRow& row : glm.weights()) {
    if (b.dimension(x, 0) >= 0 && row.value_size() != b.dimension(x, 0))
      b.fail("has " + std::to_string(row.value_size()) + " weights for " + std::to_string(b.dimension(x, 0)) +
             " features");
    b.require(row.value_size() == glm.weights(0).value_size(), "has rows of weights of different lengths");
    weights.insert(weights.end(), row.value().begin(), row.value().end());
  }
  const std::int64_t rows = glm.weights_size();
  b.require(rows > 0, "has no weights");
  b.require(glm.offset_size() == 0 || glm.offset_size() == rows,
            "has another number of offsets than of rows");
  const TensorId products = b.multiply(b.floats({rows, glm.weights(0).value_size()}, weights), x);
  const TensorId sums = b.node("ReduceSum", {products, b.ints({1})}, {{"keepdims", std::int64_t{0}}});
  return glm.offset_size() ? b.add(sums, constant(b, glm.offset())) : sums;
}

// The normal distribution's integral.
TensorId probit(Build& b, TensorId x) {
  const TensorId erf = b.node("Erf", {b.multiply(x, b.number(std::sqrt(0.5f)))});
  return b.multiply(b.add(erf, b.number(1)), b.number(0.5f));
}

TensorId beside(Build& b, TensorId first, TensorId rest) {
  return b.node("Concat", {first, rest}, {{"axis", std::int64_t{0}}});
}

}  // namespace

void glm_regressor(Stage& s) {
  const GlmRegressor& glm = s.model.glm_regressor();
  TensorId y = linear(s, glm);
  if (glm.post_evaluation_transform() == GlmRegressor::LOGIT) y = s.b.node("Sigmoid", {y});
  if (glm.post_evaluation_transform() == GlmRegressor::PROBIT) y = probit(s.b, y);
  s.give(s.only_output(), y);
}

// One row of weights for two classes tells the second from the first. More rows: against the first class
// (softmax, the first class's sum being 0), or each class against the rest (made to sum to one).
void glm_classifier(Stage& s) {
  Build& b = s.b;
  const GlmClassifier& glm = s.model.glm_classifier();
  const TensorId y = linear(s, glm);
  const bool normal = glm.post_evaluation_transform() == GlmClassifier::PROBIT;
  if (glm.weights_size() == 1) {
    const TensorId p = normal ? probit(b, y) : b.node("Sigmoid", {y});
    return s.give_classes(beside(b, b.subtract(b.number(1), p), p), class_labels(glm));
  }
  b.require(!normal, "has the probit transform for more than two classes");
  if (glm.class_encoding() == GlmClassifier::REFERENCE_CLASS) {
    const TensorId all = beside(b, constant(b, std::vector<float>{0}), y);
    return s.give_classes(b.node("Softmax", {all}, {{"axis", std::int64_t{0}}}), class_labels(glm));
  }
  const TensorId each = b.node("Sigmoid", {y});
  s.give_classes(b.divide(each, b.node("ReduceSum", {each, b.ints({0})})), class_labels(glm));
}

}  // namespace mlqc::coreml
