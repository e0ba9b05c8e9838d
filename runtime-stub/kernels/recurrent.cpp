// RNN, GRU and LSTM as in ONNX; `activations` is one string with commas between the names.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "runtime-stub/kernels/families.h"
#include "runtime-stub/kernels/gemm.h"
#include "runtime-stub/kernels/support.h"

namespace mlq::kernels {
namespace {

struct Activation {
  std::string name;
  float alpha = 0, beta = 0;

  float operator()(float x) const {
    if (name == "Sigmoid") return 1.0f / (1.0f + std::exp(-x));
    if (name == "Tanh") return std::tanh(x);
    if (name == "Relu") return std::fmax(x, 0.0f);
    if (name == "LeakyRelu") return x < 0 ? alpha * x : x;
    if (name == "ThresholdedRelu") return x > alpha ? x : 0.0f;
    if (name == "ScaledTanh") return alpha * std::tanh(beta * x);
    if (name == "HardSigmoid") return std::fmin(std::fmax(alpha * x + beta, 0.0f), 1.0f);
    if (name == "Elu") return x < 0 ? alpha * std::expm1(x) : x;
    if (name == "Softsign") return x / (1.0f + std::fabs(x));
    if (name == "Softplus") return std::fmax(x, 0.0f) + std::log1p(std::exp(-std::fabs(x)));
    return alpha * x + beta;  // Affine
  }
};

// Parameters that ONNX takes when the node has none.
Activation named(const std::string& name) {
  Activation a{name};
  if (name == "LeakyRelu")
    a.alpha = 0.01f;
  else if (name == "HardSigmoid")
    a.alpha = 0.2f, a.beta = 0.5f;
  else if (name == "Elu" || name == "ThresholdedRelu" || name == "Affine" || name == "Linear")
    a.alpha = 1.0f;
  else if (name == "ScaledTanh")
    a.alpha = a.beta = 1.0f;
  if (name == "Linear") a.name = "Affine";
  return a;
}

bool is_known_activation(const std::string& name) {
  constexpr std::string_view known[] = {"Sigmoid",         "Tanh",       "Relu",        "LeakyRelu",
                                        "ThresholdedRelu", "ScaledTanh", "HardSigmoid", "Elu",
                                        "Softsign",        "Softplus",   "Affine",      "Linear"};
  return std::find(std::begin(known), std::end(known), name) != std::end(known);
}

struct Sizes {
  std::int64_t steps, batch, inputs, hidden, directions, gates;
};

std::int64_t gates_of(const Node& node) { return node.op == "LSTM" ? 4 : node.op == "GRU" ? 3 : 1; }

std::vector<Activation> activations_of(const Node& node, std::int64_t directions) {
  std::string list = node.get_string("activations", "");
  std::vector<Activation> result;
  std::string defaults = node.op == "LSTM" ? "Sigmoid,Tanh,Tanh" : node.op == "GRU" ? "Sigmoid,Tanh" : "Tanh";
  if (list.empty()) list = directions == 2 ? defaults + "," + defaults : defaults;
  for (std::size_t start = 0; start <= list.size();) {
    std::size_t end = std::min(list.find(',', start), list.size());
    result.push_back(named(list.substr(start, end - start)));
    start = end + 1;
  }
  auto alphas = node.get_floats("activation_alpha"), betas = node.get_floats("activation_beta");
  for (std::size_t i = 0; i < result.size(); ++i) {
    if (i < alphas.size()) result[i].alpha = alphas[i];
    if (i < betas.size()) result[i].beta = betas[i];
  }
  return result;
}

Result<Sizes> sizes_of(const Call& call) {
  if (!has_operands(call, 3)) return fail(call, "needs an operand, weights and recurrent weights");
  for (std::size_t i = 0; i < call.inputs.size(); ++i)
    if (call.given(i) && i != 4 && call.inputs[i].type != DataType::float32)
      return fail(call, "is for float32 only");
  const Shape &x = call.inputs[0].shape, &w = call.inputs[1].shape, &r = call.inputs[2].shape;
  if (x.size() != 3 || w.size() != 3 || r.size() != 3 || !is_known(w) || !is_known(r))
    return fail(call, "operands must have rank 3");
  std::string direction = call.node.get_string("direction", "forward");
  bool batch_first = call.node.get_int("layout", 0) != 0;
  Sizes s{x[batch_first],     x[!batch_first], x[2], r[2], direction == "bidirectional" ? 2 : 1,
          gates_of(call.node)};
  if (w[0] != s.directions || r[0] != s.directions || w[1] != s.gates * s.hidden || r[1] != w[1] ||
      (s.inputs != unknown && w[2] != s.inputs))
    return fail(
        call, "weights " + to_string(w) + " and " + to_string(r) + " do not fit the operand " + to_string(x));
  auto fits = [&](std::size_t i, const Shape& shape) {
    return !call.given(i) || !is_known(shape) || call.inputs[i].shape == shape;
  };
  Shape state{s.directions, s.batch, s.hidden};
  if (batch_first) state = {s.batch, s.directions, s.hidden};
  if (!fits(3, {s.directions, 2 * s.gates * s.hidden}) || !fits(4, {s.batch}) || !fits(5, state) ||
      !fits(6, state) || !fits(7, {s.directions, 3 * s.hidden}))
    return fail(call, "biases, lengths, states or peepholes do not fit");
  auto activations = activations_of(call.node, s.directions);
  std::size_t each = call.node.op == "LSTM" ? 3 : call.node.op == "GRU" ? 2 : 1;
  if (activations.size() != each * s.directions) return fail(call, "wrong number of activations");
  for (const Activation& a : activations)
    if (!is_known_activation(a.name)) return fail(call, "unknown activation '" + a.name + "'");
  return s;
}

Status infer(Call& call) {
  auto s = sizes_of(call);
  if (!s) return s.status();
  bool batch_first = call.node.get_int("layout", 0) != 0;
  Shape y{s->steps, s->directions, s->batch, s->hidden}, state{s->directions, s->batch, s->hidden};
  if (batch_first)
    y = {s->batch, s->steps, s->directions, s->hidden}, state = {s->batch, s->directions, s->hidden};
  set_output(call, 0, DataType::float32, y);
  set_output(call, 1, DataType::float32, state);
  set_output(call, 2, DataType::float32, state);
  return {};
}

// One sequence of one batch entry in one direction.
struct Cell {
  const Node& node;
  std::int64_t hidden;
  const float *recurrent, *bias, *peepholes;  // bias and peepholes may be null
  const Activation* activations;
  float clip, cell_clip;
  std::vector<float> h, c, sums, reset;

