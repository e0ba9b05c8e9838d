// RNN, GRU and LSTM. The format's layers take [steps, batch, vector, 1, 1] and a matrix of its own for each
// gate.
#include <algorithm>
#include <sstream>

#include "compiler/backends/coreml_writer/packed.h"
#include "compiler/backends/coreml_writer/writer.h"
#include "compiler/frontends/coreml/network.pb.h"

namespace mlqc::coreml_writer {

namespace {

// The functions of the gates, as the runtime reads the node's attributes.
class Functions {
 public:
  explicit Functions(const Writer& w) : w_(w) {
    const std::string defaults = w.node().op == "RNN"   ? "Tanh"
                                 : w.node().op == "GRU" ? "Sigmoid,Tanh"
                                                        : "Sigmoid,Tanh,Tanh";
    std::string names = w.node().get_string("activations", "");
    if (names.empty()) names = is_bidirectional(w) ? defaults + "," + defaults : defaults;
    std::istringstream list(names);
    for (std::string name; std::getline(list, name, ',');) names_.push_back(name);
    alphas_ = w.node().get_floats("activation_alpha"), betas_ = w.node().get_floats("activation_beta");
  }

  static bool is_bidirectional(const Writer& w) {
    return w.node().get_string("direction", "forward") == "bidirectional";
  }

  void set(std::size_t i, coreml::Activation& to) const {
    w_.require(i < names_.size(), "has too few functions for its gates");
    const std::string& name = names_[i];
    if (name == "Sigmoid") return static_cast<void>(to.mutable_sigmoid());
    if (name == "Tanh") return static_cast<void>(to.mutable_tanh());
    if (name == "Relu") return static_cast<void>(to.mutable_relu());
    if (name == "Softsign") return static_cast<void>(to.mutable_softsign());
    if (name == "Softplus") return static_cast<void>(to.mutable_softplus());
    if (name == "LeakyRelu") return to.mutable_leaky_relu()->set_alpha(number(alphas_, i, 0.01f));
    if (name == "Elu") return to.mutable_elu()->set_alpha(number(alphas_, i, 1));
    if (name == "ThresholdedRelu") return to.mutable_thresholded_relu()->set_alpha(number(alphas_, i, 1));
    if (name == "HardSigmoid") return set_both(*to.mutable_sigmoid_hard(), i, 0.2f, 0.5f);
    if (name == "ScaledTanh") return set_both(*to.mutable_scaled_tanh(), i, 1, 1);
    w_.require(name == "Affine" || name == "Linear", "has a function that the format has not");
    set_both(*to.mutable_linear(), i, 1, 0);
  }

 private:
  static float number(const std::vector<float>& given, std::size_t i, float otherwise) {
    return i < given.size() ? given[i] : otherwise;
  }
  template <class AlphaBeta>
  void set_both(AlphaBeta& to, std::size_t i, float alpha, float beta) const {
    to.set_alpha(number(alphas_, i, alpha));
    to.set_beta(number(betas_, i, beta));
  }

  const Writer& w_;
  std::vector<std::string> names_;
  std::vector<float> alphas_, betas_;
};

// The weights of one direction, gate by gate in ONNX's order.
class Gates {
 public:
  Gates(Writer& w, std::int64_t direction) : w_(w), direction_(direction), units_(w.shape(2).at(2)) {
    gates_ = w.shape(1).at(1) / std::max<std::int64_t>(units_, 1);
    if (!w.given(3)) return;
    const std::vector<float> both = w.floats(3, "biases");
    const std::int64_t all = gates_ * units_, first = 2 * all * direction;
    for (std::int64_t i = 0; i < all; ++i)
      bias_.push_back(both[static_cast<std::size_t>(first + i)] +
                      both[static_cast<std::size_t>(first + all + i)]);
  }

