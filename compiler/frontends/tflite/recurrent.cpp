// Layers with memory. Those that read a whole sequence begin with zeros; those that keep what they saw from
// one prediction to the next are refused, for a prediction here depends on its input alone.
#include "compiler/frontends/nhwc/arrays.h"
#include "compiler/frontends/tflite/operators.h"
#include "model_generated.h"

namespace mlqc::tflite {

namespace {

void refuse_state(Net& net, const char*) {
  net.b.fail("keeps its state from one prediction to the next, which mlq does not support");
}

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

// The operator reads [steps, batch, vector]; its results are [steps, 1, batch, units].
void run(Net& net, const char* op, Ids operands, bool time_major, Attributes attributes) {
  nhwc::Build& b = net.b;
  TensorId x = net.in(0);
  b.require(b.rank(x) == 3, "needs a sequence of vectors");
  b.require(b.rank(operands[1]) == 3, "has weights of another rank");
  attributes["hidden_size"] = b.shape(operands[1])[2];
  if (!time_major) x = b.transpose(x, {1, 0, 2});
  operands.insert(operands.begin(), x);
  const bool lstm = std::string_view(op) == "LSTM";
  const TensorId y = nhwc::squeeze(b, b.nodes(op, operands, lstm ? 3 : 2, std::move(attributes))[0], {1});
  net.out(time_major ? y : b.transpose(y, {1, 0, 2}));
}

// Gates are kept as input, forget, cell, output; the operator wants input, output, forget, cell.
void sequence_lstm(Net& net, const char*) {
  const auto* o = net.op->options_as_SequenceLstm();
  net.b.require(o != nullptr, "has no options");
  net.b.require(net.given(1) && net.given(5),
                "couples its input and forget gates, which mlq does not support");
  net.b.require(!net.given(16) && !net.given(17), "projects its state, which mlq does not support");
  for (std::size_t i = 20; i < 24; ++i)
    net.b.require(!net.given(i), "normalizes its gates, which mlq does not support");
  Ids operands{stacked(net, {1, 4, 2, 3}, "weights"), stacked(net, {5, 8, 6, 7}, "recurrent"),
               biases(net, {12, 15, 13, 14})};
  if (net.given(9)) {
    operands.insert(operands.end(), 3, mlq::no_tensor);
    operands.push_back(stacked(net, {9, 11, 10}, "peepholes"));
  }
  Attributes attributes;
  const std::string function = function_of(net, o->activation());
  attributes["activations"] = "Sigmoid," + function + "," + function;
  if (o->cell_clip() > 0) attributes["cell_clip"] = o->cell_clip();
  run(net, "LSTM", std::move(operands), o->time_major(), std::move(attributes));
}

void sequence_rnn(Net& net, const char*) {
  const auto* o = net.op->options_as_SequenceRnn();
  net.b.require(o != nullptr, "has no options");
  const Ids operands{stacked(net, {1}, "weights"), stacked(net, {2}, "recurrent"), biases(net, {3})};
  run(net, "RNN", operands, o->time_major(),
      {{"activations", std::string(function_of(net, o->activation()))}});
}

constexpr Row rows[] = {
    {16, "LSTM", refuse_state},
    {24, "RNN", refuse_state},
    {27, "SVDF", refuse_state},
    {35, "UNIDIRECTIONAL_SEQUENCE_RNN", sequence_rnn},
    {44, "UNIDIRECTIONAL_SEQUENCE_LSTM", sequence_lstm},
};

}  // namespace

std::span<const Row> recurrent_rows() { return rows; }

}  // namespace mlqc::tflite