  float limit(float v) const { return clip > 0 ? std::clamp(v, -clip, clip) : v; }
  // The recurrent bias of a gate's unit.
  float recurrent_bias(std::int64_t at, std::int64_t gates) const {
    return bias ? bias[gates * hidden + at] : 0.0f;
  }
  void multiply(const float* weights, const std::vector<float>& state, std::int64_t rows, float* y) const {
    Gemm g{1, rows, hidden};
    g.transpose_b = true;
    gemm(g, state.data(), weights, y);
  }

  void step_rnn(const float* x) {
    multiply(recurrent, h, hidden, sums.data());
    for (std::int64_t i = 0; i < hidden; ++i)
      h[i] = activations[0](limit(x[i] + sums[i] + recurrent_bias(i, 1)));
  }

  // Gates: update, reset, hidden.
  void step_gru(const float* x) {
    bool late = node.get_int("linear_before_reset", 0) != 0;
    multiply(recurrent, h, (late ? 3 : 2) * hidden, sums.data());
    for (std::int64_t i = 0; i < 2 * hidden; ++i)
      sums[i] = activations[0](limit(x[i] + sums[i] + recurrent_bias(i, 3)));
    float* candidate = sums.data() + 2 * hidden;
    if (!late) {
      for (std::int64_t i = 0; i < hidden; ++i) reset[i] = sums[hidden + i] * h[i];
      multiply(recurrent + 2 * hidden * hidden, reset, hidden, candidate);
    }
    for (std::int64_t i = 0; i < hidden; ++i) {
      float b = recurrent_bias(2 * hidden + i, 3);
      float inner = late ? sums[hidden + i] * (candidate[i] + b) : candidate[i] + b;
      float proposed = activations[1](limit(x[2 * hidden + i] + inner));
      h[i] = (1.0f - sums[i]) * proposed + sums[i] * h[i];
    }
  }

  // Gates: input, output, forget, cell; peepholes: input, output, forget.
  void step_lstm(const float* x) {
    bool coupled = node.get_int("input_forget", 0) != 0;
    multiply(recurrent, h, 4 * hidden, sums.data());
    auto sum = [&](std::int64_t gate, std::int64_t i) {
      std::int64_t at = gate * hidden + i;
      return x[at] + sums[at] + recurrent_bias(at, 4);
    };
    auto peephole = [&](std::int64_t gate, std::int64_t i) {
      return peepholes ? peepholes[gate * hidden + i] * c[i] : 0.0f;
    };
    for (std::int64_t i = 0; i < hidden; ++i) {
      float input = activations[0](limit(sum(0, i) + peephole(0, i)));
      float forget = coupled ? 1.0f - input : activations[0](limit(sum(2, i) + peephole(2, i)));
      c[i] = forget * c[i] + input * activations[1](limit(sum(3, i)));
      if (cell_clip > 0) c[i] = std::clamp(c[i], -cell_clip, cell_clip);
      float output = activations[0](limit(sum(1, i) + peephole(1, i)));
      h[i] = output * activations[2](c[i]);
    }
  }

