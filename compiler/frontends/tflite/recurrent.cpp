// Layers with memory. Those that read a whole sequence begin with zeros. Those that keep what they saw for
// the next prediction take it as an input and give it back as an output, for a prediction here depends on its
// inputs alone.
#include "compiler/frontends/nhwc/arrays.h"
#include "compiler/frontends/tflite/operators.h"
#include "model_generated.h"

namespace mlqc::tflite {

namespace {

const char* function_of(const Net& net, int activation) {
  switch (activation) {
    case wire::Activation_none:
      return "Linear";
    case wire::Activation_relu:
      return "Relu";
    case wire::Activation_tanh:
      return "Tanh";
    default:
      net.b.fail("has a fused activation that mlq does not run in recurrent layers");
  }
}

// Matrices [units, columns] or vectors, one for each gate, as [1, gates * units, ...].
TensorId stacked(Net& net, std::initializer_list<std::size_t> operands, const char* field) {
  Ids parts;
  for (const std::size_t i : operands) {
    const TensorId id = net.in(i);
    parts.push_back(
        net.b.is_constant(id) ? net.b.named(id, (std::string(field) + "." + std::to_string(i)).c_str()) : id);
  }
  return nhwc::expand_dims(net.b, parts.size() == 1 ? parts[0] : nhwc::concat(net.b, parts, 0), 0);
}

// The bias of the recursion is none.
TensorId biases(Net& net, std::initializer_list<std::size_t> operands) {
  const TensorId bias = stacked(net, operands, "bias");
  const Shape& shape = net.b.shape(bias);
  net.b.require(shape.size() == 2 && shape[1] > 0 && shape[1] < 1 << 24, "has biases of another rank");
  const std::vector<float> zeros(static_cast<std::size_t>(shape[1]), 0);
  return nhwc::concat(net.b, {bias, net.b.floats({1, shape[1]}, zeros)}, 1);
}

TensorId steps_first(Net& net, bool time_major) {
  const TensorId x = net.in(0);
  net.b.require(net.b.rank(x) == 3, "needs a sequence of vectors");
  return time_major ? x : net.b.transpose(x, {1, 0, 2});
}

// A layer of one direction: all but its operand and its states.
struct Layer {
  const char* op;
  Ids weights;  // of the operand, of the recursion, bias
  Attributes attributes;
  TensorId peepholes = mlq::no_tensor;
};

// x is [steps, batch, vector], states [batch, units]; the results are those of ONNX's operator.
Ids run(Net& net, const Layer& layer, TensorId x, const Ids& states, bool backwards) {
  nhwc::Build& b = net.b;
  b.require(b.rank(layer.weights[1]) == 3, "has weights of another rank");
  Attributes attributes = layer.attributes;
  attributes["hidden_size"] = b.shape(layer.weights[1])[2];
  if (backwards) attributes["direction"] = std::string("reverse");
  const bool lstm = std::string_view(layer.op) == "LSTM";
  Ids operands{x, layer.weights[0], layer.weights[1], layer.weights[2]};
  if (!states.empty() || layer.peepholes != mlq::no_tensor) operands.push_back(mlq::no_tensor);  // lengths
  for (const TensorId state : states) operands.push_back(nhwc::expand_dims(b, state, 0));
  if (layer.peepholes != mlq::no_tensor) {
    operands.resize(7, mlq::no_tensor);
    operands.push_back(layer.peepholes);
  }
  return b.nodes(layer.op, operands, lstm ? 3 : 2, std::move(attributes));
}

// The sequence of results, [steps, batch, units].
TensorId sequence(Net& net, const Layer& layer, TensorId x, bool backwards) {
  return nhwc::squeeze(net.b, run(net, layer, x, {}, backwards)[0], {1});
}

void put(Net& net, TensorId y, bool time_major, std::size_t i = 0) {
  net.out(time_major ? y : net.b.transpose(y, {1, 0, 2}), i);
}

// One output for each direction, or both in one.
void put_both(Net& net, TensorId forth, TensorId back, bool time_major, bool merged) {
  if (merged) return put(net, nhwc::concat(net.b, {forth, back}, 2), time_major);
  put(net, forth, time_major);
  put(net, back, time_major, 1);
}

// Operands from number `first` on. Gates are kept as input, forget, cell, output; the operator wants input,
// output, forget, cell.
Layer lstm_layer(Net& net, std::size_t first, int activation, float clip) {
  net.b.require(net.given(first) && net.given(first + 4),
                "couples its input and forget gates, which mlq does not support");
  net.b.require(!net.given(first + 15) && !net.given(first + 16),
                "projects its state, which mlq does not support");
  const std::size_t w = first, r = first + 4, p = first + 8, b = first + 11;
  Layer layer{"LSTM",
              {stacked(net, {w, w + 3, w + 1, w + 2}, "weights"),
               stacked(net, {r, r + 3, r + 1, r + 2}, "recurrent"), biases(net, {b, b + 3, b + 1, b + 2})},
              {}};
  if (net.given(p)) layer.peepholes = stacked(net, {p, p + 2, p + 1}, "peepholes");
  const std::string function = function_of(net, activation);
  layer.attributes["activations"] = "Sigmoid," + function + "," + function;
  if (clip > 0) layer.attributes["cell_clip"] = clip;
  return layer;
}

Layer rnn_layer(Net& net, std::size_t first, int activation) {
  return {
      "RNN",
      {stacked(net, {first}, "weights"), stacked(net, {first + 1}, "recurrent"), biases(net, {first + 2})},
      {{"activations", std::string(function_of(net, activation))}}};
}

void refuse_operands(const Net& net, std::size_t from, std::size_t to, const char* what) {
  for (std::size_t i = from; i < to; ++i) net.b.require(!net.given(i), what);
}

constexpr const char* normalized = "normalizes its gates, which mlq does not support";
constexpr const char* auxiliary = "has an auxiliary input, which mlq does not support";

void sequence_lstm(Net& net, const char*) {
  const auto* o = net.op->options_as_SequenceLstm();
  net.b.require(o != nullptr, "has no options");
  refuse_operands(net, 20, 24, normalized);
  const Layer layer = lstm_layer(net, 1, o->activation(), o->cell_clip());
  put(net, sequence(net, layer, steps_first(net, o->time_major()), false), o->time_major());
}

void both_ways_lstm(Net& net, const char*) {
  const auto* o = net.op->options_as_BothWaysLstm();
  net.b.require(o != nullptr, "has no options");
  refuse_operands(net, 39, 48, auxiliary);
  const TensorId x = steps_first(net, o->time_major());
  const TensorId forth = sequence(net, lstm_layer(net, 1, o->activation(), o->cell_clip()), x, false);
  const TensorId back = sequence(net, lstm_layer(net, 18, o->activation(), o->cell_clip()), x, true);
  put_both(net, forth, back, o->time_major(), o->merge_outputs());
}

void sequence_rnn(Net& net, const char*) {
  const auto* o = net.op->options_as_SequenceRnn();
  net.b.require(o != nullptr, "has no options");
  const Layer layer = rnn_layer(net, 1, o->activation());
  put(net, sequence(net, layer, steps_first(net, o->time_major()), false), o->time_major());
}

void both_ways_rnn(Net& net, const char*) {
  const auto* o = net.op->options_as_BothWaysRnn();
  net.b.require(o != nullptr, "has no options");
  refuse_operands(net, 9, 12, auxiliary);
  const TensorId x = steps_first(net, o->time_major());
  const TensorId forth = sequence(net, rnn_layer(net, 1, o->activation()), x, false);
  const TensorId back = sequence(net, rnn_layer(net, 5, o->activation()), x, true);
  put_both(net, forth, back, o->time_major(), o->merge_outputs());
}

std::string state_name(const Net& net, std::size_t i) {
  const auto* name = net.tensor(net.op->inputs()->Get(static_cast<flatbuffers::uoffset_t>(i))).name();
  return name && name->size() > 0 ? name->str() : net.b.name() + "/state" + std::to_string(i);
}

// A variable of the file, which becomes an input.
TensorId state(Net& net, std::size_t i) {
  net.b.require(net.given(i), "lacks its state");
  const int index = net.op->inputs()->Get(static_cast<flatbuffers::uoffset_t>(i));
  const wire::Tensor& tensor = net.tensor(index);
  TensorId& known = net.values[static_cast<std::size_t>(index)];
  if (known != mlq::no_tensor || !tensor.is_variable()) return net.in(i);
  known = net.b.input(state_name(net, i), mlq::DataType::float32,
                      tensor.shape() ? Shape(tensor.shape()->begin(), tensor.shape()->end()) : Shape{});
  net.b.graph.inputs.back().description = "zeros, then what the prediction before gave";
  return known;
}

void keep(Net& net, std::size_t i, TensorId next) {
  net.states.emplace_back(state_name(net, i) + "_next", next);
}

// One step of a layer that keeps its states: the results beside the sequence are the states, [1, batch,
// units].
void step(Net& net, const Layer& layer, const std::vector<std::size_t>& states) {
  nhwc::Build& b = net.b;
  b.require(b.rank(net.in(0)) == 2, "needs a vector");
  Ids before;
  for (const std::size_t i : states) before.push_back(state(net, i));
  const Ids results = run(net, layer, nhwc::expand_dims(b, net.in(0), 0), before, false);
  for (std::size_t k = 0; k < states.size(); ++k) keep(net, states[k], nhwc::squeeze(b, results[k + 1], {0}));
  net.finish(net.states[net.states.size() - states.size()].second, wire::Activation_none);
}

void lstm(Net& net, const char*) {
  const auto* o = net.op->options_as_Lstm();
  net.b.require(o != nullptr, "has no options");
  net.b.require(o->kernel() == 0, "is of the basic kind, which mlq does not support");
  refuse_operands(net, 20, 24, normalized);
  step(net, lstm_layer(net, 1, o->activation(), o->cell_clip()), {18, 19});
}

void rnn(Net& net, const char*) {
  const auto* o = net.op->options_as_Rnn();
  step(net, rnn_layer(net, 1, o ? o->activation() : wire::Activation_none), {4});
}

// A product of low rank with a memory: each filter's last `memory` results, weighed, and `rank` filters to a
// unit.
void svdf(Net& net, const char*) {
  nhwc::Build& b = net.b;
  const auto* o = net.op->options_as_Svdf();
  const TensorId x = net.in(0), in_time = b.named(net.in(2), "weights_time");
  b.require(o && o->rank() > 0 && b.rank(x) == 2 && b.rank(in_time) == 2, "has other operands than it needs");
  const std::int64_t filters = b.shape(in_time)[0], memory = b.shape(in_time)[1], batch = b.shape(x)[0];
  b.require(filters > 0 && filters % o->rank() == 0 && memory > 0 && batch > 0,
            "has a rank that does not divide its filters");
  const TensorId now = nhwc::dense(b, x, b.named(net.in(1), "weights_feature"), mlq::no_tensor, true);
  TensorId seen = b.reshape(state(net, 4), {batch, filters, memory});
  seen = nhwc::concat(b, {nhwc::slice(b, seen, {0, 0, 1}, {-1, -1, -1}), nhwc::expand_dims(b, now, 2)}, 2);
  keep(net, 4, b.reshape(seen, {batch, filters * memory}));
  const TensorId each = nhwc::reduce(b, "ReduceSum", b.node("Mul", {seen, in_time}), {2}, false);
  TensorId y =
      nhwc::reduce(b, "ReduceSum", b.reshape(each, {batch, filters / o->rank(), o->rank()}), {2}, false);
  if (net.given(3)) y = b.node("Add", {y, b.named(net.in(3), "bias")});
  net.finish(y, o->activation());
}

constexpr Row rows[] = {
    {16, "LSTM", lstm},
    {24, "RNN", rnn},
    {27, "SVDF", svdf},
    {35, "UNIDIRECTIONAL_SEQUENCE_RNN", sequence_rnn},
    {44, "UNIDIRECTIONAL_SEQUENCE_LSTM", sequence_lstm},
    {46, "BIDIRECTIONAL_SEQUENCE_RNN", both_ways_rnn},
    {52, "BIDIRECTIONAL_SEQUENCE_LSTM", both_ways_lstm},
};

}  // namespace

std::span<const Row> recurrent_rows() { return rows; }

}  // namespace mlqc::tflite