  void matrix(coreml::Weights& to, std::int64_t gate) const { rows(to, 1, gate); }
  void recurrent(coreml::Weights& to, std::int64_t gate) const { rows(to, 2, gate); }
  void bias(coreml::Weights& to, std::int64_t gate) const {
    for (std::int64_t i = 0; i < units_ && !bias_.empty(); ++i)
      to.add_float_value(bias_[static_cast<std::size_t>(gate * units_ + i)]);
  }
  void peephole(coreml::Weights& to, std::int64_t which) const {
    const std::vector<float> all = w_.floats(7, "peepholes");
    for (std::int64_t i = 0; i < units_; ++i)
      to.add_float_value(all[static_cast<std::size_t>((3 * direction_ + which) * units_ + i)]);
  }

 private:
  void rows(coreml::Weights& to, std::size_t operand, std::int64_t gate) const {
    w_.weights(to, rows_of(w_.tensor(w_.operand(operand)), direction_, gate * units_, units_));
  }

  Writer& w_;
  std::int64_t direction_, units_, gates_ = 0;
  std::vector<float> bias_;
};

bool is_captured(const mlq::Node& node, const std::string& name) {
  for (const auto& [key, value] : node.attributes)
    if (const auto* inner = std::get_if<std::shared_ptr<const mlq::Graph>>(&value))
      if (std::ranges::count((*inner)->tensors, name, &mlq::Tensor::name) > 0) return true;
  return false;
}

// Which results of the node something reads.
struct Wanted {
  bool all = false, last = false, cell = false;
};

Wanted wanted(const Writer& w) {
  const auto& outputs = w.node().outputs;
  const auto is_read = [&](std::size_t i) {
    if (i >= outputs.size() || outputs[i] == mlq::no_tensor) return false;
    const auto reads = [&](const mlq::Node& node) {
      return std::ranges::count(node.inputs, outputs[i]) > 0 || is_captured(node, w.tensor(outputs[i]).name);
    };
    return std::ranges::any_of(w.graph.nodes, reads) ||
           std::ranges::any_of(w.graph.outputs,
                               [&](const auto& output) { return output.tensor == outputs[i]; });
  };
  return {is_read(0), is_read(1), is_read(2)};
}

void check(const Writer& w) {
  for (const std::size_t weights : {1, 2, 3, 7})
    w.require(!w.given(weights) || w.is_constant(weights), "has weights that are not constant");
  w.require(!w.given(4), "is told the lengths of its sequences");
  w.require(w.node().get_int("layout", 0) == 0, "has the batch in front");
  w.require(w.given(5) == w.given(6) || w.node().op != "LSTM", "is given one of its two states");
  w.require(
      !w.node().get_int("linear_before_reset", 0) || w.node().op != "GRU",
      "resets after the recurrent product, as the format's layer does not, in a number of steps that is "
      "not known, or both ways");
  const bool both = Functions::is_bidirectional(w);
  w.require(!both || w.node().op == "LSTM", "runs both ways, as only LSTMs do there");
  w.require(!both || !w.given(5), "runs both ways from given states");
}

// With two axes of one place behind.
std::string deepened(Writer& w, const std::string& blob) {
  auto [layer, y] = w.step({blob});
  layer->mutable_expand_dims()->add_axes(3);
  layer->mutable_expand_dims()->add_axes(4);
  return y;
}

void flatten(Writer& w, const std::string& blob, const std::string& to) {
  coreml::Squeeze& s = *w.layer({blob}, {to}).mutable_squeeze();
  s.add_axes(3), s.add_axes(4);
}

// What was computed backwards, in the order of the steps.
std::string turned(Writer& w, const std::string& blob) {
  auto [layer, y] = w.step({blob});
  for (int axis = 0; axis < 3; ++axis) layer->mutable_reverse()->add_reverse_dim(axis == 0);
  return y;
}

// [steps, batch, units] to ONNX's [steps, 1, batch, units].
void write_all(Writer& w, const std::string& blob, bool backwards) {
  const std::string flat = w.fresh();
  flatten(w, blob, flat);
  w.layer({backwards ? turned(w, flat) : flat}, {w.out(0)}).mutable_expand_dims()->add_axes(1);
}

// [steps, batch, 2 * units] to [steps, 2, batch, units].
void write_both(Writer& w, const std::string& blob) {
  const std::string flat = w.fresh(), one = w.fresh(), other = w.fresh();
  flatten(w, blob, flat);
  coreml::SplitNd& split = *w.layer({flat}, {one, other}).mutable_split_nd();
  split.set_axis(2), split.set_num_splits(2);
  Blobs deeper;
  for (const std::string& half : {one, other}) {
    auto [layer, y] = w.step({half});
    layer->mutable_expand_dims()->add_axes(1);
    deeper.push_back(y);
  }
  w.layer(deeper, {w.out(0)}).mutable_concat_nd()->set_axis(1);
}

void write_state(Writer& w, const Blobs& blobs, std::size_t result) {
  if (blobs.size() == 1) return flatten(w, blobs[0], w.out(result));
  Blobs flat;
  for (const std::string& blob : blobs) {
    flat.push_back(w.fresh());
    flatten(w, blob, flat.back());
  }
  w.layer(flat, {w.out(result)}).mutable_concat_nd()->set_axis(0);
}

void set_options(const Writer& w, bool sequence, coreml::LstmOptions& options) {
  options.set_sequence_output(sequence);
  options.set_with_bias_vectors(w.given(3));
  options.set_with_peephole_vectors(w.given(7));
  options.set_coupled_input_and_forget_gate(w.node().get_int("input_forget", 0) != 0);
  options.set_cell_clip_threshold(w.node().get_float("cell_clip", 0));
}

// ONNX's order of gates: input, output, forget, cell.
void set_lstm(const Writer& w, const Gates& gates, coreml::LstmWeights& to) {
  gates.matrix(*to.mutable_input_gate_weight_matrix(), 0);
  gates.matrix(*to.mutable_output_gate_weight_matrix(), 1);
  gates.matrix(*to.mutable_forget_gate_weight_matrix(), 2);
  gates.matrix(*to.mutable_block_input_weight_matrix(), 3);
  gates.recurrent(*to.mutable_input_gate_recursion_matrix(), 0);
  gates.recurrent(*to.mutable_output_gate_recursion_matrix(), 1);
  gates.recurrent(*to.mutable_forget_gate_recursion_matrix(), 2);
  gates.recurrent(*to.mutable_block_input_recursion_matrix(), 3);
  if (w.given(3)) {
    gates.bias(*to.mutable_input_gate_bias_vector(), 0);
    gates.bias(*to.mutable_output_gate_bias_vector(), 1);
    gates.bias(*to.mutable_forget_gate_bias_vector(), 2);
    gates.bias(*to.mutable_block_input_bias_vector(), 3);
  }
  if (w.given(7)) {
    gates.peephole(*to.mutable_input_gate_peephole_vector(), 0);
    gates.peephole(*to.mutable_output_gate_peephole_vector(), 1);
    gates.peephole(*to.mutable_forget_gate_peephole_vector(), 2);
  }
}

// What the three kinds have in common.
template <class Layer>
void set_sizes(const Writer& w, Layer& layer) {
  layer.set_input_vector_size(static_cast<std::uint64_t>(w.shape(1)[2]));
  layer.set_output_vector_size(static_cast<std::uint64_t>(w.shape(2)[2]));
}

void fill_rnn(Writer& w, bool sequence, bool backwards, coreml::SimpleRecurrent& p) {
  const Gates gates(w, 0);
  set_sizes(w, p);
  Functions(w).set(0, *p.mutable_activation());
  p.set_sequence_output(sequence);
  p.set_reverse_input(backwards);
  gates.matrix(*p.mutable_weight_matrix(), 0), gates.recurrent(*p.mutable_recursion_matrix(), 0);
  p.set_with_bias_vector(w.given(3));
  if (w.given(3)) gates.bias(*p.mutable_bias_vector(), 0);
}

// ONNX's order of gates: update, reset, hidden.
void fill_gru(Writer& w, bool sequence, bool backwards, coreml::Gru& p) {
  const Gates gates(w, 0);
  set_sizes(w, p);
  const Functions functions(w);
  for (std::size_t i = 0; i < 2; ++i) functions.set(i, *p.add_activations());
  p.set_sequence_output(sequence);
  p.set_reverse_input(backwards);
  gates.matrix(*p.mutable_update_gate_weight_matrix(), 0);
  gates.matrix(*p.mutable_reset_gate_weight_matrix(), 1);
  gates.matrix(*p.mutable_output_gate_weight_matrix(), 2);
  gates.recurrent(*p.mutable_update_gate_recursion_matrix(), 0);
  gates.recurrent(*p.mutable_reset_gate_recursion_matrix(), 1);
  gates.recurrent(*p.mutable_output_gate_recursion_matrix(), 2);
  p.set_with_bias_vectors(w.given(3));
  if (!w.given(3)) return;
  gates.bias(*p.mutable_update_gate_bias_vector(), 0);
  gates.bias(*p.mutable_reset_gate_bias_vector(), 1);
  gates.bias(*p.mutable_output_gate_bias_vector(), 2);
}

void fill_lstm(Writer& w, bool sequence, bool backwards, coreml::UniDirectionalLstm& p) {
  set_sizes(w, p);
  const Functions functions(w);
  for (std::size_t i = 0; i < 3; ++i) functions.set(i, *p.add_activations());
  set_options(w, sequence, *p.mutable_params());
  p.set_reverse_input(backwards);
  set_lstm(w, Gates(w, 0), *p.mutable_weight_params());
}

void fill_both(Writer& w, bool sequence, coreml::BiDirectionalLstm& p) {
  set_sizes(w, p);
  const Functions functions(w);
  for (std::size_t i = 0; i < 3; ++i) {
    functions.set(i, *p.add_activations_forward_lstm());
    functions.set(i + 3, *p.add_activations_backward_lstm());
  }
  set_options(w, sequence, *p.mutable_params());
  for (const std::int64_t direction : {0, 1}) set_lstm(w, Gates(w, direction), *p.add_weight_params());
}

// Sequence or last step, last step, cell: for both directions, the latter two of each.
void recurrent(Writer& w, const Row& row) {
  check(w);
  const bool both = Functions::is_bidirectional(w), lstm = row.op == "LSTM",
             backwards = w.node().get_string("direction", "forward") == "reverse";
  const Wanted use = wanted(w);
  Blobs inputs{deepened(w, w.in(0))}, outputs{w.fresh()}, last, cell;
  if (w.given(5)) inputs.push_back(deepened(w, w.in(5)));
  if (w.given(6)) inputs.push_back(deepened(w, w.in(6)));
  if (both || use.cell || (use.all && use.last))
    for (int direction = 0; direction <= both; ++direction) {
      outputs.push_back(last.emplace_back(w.fresh()));
      if (lstm) outputs.push_back(cell.emplace_back(w.fresh()));
    }
  NeuralNetworkLayer& layer = w.layer(inputs, outputs);
  if (both)
    fill_both(w, use.all, *layer.mutable_bi_directional_lstm());
  else if (lstm)
    fill_lstm(w, use.all, backwards, *layer.mutable_uni_directional_lstm());
  else if (row.op == "GRU")
    fill_gru(w, use.all, backwards, *layer.mutable_gru());
  else
    fill_rnn(w, use.all, backwards, *layer.mutable_simple_recurrent());
  w.finish();
  if (use.all) both ? write_both(w, outputs[0]) : write_all(w, outputs[0], backwards);
  if (use.last) write_state(w, last.empty() ? Blobs{outputs[0]} : last, 1);
  if (use.cell) write_state(w, cell, 2);
}

constexpr Row rows[] = {{"GRU", recurrent}, {"LSTM", recurrent}, {"RNN", recurrent}};

}  // namespace

std::span<const Row> recurrent_rows() { return rows; }

}  // namespace mlqc::coreml_writer
