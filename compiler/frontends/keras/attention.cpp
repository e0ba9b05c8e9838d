// Layers that look up values by how well keys fit a query.
#include <algorithm>
#include <cmath>

#include "compiler/frontends/keras/masks.h"
#include "compiler/frontends/nhwc/arrays.h"

namespace mlqc::keras {

namespace {

// Keras takes 1e9 where it computes in floats; no less comes of this number, which half floats hold too.
constexpr float hidden_by = 6e4f;

// The operands of a call: by their place, or by the name of the argument.
struct Operands {
  TensorId query = mlq::no_tensor, value = mlq::no_tensor, key = mlq::no_tensor;
};

Operands operands_of(const Net& net) {
  constexpr std::string_view names[] = {"query", "value", "key"};
  Ids found(3, mlq::no_tensor);
  std::size_t next = 0;
  for (std::size_t i = 0; i < net.in.size(); ++i) {
    const std::string& argument = net.use->inputs[i].argument;
    const auto named = static_cast<std::size_t>(std::ranges::find(names, argument) - std::begin(names));
    net.b.require(argument.empty() || named < 3, "is given an operand that mlq does not know");
    const std::size_t place = argument.empty() || argument == "inputs" ? next++ : named;
    net.b.require(place < 3 && found[place] == mlq::no_tensor, "has more operands than it needs");
    found[place] = net.in[i];
  }
  net.b.require(found[0] != mlq::no_tensor && found[1] != mlq::no_tensor, "needs a query and values");
  for (const TensorId id : found)
    net.b.require(id == mlq::no_tensor || net.b.rank(id) == 3, "looks at other than sequences of vectors");
  return {found[0], found[1], found[2] == mlq::no_tensor ? found[1] : found[2]};
}

bool argument(const Net& net, std::string_view name) {
  return net.use->arguments && (*net.use->arguments)[name].truth(false);
}

// No step sees those after it.
TensorId add_causal(Net& net, TensorId scores) {
  if (!net.config()["causal"].truth(false) && !argument(net, "use_causal_mask")) return scores;
  const Shape& shape = net.b.shape(scores);
  const std::int64_t rows = shape[shape.size() - 2], columns = shape.back();
  net.b.require(rows > 0 && columns > 0 && rows * columns < 1 << 26,
                "hides later steps of a sequence whose length is not known");
  std::vector<float> hidden;
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j) hidden.push_back(j > i ? -hidden_by : 0);
  return net.b.node("Add", {scores, net.constant("causal", {rows, columns}, hidden)});
}

// Values that do not count are not seen.
TensorId add_mask(Net& net, TensorId scores, TensorId mask) {
  if (mask == mlq::no_tensor) return scores;
  const TensorId hidden =
      net.b.node("Mul", {net.b.node("Sub", {mask, net.b.number(1)}), net.b.number(hidden_by)});
  return net.b.node("Add", {scores, nhwc::expand_dims(net.b, hidden, 1)});
}

// [N, T query, T value] to results.
Ids look_up(Net& net, TensorId scores, const Operands& operands) {
  scores = add_mask(net, add_causal(net, scores), mask_of(net, operands.value));
  const TensorId weights = net.b.node("Softmax", {scores}, {{"axis", std::int64_t{-1}}});
  TensorId y = net.b.node("MatMul", {weights, operands.value});
  if (const TensorId mask = mask_of(net, operands.query); mask != mlq::no_tensor)
    y = net.b.node("Mul", {y, nhwc::expand_dims(net.b, mask, 2)});
  return argument(net, "return_attention_scores") ? Ids{y, weights} : Ids{y};
}

// Sums over the features of tanh(query + key), each with a weight.
TensorId additive(Net& net, const Operands& operands) {
  const TensorId sum = net.b.node(
      "Add", {nhwc::expand_dims(net.b, operands.query, 2), nhwc::expand_dims(net.b, operands.key, 1)});
  return net.b.node("Tanh", {sum});
}

TensorId sum_of_features(Net& net, TensorId x) { return nhwc::reduce(net.b, "ReduceSum", x, {-1}, false); }

bool is_scaled(const Value& config, bool otherwise) { return config["use_scale"].truth(otherwise); }
bool is_concat(const Value& config) { return config["score_mode"].text("dot") == "concat"; }

Ids attention(Net& net, const char*) {
  const Operands operands = operands_of(net);
  const bool scaled = is_scaled(net.config(), false);
  TensorId scores = mlq::no_tensor;
  if (is_concat(net.config())) {
    net.b.require(!scaled, "scales its scores before they are added up, which mlq does not do");
    scores =
        net.b.node("Mul", {sum_of_features(net, additive(net, operands)), net.weight(0, "score_weight")});
  } else {
    scores = net.b.node("MatMul", {operands.query, net.b.transpose(operands.key, {0, 2, 1})});
    if (scaled) scores = net.b.node("Mul", {scores, net.weight(0, "scale")});
  }
  return look_up(net, scores, operands);
}

Slots attention_slots(const Layer& layer) {
  return {std::size_t{0} + is_scaled(*layer.config, false) + is_concat(*layer.config), 0};
}

Ids additive_attention(Net& net, const char*) {
  const Operands operands = operands_of(net);
  TensorId features = additive(net, operands);
  if (is_scaled(net.config(), true)) features = net.b.node("Mul", {features, net.weight(0, "scale")});
  return look_up(net, sum_of_features(net, features), operands);
}

Slots additive_slots(const Layer& layer) { return {std::size_t{0} + is_scaled(*layer.config, true), 0}; }

// A projection's kernel [D, heads, size] and bias [heads, size] as those of a dense layer.
struct Projection {
  TensorId kernel, bias = mlq::no_tensor;
  std::int64_t size = 0;
};

Projection projection(Net& net, std::size_t which, const char* kernel, const char* bias, std::int64_t heads) {
  const bool biased = has_bias(net.config());
  const std::size_t first = which * (biased ? 2 : 1);
  net.b.require(first < net.layer->weights.size(), "has too few weights");
  const Shape shape = net.layer->weights[first]->shape;
  net.b.require(shape.size() == 3 && shape[which == 3 ? 0 : 1] == heads,
                "has weights of another shape than it needs");
  const std::int64_t size = shape[which == 3 ? 1 : 2], rows = which == 3 ? heads * size : shape[0],
                     columns = which == 3 ? shape[2] : heads * size;
  Projection made{net.weight(first, kernel, {}, {rows, columns}), mlq::no_tensor, size};
  if (biased) made.bias = net.weight(first + 1, bias, {}, {columns});
  return made;
}

// [N, T, D] to [N, heads, T, size].
TensorId heads_of(Net& net, TensorId x, const Projection& to, std::int64_t heads) {
  const TensorId y = nhwc::dense(net.b, x, to.kernel, to.bias, false);
  return net.b.transpose(net.b.reshape(y, {0, 0, heads, to.size}), {0, 2, 1, 3});
}

Ids multi_head(Net& net, const char*) {
  const Operands operands = operands_of(net);
  const std::int64_t heads = net.config()["num_heads"].integer(0);
  net.b.require(heads > 0 && heads < 1 << 16, "has a number of heads out of range");
  for (const TensorId id : {operands.query, operands.value, operands.key})
    net.b.require(!net.masks.count(id), "reads a mask, which mlq does not apply");
  const Projection query = projection(net, 0, "query", "query_bias", heads),
                   key = projection(net, 1, "key", "key_bias", heads),
                   value = projection(net, 2, "value", "value_bias", heads),
                   out = projection(net, 3, "output", "output_bias", heads);
  const TensorId q = net.b.node("Mul", {heads_of(net, operands.query, query, heads),
                                        net.b.number(1 / std::sqrt(static_cast<float>(query.size)))});
  const TensorId k = net.b.transpose(heads_of(net, operands.key, key, heads), {0, 1, 3, 2});
  const TensorId scores = add_causal(net, net.b.node("MatMul", {q, k}));
  const TensorId weights = net.b.node("Softmax", {scores}, {{"axis", std::int64_t{-1}}});
  const TensorId y = net.b.transpose(
      net.b.node("MatMul", {weights, heads_of(net, operands.value, value, heads)}), {0, 2, 1, 3});
  const TensorId joined = net.b.reshape(y, {0, 0, heads * value.size});
  const TensorId result = nhwc::dense(net.b, joined, out.kernel, out.bias, false);
  return argument(net, "return_attention_scores") ? Ids{result, weights} : Ids{result};
}

Slots multi_head_slots(const Layer& layer) { return {has_bias(*layer.config) ? std::size_t{8} : 4, 0}; }

constexpr Row rows[] = {
    {"AdditiveAttention", additive_attention, additive_slots},
    {"Attention", attention, attention_slots},
    {"MultiHeadAttention", multi_head, multi_head_slots},
};

}  // namespace

std::span<const Row> attention_rows() { return rows; }

}  // namespace mlqc::keras