  void step(const float* x) {
    if (node.op == "LSTM")
      step_lstm(x);
    else if (node.op == "GRU")
      step_gru(x);
    else
      step_rnn(x);
  }
};

// What the operand contributes to all gates of all steps, with its bias.
std::vector<float> project(const Call& call, const Sizes& s, std::int64_t d) {
  std::int64_t width = s.gates * s.hidden, rows = s.steps * s.batch;
  std::vector<float> sums(rows * width);
  const float* bias = call.given(3) ? in<float>(call, 3) + d * 2 * width : nullptr;
  for (std::int64_t i = 0; bias && i < rows * width; ++i) sums[i] = bias[i % width];
  Gemm g{rows, width, s.inputs};
  g.transpose_b = true, g.accumulate = true;
  gemm(g, in<float>(call, 0), in<float>(call, 1) + d * width * s.inputs, sums.data());
  return sums;
}

void run_sequence(const Call& call, const Sizes& s, std::int64_t d, std::int64_t b,
                  const std::vector<float>& sums, Cell& cell, std::int64_t length) {
  bool batch_first = call.node.get_int("layout", 0) != 0;
  bool backward = d == 1 || call.node.get_string("direction", "forward") == "reverse";
  std::int64_t state = (batch_first ? b * s.directions + d : d * s.batch + b) * s.hidden;
  cell.h.assign(s.hidden, 0.0f), cell.c.assign(s.hidden, 0.0f);
  if (call.given(5)) std::copy_n(in<float>(call, 5) + state, s.hidden, cell.h.begin());
  if (call.given(6)) std::copy_n(in<float>(call, 6) + state, s.hidden, cell.c.begin());
  for (std::int64_t k = 0; k < s.steps; ++k) {
    std::int64_t t = backward && k < length ? length - 1 - k : k;
    if (k < length)
      cell.step(sums.data() + (batch_first ? b * s.steps + t : t * s.batch + b) * s.gates * s.hidden);
    if (!wanted(call, 0)) continue;
    std::int64_t row =
        batch_first ? (b * s.steps + t) * s.directions + d : (t * s.directions + d) * s.batch + b;
    float* to = out<float>(call) + row * s.hidden;
    if (k < length)
      std::copy(cell.h.begin(), cell.h.end(), to);
    else
      std::fill_n(to, s.hidden, 0.0f);
  }
  if (wanted(call, 1)) std::copy(cell.h.begin(), cell.h.end(), out<float>(call, 1) + state);
  if (wanted(call, 2)) std::copy(cell.c.begin(), cell.c.end(), out<float>(call, 2) + state);
}

Status evaluate(const Call& call) {
  auto s = sizes_of(call);
  if (!s) return s.status();
  auto activations = activations_of(call.node, s->directions);
  auto lengths = integers(call, 4, std::vector<std::int64_t>(s->batch, s->steps));
  if (!lengths) return fail(call, "lengths of this type are not supported");
  std::int64_t width = s->gates * s->hidden;
  for (std::int64_t d = 0; d < s->directions; ++d) {
    auto sums = project(call, *s, d);
    Cell cell{call.node,
              s->hidden,
              in<float>(call, 2) + d * width * s->hidden,
              call.given(3) ? in<float>(call, 3) + d * 2 * width : nullptr,
              call.given(7) ? in<float>(call, 7) + d * 3 * s->hidden : nullptr,
              activations.data() + d * static_cast<std::int64_t>(activations.size()) / s->directions,
              call.node.get_float("clip", 0.0f),
              call.node.get_float("cell_clip", 0.0f),
              {},
              {},
              std::vector<float>(width),
              std::vector<float>(s->hidden)};
    for (std::int64_t b = 0; b < s->batch; ++b)
      run_sequence(call, *s, d, b, sums, cell, std::clamp<std::int64_t>((*lengths)[b], 0, s->steps));
  }
  return {};
}

constexpr Kernel rows[] = {{"RNN", infer, evaluate}, {"GRU", infer, evaluate}, {"LSTM", infer, evaluate}};

}  // namespace

std::span<const Kernel> recurrent_kernels() { return rows; }

}  // namespace mlq::kernels
