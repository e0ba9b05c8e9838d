// Attention, and what goes with it in networks of text: rotary positions, linear attention, causal
// convolution.
#include <onnx/onnx_pb.h>

#include <array>
#include <cmath>
#include <limits>

#include "compiler/frontends/onnx/operators.h"

namespace mlqc::onnx_format {

namespace {

constexpr float lowest = -std::numeric_limits<float>::infinity();

// [batch, sequence, heads * size] as [batch, heads, sequence, size].
Value in_heads(Build& b, const Value& x, std::int64_t heads) {
  if (b.rank(x) == 4) return x;
  b.require(heads > 0, "has operands of rank 3 without a number of heads");
  return b.transpose(b.reshape(x, {0, 0, heads, -1}), {0, 2, 1, 3});
}

// Each head of keys serves several heads of queries.
Value repeated(Build& b, const Value& x, std::int64_t heads) {
  const std::int64_t own = b.dim(x, 1);
  if (own == heads) return x;
  b.require(own > 0 && heads % own == 0, "has heads of queries that are no multiple of those of keys");
  Value y = b.node("Expand", {b.unsqueeze(x, {2}), b.ints({1, 1, heads / own, 1, 1})});
  return b.reshape(y, {0, heads, b.dim(x, 2), b.dim(x, 3)});
}

Value scores(Build& b, const Value& q, const Value& k, float scale) {
  const Value root = b.number(std::sqrt(scale));
  return b.matmul(b.mul(q, root), b.mul(b.transpose(k, {0, 1, 3, 2}), root));
}

float scale_of(Op& op, const Value& q) {
  const float given = op.f("scale", 0.0f);
  return given != 0.0f ? given : 1.0f / std::sqrt(static_cast<float>(op.b.dim(q, 3)));
}

// What is added to the scores: the mask, its missing columns forbidden.
Value mask_of(Op& op, std::int64_t total) {
  Build& b = op.b;
  Value mask = op.in(3);
  if (mask.type == t_bool) mask = b.node("Where", {mask, b.number(0.0f), b.number(lowest)});
  const std::int64_t missing = total - b.dim(mask, -1);
  if (missing <= 0) return mask;
  Ints pads(static_cast<std::size_t>(2 * b.rank(mask)), 0);
  pads.back() = missing;
  return b.node("Pad", {mask, b.ints(pads), b.number(lowest)});
}

Value steps(Build& b, std::int64_t n, const Ints& shape) {
  Ints list;
  for (std::int64_t i = 0; i < n; ++i) list.push_back(i);
  return b.reshape(b.ints(list), shape);
}

// Queries see no key behind their own place; places begin after what is past, or so that the last query sees
// the last key that counts.
Value causal(Op& op, std::int64_t queries, std::int64_t total, std::int64_t past) {
  Build& b = op.b;
  Value row = steps(b, queries, {1, 1, queries, 1});
  if (op.given(6))
    row = b.add(row, b.reshape(b.sub(op.in(6), b.scalar(queries)), {-1, 1, 1, 1}));
  else
    row = b.add(row, b.scalar(past));
  const Value hidden = b.node("Less", {row, steps(b, total, {1, 1, 1, total})}, {}, t_bool);
  return b.node("Where", {hidden, b.number(lowest), b.number(0.0f)});
}

// Keys behind the last that counts, per sample.
Value padding(Op& op, std::int64_t total) {
  Build& b = op.b;
  const Value ends = b.reshape(op.in(6), {-1, 1, 1, 1});
  const Value there = b.node("Less", {steps(b, total, {1, 1, 1, total}), ends}, {}, t_bool);
  return b.node("Where", {there, b.number(0.0f), b.number(lowest)});
}

void attention(Op& op) {
  Build& b = op.b;
  const Value x = op.in();
  const Value q = in_heads(b, x, op.i("q_num_heads", 0));
  Value k = in_heads(b, op.in(1), op.i("kv_num_heads", 0)),
        v = in_heads(b, op.in(2), op.i("kv_num_heads", 0));
  const std::int64_t past = op.given(4) ? b.dim(op.in(4), 2) : 0;
  if (op.given(4)) k = b.concat({op.in(4), k}, 2);
  if (op.given(5)) v = b.concat({op.in(5), v}, 2);
  op.out(k, 1);
  op.out(v, 2);
  const std::int64_t heads = b.dim(q, 1), total = b.dim(k, 2);
  const Value raw = scores(b, q, repeated(b, k, heads), scale_of(op, q));
  Value capped = raw;
  if (const float cap = op.f("softcap", 0.0f); cap != 0.0f)
    capped = b.mul(b.node("Tanh", {b.div(raw, b.number(cap))}), b.number(cap));
  Value bias;
  const auto forbid = [&](const Value& more) { bias = bias.given() ? b.add(bias, more) : more; };
  if (op.given(3)) forbid(mask_of(op, total));
  if (op.i("is_causal", 0) != 0) forbid(causal(op, b.dim(q, 2), total, past));
  if (op.given(6)) forbid(padding(op, total));
  const Value masked = bias.given() ? b.add(capped, bias) : capped;
  Value weights = b.node("Softmax", {masked}, {{"axis", std::int64_t{-1}}});
  if (bias.given()) {  // a query that may see nothing gets nothing
    const Value best = b.reduce("ReduceMax", bias, {-1}, true);
    weights =
        b.node("Where", {b.node("Equal", {best, b.number(lowest)}, {}, t_bool), b.number(0.0f), weights});
  }
  const Value all[] = {raw, capped, masked, weights};
  op.out({all[op.i("qk_matmul_output_mode", 0) & 3].id, x.type}, 3);
  Value y = b.matmul(weights, repeated(b, v, heads));
  if (b.rank(x) == 3) y = b.reshape(b.transpose(y, {0, 2, 1, 3}), {0, 0, -1});
  op.out({y.id, x.type});
}

// Scores or probabilities changed by a graph of the model's own.
Value changed(Op& op, const char* name, const Value& x) {
  const auto* attribute = op.attribute(name);
  if (!attribute || !attribute->has_g()) return x;
  Build& b = op.b;
  b.require(attribute->g().input_size() == 1 && attribute->g().output_size() == 1,
            "has a graph of other operands");
  const std::string node = b.name();
  b.define(attribute->g().input(0).name(), x);
  lower_graph(b, attribute->g());
  b.begin(node, op.type());
  return b.resolve(attribute->g().output(0).name());
}

void flex_attention(Op& op) {
  Build& b = op.b;
  const Value q = op.in();
  const std::int64_t heads = b.dim(q, 1);
  Value score = scores(b, q, repeated(b, op.in(1), heads), scale_of(op, q));
  score = changed(op, "score_mod", {score.id, q.type});
  Value probability = b.node("Softmax", {score}, {{"axis", std::int64_t{-1}}});
  probability = changed(op, "prob_mod", {probability.id, q.type});
  op.out({b.matmul(probability, repeated(b, op.in(2), heads)).id, q.type});
}

// Pairs of numbers turned by an angle that their place in the sequence gives.
void rotary(Op& op) {
  Build& b = op.b;
  const Value given = op.in();
  Value x = b.rank(given) == 3 ? b.reshape(given, {0, 0, op.i("num_heads", 0), -1})
                               : b.transpose(given, {0, 2, 1, 3});
  const std::int64_t size = b.dim(x, 3), some = op.i("rotary_embedding_dim", 0),
                     turned = some != 0 ? some : size;
  const auto angles = [&](const Value& cache) {
    const Value all = op.given(3) ? b.gather(cache, op.in(3), 0) : cache;
    return b.unsqueeze(b.slice(all, 2, 0, turned / 2), {2});
  };
  const Value cosine = angles(op.in(1)), sine = angles(op.in(2));
  const bool pairs = op.i("interleaved", 0) != 0;
  const Value first = pairs ? b.slice(x, 3, 0, turned, 2) : b.slice(x, 3, 0, turned / 2);
  const Value second = pairs ? b.slice(x, 3, 1, turned, 2) : b.slice(x, 3, turned / 2, turned);
  const Value real = b.sub(b.mul(cosine, first), b.mul(sine, second));
  const Value imaginary = b.add(b.mul(sine, first), b.mul(cosine, second));
  Value y =
      pairs ? b.reshape(b.concat({b.unsqueeze(real, {4}), b.unsqueeze(imaginary, {4})}, 4), {0, 0, 0, turned})
            : b.concat({real, imaginary}, 3);
  if (turned < size) y = b.concat({y, b.slice(x, 3, turned, size)}, 3);
  if (b.rank(given) == 3)
    y = b.reshape(y, {0, 0, -1});
  else
    y = b.transpose(y, {0, 2, 1, 3});
  op.out({y.id, given.type});
}

// A depthwise convolution that sees only what is past; what it will need of this goes out as state.
void causal_conv(Op& op) {
  Build& b = op.b;
  const Value x = op.in(), weights = op.in(1);
  const std::int64_t channels = b.dim(weights, 0), reach = b.dim(weights, 2) - 1;
  Value before = op.maybe(3);
  if (!before.given()) before = b.node("Expand", {b.number(0.0f), b.ints({b.dim(x, 0), b.dim(x, 1), reach})});
  const Value all = b.concat({before, x}, 2);
  Values inputs = {all, weights};
  if (op.given(2)) inputs.push_back(op.in(2));
  Value y = b.node("Conv", inputs, {{"group", channels}});
  const std::string activation = op.s("activation", "none");
  if (activation == "silu" || activation == "swish") y = b.mul(y, b.node("Sigmoid", {y}));
  op.out({y.id, x.type});
  const std::int64_t length = b.dim(all, 2);
  op.out({b.slice(all, 2, length - reach, length).id, x.type}, 1);
}

constexpr std::int64_t longest = 4096;

// One step after the other: the state forgets, takes in k times v, and is read by q.
void linear_attention(Op& op) {
  Build& b = op.b;
  const Value given = op.in();
  const std::int64_t heads = op.i("q_num_heads", 0), own = op.i("kv_num_heads", 0);
  const std::string rule = op.s("update_rule", "gated_delta");
  const Value q = in_heads(b, given, heads), k = in_heads(b, op.in(1), own), v = in_heads(b, op.in(2), own);
  const Value decay = op.given(4) ? in_heads(b, op.in(4), own) : Value{};
  const Value beta = op.given(5) ? in_heads(b, op.in(5), b.dim(op.in(5), -1) == 1 ? 1 : own) : Value{};
  const std::int64_t steps = b.dim(q, 2);
  b.require(steps <= longest, "takes more steps than mlq writes out");
  Value state = op.maybe(3);
  if (!state.given())
    state = b.node("Expand", {b.number(0.0f), b.ints({b.dim(q, 0), own, b.dim(k, 3), b.dim(v, 3)})});
  const float scale = scale_of(op, q);
  Values results;
  for (std::int64_t t = 0; t < steps; ++t) {
    const auto at = [&](const Value& x) { return b.slice(x, 2, t, t + 1); };  // [batch, heads, 1, size]
    if (decay.given()) state = b.mul(state, b.node("Exp", {b.transpose(at(decay), {0, 1, 3, 2})}));
    Value write = at(v);
    if (rule.find("delta") != std::string::npos) write = b.sub(write, b.matmul(at(k), state));
    if (beta.given()) write = b.mul(write, at(beta));
    state = b.add(state, b.matmul(b.transpose(at(k), {0, 1, 3, 2}), write));
    results.push_back(b.mul(b.matmul(at(q), repeated(b, state, heads)), b.number(scale)));
  }
  const Value y = b.concat(results, 2);
  op.out({(b.rank(given) == 3 ? b.reshape(b.transpose(y, {0, 2, 1, 3}), {0, 0, -1}) : y).id, given.type});
  op.out({state.id, given.type}, 1);
}

}  // namespace

std::span<const Row> attention_rows() {
  static constexpr auto rows = std::to_array<Row>({
      {"Attention", attention},
      {"FlexAttention", flex_attention, "ai.onnx.preview"},
      {"RotaryEmbedding", rotary},
      {"CausalConvWithState", causal_conv},
      {"LinearAttention", linear_attention},
  });
  return rows;
}

}  // namespace mlqc::onnx_format
