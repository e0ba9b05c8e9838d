// Layers with memory from one step of a sequence to the next, as ONNX's RNN, GRU and LSTM.
//
// The file holds one matrix for each gate; each stays a constant of its own, so that it can be quantized and
// put back, and they are joined by nodes of the graph. Pre-activations are clipped to [-50, 50].
#include "compiler/frontends/coreml/layers.h"
#include "compiler/frontends/coreml/network.pb.h"

namespace mlqc::coreml {

namespace {

using Layer = NeuralNetworkLayer;

constexpr float clip_of_sums = 50, clip_of_cells = 50;

// Functions of the gates, in the words of ONNX's attributes.
struct Functions {
  std::string names;
  std::vector<float> alpha, beta;

  void add(const char* name, float a = 0, float b = 0) {
    names += (names.empty() ? "" : ",") + std::string(name);
    alpha.push_back(a);
    beta.push_back(b);
  }
};

void add_function(Build& b, const Activation& f, Functions& functions) {
  switch (f.kind_case()) {
    case Activation::kLinear:
      return functions.add("Affine", f.linear().alpha(), f.linear().beta());
    case Activation::kRelu:
      return functions.add("Relu");
    case Activation::kLeakyRelu:
      return functions.add("LeakyRelu", f.leaky_relu().alpha());
    case Activation::kThresholdedRelu:
      return functions.add("ThresholdedRelu", f.thresholded_relu().alpha());
    case Activation::kTanh:
      return functions.add("Tanh");
    case Activation::kScaledTanh:
      return functions.add("ScaledTanh", f.scaled_tanh().alpha(), f.scaled_tanh().beta());
    case Activation::kSigmoid:
      return functions.add("Sigmoid");
    case Activation::kSigmoidHard:
      return functions.add("HardSigmoid", f.sigmoid_hard().alpha(), f.sigmoid_hard().beta());
    case Activation::kElu:
      return functions.add("Elu", f.elu().alpha());
    case Activation::kSoftsign:
      return functions.add("Softsign");
    case Activation::kSoftplus:
      return functions.add("Softplus");
    default:
      b.fail("has a gate whose function is none of a single number");
  }
}

template <class Repeated>
void add_functions(Build& b, const Repeated& given, int wanted, Functions& functions) {
  b.require(given.size() == wanted, "has another number of functions than its gates take");
  for (const Activation& f : given) add_function(b, f, functions);
}

struct Sizes {
  std::int64_t inputs, outputs, directions = 1;
};

// x as [sequence, batch, inputs]: networks with the RANK5 mapping have [sequence, inputs, 1, 1].
TensorId steps(Build& b, const Sizes& sizes) {
  const TensorId x = b.in();
  const Shape& shape = b.shape(x);
  b.require(shape.size() >= 3 && shape.size() <= 5 && (b.rank5 || shape.size() != 4),
            "has an input that is no [sequence, batch, vector]");
  const std::int64_t batch = b.rank5 ? 1 : shape[1];
  b.require(shape[0] >= 0 || batch >= 0, "needs to know the length or the batch of its input");
  return shape.size() == 3 && !b.rank5 ? x : b.reshape(x, {shape[0], batch, sizes.inputs});
}

TensorId backwards(Build& b, TensorId x) {
  return b.node("Slice", {x, b.ints({-1}), b.ints({-(std::int64_t{1} << 40)}), b.ints({0}), b.ints({-1})});
}

// [.., directions, batch, outputs] back to the form of the blobs.
TensorId blob_of(Build& b, TensorId y, std::int64_t sequence, std::int64_t width) {
  const std::size_t rank = b.shape(b.in()).size();
  const std::int64_t batch = b.rank5 ? 1 : b.shape(b.in())[1];
  if (b.rank(y) == 3) y = b.node("Unsqueeze", {y, b.ints({0})});
  y = b.transpose(y, {0, 2, 1, 3});
  Shape target{sequence, batch, width};
  if (b.rank5) target.erase(target.begin() + 1);
  target.resize(rank, 1);
  return b.reshape(y, target);
}

// A state that comes in as a blob [1, batch, outputs, 1, 1], one for each direction.
TensorId state(Build& b, const Sizes& sizes, std::initializer_list<int> inputs) {
  Ids parts;
  const std::int64_t batch = b.rank5 ? 1 : b.shape(b.in())[1];
  for (const int i : inputs) {
    if (i >= b.inputs()) return mlq::no_tensor;
    parts.push_back(b.reshape(b.in(i), {1, batch, sizes.outputs}));
  }
  return parts.size() == 1 ? parts[0] : b.node("Concat", parts, {{"axis", std::int64_t{0}}});
}

// The gates' matrices one below the other: [1, gates * outputs, columns].
TensorId stack(Build& b, std::initializer_list<const Weights*> gates, std::int64_t rows,
               std::int64_t columns) {
  Ids parts;
  for (const Weights* gate : gates) parts.push_back(b.weight(*gate, {rows, columns}));
  const TensorId all = parts.size() == 1 ? parts[0] : b.node("Concat", parts, {{"axis", std::int64_t{0}}});
  return b.node("Unsqueeze", {all, b.ints({0})});
}

// The gates' vectors one after the other, [1, gates * outputs]; null is a vector of zeros.
TensorId join(Build& b, std::initializer_list<TensorId> gates, std::int64_t outputs) {
  Ids parts;
  for (const TensorId gate : gates)
    parts.push_back(gate != mlq::no_tensor ? gate : b.node("Expand", {b.number(0), b.ints({outputs})}));
  const TensorId all = b.node("Concat", parts, {{"axis", std::int64_t{0}}});
  return b.node("Unsqueeze", {all, b.ints({0})});
}

// A bias of ONNX: that of the operand, then that of the recursion, which the format does not have.
TensorId with_zeros(Build& b, TensorId bias) {
  const TensorId zeros = b.node("Expand", {b.number(0), b.ints(b.shape(bias))});
  return b.node("Concat", {bias, zeros}, {{"axis", std::int64_t{1}}});
}

// What all kinds have in common behind their operands.
struct Run {
  const char* op;
  Sizes sizes;
  Ids operands;  // from the weights on
  Attributes attributes;
  bool sequence = false, reversed = false;
};

Ids run(Build& b, Run r, int results) {
  TensorId x = steps(b, r.sizes);
  if (r.reversed) x = backwards(b, x);
  r.operands.insert(r.operands.begin(), x);
  r.attributes["clip"] = clip_of_sums;
  r.attributes["hidden_size"] = r.sizes.outputs;
  Ids all = b.nodes(r.op, std::move(r.operands), results, std::move(r.attributes));
  const std::int64_t length = b.shape(b.in())[0];
  b.out(blob_of(b, all[r.sequence ? 0 : 1], r.sequence ? length : 1, r.sizes.directions * r.sizes.outputs));
  return all;
}

void set_functions(Attributes& attributes, Functions functions) {
  attributes["activations"] = std::move(functions.names);
  attributes["activation_alpha"] = std::move(functions.alpha);
  attributes["activation_beta"] = std::move(functions.beta);
}

TensorId gate_bias(Build& b, bool given, const Weights& bias, std::int64_t outputs) {
  return given ? b.weight(bias, {outputs}) : mlq::no_tensor;
}

// The last state of direction `d`, a second and further output where the layer has one.
void out_state(Build& b, TensorId states, std::int64_t d, const Sizes& sizes, int output) {
  if (output >= b.outputs()) return;
  if (sizes.directions > 1) states = b.node("Slice", {states, b.ints({d}), b.ints({d + 1}), b.ints({0})});
  b.out(blob_of(b, states, 1, sizes.outputs), output);
}

void simple_recurrent(Build& b, const Layer& layer, const char*) {
  const SimpleRecurrent& p = layer.simple_recurrent();
  const Sizes sizes{size(b, p.input_vector_size()), size(b, p.output_vector_size())};
  const TensorId w = stack(b, {&p.weight_matrix()}, sizes.outputs, sizes.inputs);
  const TensorId r = stack(b, {&p.recursion_matrix()}, sizes.outputs, sizes.outputs);
  const TensorId bias = with_zeros(
      b, join(b, {gate_bias(b, p.with_bias_vector(), p.bias_vector(), sizes.outputs)}, sizes.outputs));
  Run run_it{"RNN",
             sizes,
             {w, r, bias, mlq::no_tensor, state(b, sizes, {1})},
             {},
             p.sequence_output(),
             p.reverse_input()};
  Functions functions;
  add_function(b, p.activation(), functions);
  set_functions(run_it.attributes, std::move(functions));
  out_state(b, run(b, std::move(run_it), 2)[1], 0, sizes, 1);
}

void gru(Build& b, const Layer& layer, const char*) {
  const Gru& p = layer.gru();
  const Sizes sizes{size(b, p.input_vector_size()), size(b, p.output_vector_size())};
  const TensorId w = stack(
      b, {&p.update_gate_weight_matrix(), &p.reset_gate_weight_matrix(), &p.output_gate_weight_matrix()},
      sizes.outputs, sizes.inputs);
  const TensorId r = stack(b,
                           {&p.update_gate_recursion_matrix(), &p.reset_gate_recursion_matrix(),
                            &p.output_gate_recursion_matrix()},
                           sizes.outputs, sizes.outputs);
  const auto bias = [&](const Weights& gate) {
    return gate_bias(b, p.with_bias_vectors(), gate, sizes.outputs);
  };
  const TensorId biases =
      with_zeros(b, join(b,
                         {bias(p.update_gate_bias_vector()), bias(p.reset_gate_bias_vector()),
                          bias(p.output_gate_bias_vector())},
                         sizes.outputs));
  Run run_it{"GRU",
             sizes,
             {w, r, biases, mlq::no_tensor, state(b, sizes, {1})},
             {},
             p.sequence_output(),
             p.reverse_input()};
  Functions functions;
  add_functions(b, p.activations(), 2, functions);
  set_functions(run_it.attributes, std::move(functions));
  out_state(b, run(b, std::move(run_it), 2)[1], 0, sizes, 1);
}

// Of one direction, in ONNX's order of gates: input, output, forget, block input.
struct LstmParts {
  TensorId w, r, bias, peepholes;
};

LstmParts lstm_parts(Build& b, const LstmWeights& p, const LstmOptions& options, const Sizes& sizes) {
  const std::int64_t n = sizes.outputs;
  const auto vector = [&](bool given, const Weights& weights) { return gate_bias(b, given, weights, n); };
  const bool biased = options.with_bias_vectors();
  TensorId forget = vector(biased, p.forget_gate_bias_vector());
  if (options.forget_bias())
    forget = biased ? b.add(forget, b.number(1)) : b.node("Expand", {b.number(1), b.ints({n})});
  LstmParts parts{};
  parts.w = stack(b,
                  {&p.input_gate_weight_matrix(), &p.output_gate_weight_matrix(),
                   &p.forget_gate_weight_matrix(), &p.block_input_weight_matrix()},
                  n, sizes.inputs);
  parts.r = stack(b,
                  {&p.input_gate_recursion_matrix(), &p.output_gate_recursion_matrix(),
                   &p.forget_gate_recursion_matrix(), &p.block_input_recursion_matrix()},
                  n, n);
  parts.bias = with_zeros(
      b, join(b,
              {vector(biased, p.input_gate_bias_vector()), vector(biased, p.output_gate_bias_vector()),
               forget, vector(biased, p.block_input_bias_vector())},
              n));
  const bool peeps = options.with_peephole_vectors();
  parts.peepholes = mlq::no_tensor;
  if (peeps)
    parts.peepholes =
        join(b,
             {vector(peeps, p.input_gate_peephole_vector()), vector(peeps, p.output_gate_peephole_vector()),
              vector(peeps, p.forget_gate_peephole_vector())},
             n);
  return parts;
}

Run lstm_run(const LstmOptions& options, const Sizes& sizes) {
  Run r{"LSTM", sizes, {}, {}, options.sequence_output(), false};
  r.attributes["input_forget"] = std::int64_t{options.coupled_input_and_forget_gate()};
  r.attributes["cell_clip"] = or_default(options.cell_clip_threshold(), clip_of_cells);
  return r;
}

void uni_directional_lstm(Build& b, const Layer& layer, const char*) {
  const UniDirectionalLstm& p = layer.uni_directional_lstm();
  const Sizes sizes{size(b, p.input_vector_size()), size(b, p.output_vector_size())};
  const LstmParts parts = lstm_parts(b, p.weight_params(), p.params(), sizes);
  Run r = lstm_run(p.params(), sizes);
  r.reversed = p.reverse_input();
  r.operands = {
      parts.w,        parts.r, parts.bias, mlq::no_tensor, state(b, sizes, {1}), state(b, sizes, {2}),
      parts.peepholes};
  Functions functions;
  add_functions(b, p.activations(), 3, functions);
  set_functions(r.attributes, std::move(functions));
  const Ids all = run(b, std::move(r), 3);
  out_state(b, all[1], 0, sizes, 1);
  out_state(b, all[2], 0, sizes, 2);
}

// Forward and backward side by side; further outputs are y, c of the one and of the other.
void bi_directional_lstm(Build& b, const Layer& layer, const char*) {
  const BiDirectionalLstm& p = layer.bi_directional_lstm();
  b.require(p.weight_params_size() == 2, "has weights for other than two directions");
  const Sizes sizes{size(b, p.input_vector_size()), size(b, p.output_vector_size()), 2};
  const LstmParts forward = lstm_parts(b, p.weight_params(0), p.params(), sizes),
                  backward = lstm_parts(b, p.weight_params(1), p.params(), sizes);
  const auto both = [&](TensorId one, TensorId other) {
    return one == mlq::no_tensor ? one : b.node("Concat", {one, other}, {{"axis", std::int64_t{0}}});
  };
  Run r = lstm_run(p.params(), sizes);
  r.attributes["direction"] = std::string("bidirectional");
  r.operands = {both(forward.w, backward.w),
                both(forward.r, backward.r),
                both(forward.bias, backward.bias),
                mlq::no_tensor,
                state(b, sizes, {1, 3}),
                state(b, sizes, {2, 4}),
                both(forward.peepholes, backward.peepholes)};
  Functions functions;
  add_functions(b, p.activations_forward_lstm(), 3, functions);
  add_functions(b, p.activations_backward_lstm(), 3, functions);
  set_functions(r.attributes, std::move(functions));
  const Ids all = run(b, std::move(r), 3);
  for (int d = 0; d < 2; ++d) {
    out_state(b, all[1], d, sizes, 1 + 2 * d);
    out_state(b, all[2], d, sizes, 2 + 2 * d);
  }
}

constexpr Row rows[] = {
    {Layer::kSimpleRecurrent, simple_recurrent},
    {Layer::kGru, gru},
    {Layer::kUniDirectionalLstm, uni_directional_lstm},
    {Layer::kBiDirectionalLstm, bi_directional_lstm},
};

}  // namespace

std::span<const Row> recurrent_rows() { return rows; }

}  // namespace mlqc::coreml
