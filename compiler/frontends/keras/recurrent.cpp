// SimpleRNN, GRU and LSTM, on ONNX's operators of these names: other orders of gates, steps outermost.
#include "compiler/frontends/keras/recurrent.h"

#include <algorithm>
#include <optional>

#include "compiler/frontends/keras/masks.h"
#include "compiler/frontends/nhwc/arrays.h"

namespace mlqc::keras {

namespace {

using Floats = std::vector<float>;

// Per kind: ONNX's operator and, for each of its gates, Keras' number of it.
struct Cell {
  std::string_view kind;
  const char* op;
  std::vector<std::size_t> gates;    // since Keras 2 in one array
  std::vector<std::size_t> gates_1;  // Keras 1: three arrays for each gate
  bool separate_bias;                // one for the state too (cuDNN)
};

const Cell* find_cell(std::string_view kind) {
  // ONNX: LSTM i o f c, GRU z r h. Keras: LSTM i f c o, GRU z r h; Keras 1: LSTM i c f o.
  static const Cell cells[] = {
      {"SimpleRNN", "RNN", {0}, {0}, false},
      {"GRU", "GRU", {0, 1, 2}, {0, 1, 2}, false},
      {"LSTM", "LSTM", {0, 3, 1, 2}, {0, 3, 2, 1}, false},
      {"CuDNNGRU", "GRU", {0, 1, 2}, {}, true},
      {"CuDNNLSTM", "LSTM", {0, 3, 1, 2}, {}, true},
  };
  for (const Cell& cell : cells)
    if (cell.kind == kind) return &cell;
  return nullptr;
}

// Keras 1 counts the units of a recurrent layer under another name.
bool is_keras_1(const Value& config) { return !config["output_dim"].null(); }

// The columns [gate * units, (gate + 1) * units) of a matrix, as rows.
void append_gate(Floats& to, const Floats& from, std::size_t rows, std::size_t columns, std::size_t gate,
                 std::size_t units) {
  for (std::size_t unit = 0; unit < units; ++unit)
    for (std::size_t row = 0; row < rows; ++row) to.push_back(from[row * columns + gate * units + unit]);
}

// What the file has of one direction: kernel [I, gates * units], state kernel [units, gates * units], bias.
struct Matrices {
  std::size_t inputs, units, gates;
  Floats kernel, state, bias, state_bias;
};

Matrices read_matrices(Net& net, const Cell& cell, const Recurrence& r) {
  const Value& config = *r.layer.config;
  const std::int64_t units = config["units"].integer(0), gates = static_cast<std::int64_t>(cell.gates.size());
  net.b.require(units > 0 && units < 1 << 20, "has a number of units out of range");
  Matrices m;
  m.units = static_cast<std::size_t>(units), m.gates = cell.gates.size();
  m.kernel = net.floats(r.first, {-1, gates * units});
  m.state = net.floats(r.first + 1, {units, gates * units});
  m.inputs = m.kernel.size() / (m.units * m.gates);
  const std::size_t all = m.units * m.gates;
  m.bias.assign(all, 0), m.state_bias.assign(all, 0);
  if (!cell.separate_bias && !has_bias(config)) return m;
  const Shape& shape =
      r.first + 2 < net.layer->weights.size() ? net.layer->weights[r.first + 2]->shape : Shape{};
  const Floats bias = net.floats(r.first + 2, Shape(shape.size(), -1));
  net.b.require(bias.size() == all || bias.size() == 2 * all, "has a bias of another size than it needs");
  std::copy_n(bias.begin(), all, m.bias.begin());
  if (bias.size() == 2 * all)
    std::copy_n(bias.begin() + static_cast<std::ptrdiff_t>(all), all, m.state_bias.begin());
  return m;
}

// Keras 1: kernel, state kernel and bias of each gate, one after the other.
Matrices read_matrices_1(Net& net, const Cell& cell, const Recurrence& r) {
  const std::int64_t units = (*r.layer.config)["output_dim"].integer(0);
  net.b.require(units > 0 && units < 1 << 20 && !cell.gates_1.empty(), "has a number of units out of range");
  Matrices m;
  m.units = static_cast<std::size_t>(units), m.gates = cell.gates_1.size();
  std::vector<Floats> kernels, states;
  for (std::size_t gate = 0; gate < m.gates; ++gate) {
    kernels.push_back(net.floats(r.first + 3 * gate, {-1, units}));
    states.push_back(net.floats(r.first + 3 * gate + 1, {units, units}));
    const Floats bias = net.floats(r.first + 3 * gate + 2, {units});
    m.bias.insert(m.bias.end(), bias.begin(), bias.end());
    net.b.require(kernels[gate].size() == kernels[0].size(), "has kernels of different sizes");
  }
  m.inputs = kernels[0].size() / m.units;
  for (auto [from, to, rows] :
       {std::tuple{&kernels, &m.kernel, m.inputs}, std::tuple{&states, &m.state, m.units}})
    for (std::size_t row = 0; row < rows; ++row)
      for (const Floats& gate : *from)
        to->insert(to->end(), gate.begin() + static_cast<std::ptrdiff_t>(row * m.units),
                   gate.begin() + static_cast<std::ptrdiff_t>((row + 1) * m.units));
  m.state_bias.assign(m.bias.size(), 0);
  return m;
}

// W [1, gates * units, I], R [1, gates * units, units], B [1, 2 * gates * units].
Ids operands_of(Net& net, const Cell& cell, const Recurrence& r) {
  const bool old = is_keras_1(*r.layer.config);
  const Matrices m = old ? read_matrices_1(net, cell, r) : read_matrices(net, cell, r);
  const std::size_t columns = m.gates * m.units;
  Floats w, s, b;
  for (const std::size_t gate : old ? cell.gates_1 : cell.gates) {
    append_gate(w, m.kernel, m.inputs, columns, gate, m.units);
    append_gate(s, m.state, m.units, columns, gate, m.units);
  }
  for (const Floats* bias : {&m.bias, &m.state_bias})
    for (const std::size_t gate : old ? cell.gates_1 : cell.gates)
      append_gate(b, *bias, 1, columns, gate, m.units);
  const auto rows = static_cast<std::int64_t>(columns), units = static_cast<std::int64_t>(m.units);
  const std::string before = r.direction;
  return {net.constant((before + "weights").c_str(), {1, rows, static_cast<std::int64_t>(m.inputs)}, w),
          net.constant((before + "recurrent").c_str(), {1, rows, units}, s),
          net.constant((before + "bias").c_str(), {1, 2 * rows}, b)};
}

std::string onnx_activation(const Net& net, const Value& said, const char* otherwise) {
  static constexpr std::pair<std::string_view, std::string_view> names[] = {
      {"tanh", "Tanh"},     {"sigmoid", "Sigmoid"},   {"hard_sigmoid", "HardSigmoid"}, {"relu", "Relu"},
      {"linear", "Linear"}, {"softsign", "Softsign"}, {"softplus", "Softplus"},        {"elu", "Elu"},
  };
  const std::string name = said.null() ? otherwise : activation_name(said);
  for (const auto& [keras, onnx] : names)
    if (name == keras) return std::string(onnx);
  net.b.fail("has the activation '" + name + "', which mlq does not run in recurrent layers");
}

nhwc::Attributes attributes_of(const Net& net, const Cell& cell, const Recurrence& r, std::int64_t units) {
  const Value& config = *r.layer.config;
  const std::string op = cell.op, plain = onnx_activation(net, config["activation"], "tanh");
  // Keras 1 and 2 took the hard sigmoid unless told otherwise, and wrote it down.
  const std::string gate =
      onnx_activation(net, config.any({"recurrent_activation", "inner_activation"}), "sigmoid");
  const std::string all = op == "RNN"   ? plain
                          : op == "GRU" ? gate + "," + plain
                                        : gate + "," + plain + "," + plain;
  nhwc::Attributes attributes{{"hidden_size", units}, {"activations", all}};
  if (gate == "HardSigmoid" && op != "RNN" && net.version >= 3)
    attributes["activation_alpha"] = std::vector<float>{1.0f / 6};
  const bool after = cell.separate_bias || config["reset_after"].truth(false);
  if (op == "GRU") attributes["linear_before_reset"] = std::int64_t{after};
  return attributes;
}

Ids recurrent(Net& net, const char*) {
  net.b.require(!net.in.empty(), "needs an operand");
  const bool backwards = net.config()["go_backwards"].truth(false);
  return recur(net, net.in[0], {net.in.begin() + 1, net.in.end()}, {*net.layer, 0, "", backwards});
}

constexpr Row rows[] = {
    {"CuDNNGRU", recurrent, recurrent_slots},  {"CuDNNLSTM", recurrent, recurrent_slots},
    {"GRU", recurrent, recurrent_slots},       {"LSTM", recurrent, recurrent_slots},
    {"SimpleRNN", recurrent, recurrent_slots},
};

}  // namespace

Ids recur(Net& net, TensorId x, const Ids& initial, const Recurrence& r) {
  const Value& config = *r.layer.config;
  const Cell& cell = *find_cell(r.layer.kind);
  nhwc::Build& b = net.b;
  const TensorId mask = mask_of(net, x);
  b.require(!config["stateful"].truth(false), "keeps its state from one prediction to the next (stateful)");
  b.require(b.rank(x) == 3, "needs a sequence of vectors");
  Ids operands = operands_of(net, cell, r);
  const std::int64_t units = b.shape(operands[1])[2];
  x = b.transpose(x, {1, 0, 2});
  if (r.backwards) x = nhwc::reverse(b, x, {0});
  std::optional<Packed> packed;
  if (mask != mlq::no_tensor) packed = pack_steps(net, x, mask, r.backwards);
  operands.insert(operands.begin(), packed ? packed->x : x);
  const bool lstm = std::string_view(cell.op) == "LSTM";
  b.require(initial.empty() || initial.size() == (lstm ? 2u : 1u),
            "is given another number of states than it has");
  if (packed || !initial.empty()) operands.push_back(packed ? packed->count : mlq::no_tensor);
  for (const TensorId state : initial) operands.push_back(nhwc::expand_dims(b, state, 0));
  const Ids y = b.nodes(cell.op, operands, lstm ? 3 : 2, attributes_of(net, cell, r, units));
  // Y is [steps, 1, N, units]; states are [1, N, units].
  const TensorId last = nhwc::squeeze(b, y[1], {0});
  Ids results{last};
  if (config["return_sequences"].truth(false)) {
    const TensorId all = packed ? unpack_steps(net, y[0], *packed) : y[0];
    results[0] = b.transpose(nhwc::squeeze(b, all, {1}), {1, 0, 2});
  }
  if (config["return_state"].truth(false)) {
    results.push_back(last);
    if (lstm) results.push_back(nhwc::squeeze(b, y[2], {0}));
  }
  return results;
}

bool is_recurrent(const Layer& layer) { return find_cell(layer.kind) != nullptr; }

Slots recurrent_slots(const Layer& layer) {
  const Cell* cell = find_cell(layer.kind);
  if (!cell) return {};
  if (is_keras_1(*layer.config)) return {3 * cell->gates_1.size(), 0};
  return {std::size_t{2} + (cell->separate_bias || has_bias(*layer.config)), 0};
}

std::span<const Row> recurrent_rows() { return rows; }

}  // namespace mlqc::keras
