// Products of matrices and tables.
#include "compiler/backends/coreml_writer/writer.h"
#include "compiler/frontends/coreml/network.pb.h"

namespace mlqc::coreml_writer {

namespace {

void product(Writer& w, bool transpose_a, bool transpose_b, const std::string& result) {
  coreml::BatchedMatMul& m = *w.layer({w.in(0), w.in(1)}, {result}).mutable_batched_matmul();
  m.set_transpose_a(transpose_a);
  m.set_transpose_b(transpose_b);
}

// x [N, I] times constant weights plus a constant bias [O] is one layer, whose weights are [O, I].
bool is_inner_product(const Writer& w) {
  const bool vector = !w.given(2) || (w.is_constant(2) && w.rank(2) == 1 &&
                                      w.shape(2)[0] == w.tensor(w.node().outputs[0]).shape[1]);
  return w.is_constant(1) && w.rank(1) == 2 && w.rank(0) == 2 && vector && !w.node().get_int("transA", 0) &&
         w.node().get_float("alpha", 1) == 1 && (!w.given(2) || w.node().get_float("beta", 1) == 1);
}

void inner_product(Writer& w, bool transposed) {
  const Shape& shape = w.shape(1);
  coreml::InnerProduct& p = *w.layer({w.in()}, {w.out()}).mutable_inner_product();
  p.set_input_channels(static_cast<std::uint64_t>(shape[transposed ? 1 : 0]));
  p.set_output_channels(static_cast<std::uint64_t>(shape[transposed ? 0 : 1]));
  w.weights(*p.mutable_weights(), w.operand(1), transposed ? Ints{} : Ints{1, 0});
  p.set_with_bias(w.given(2));
  if (w.given(2)) w.weights(*p.mutable_bias(), w.operand(2));
  w.finish();
}

void gemm(Writer& w, const Row&) {
  const bool transposed = w.node().get_int("transB", 0) != 0;
  if (is_inner_product(w)) return inner_product(w, transposed);
  w.require(w.node().get_float("alpha", 1) == 1 && w.node().get_float("beta", 1) == 1, "scales its operands");
  const bool transpose_a = w.node().get_int("transA", 0) != 0;
  if (!w.given(2)) return product(w, transpose_a, transposed, w.out());
  const std::string result = w.fresh();
  product(w, transpose_a, transposed, result);
  w.layer({result, w.in(2)}, {w.out()}).mutable_add_broadcastable();
}

// Constant weights are the layer's own, [O, I].
void matmul(Writer& w, const Row&) {
  if (!w.is_constant(1) || w.rank(1) != 2 || w.rank(0) < 2) return product(w, false, false, w.out());
  coreml::BatchedMatMul& m = *w.layer({w.in()}, {w.out()}).mutable_batched_matmul();
  m.set_weight_matrix_first_dimension(static_cast<std::uint64_t>(w.shape(1)[0]));
  m.set_weight_matrix_second_dimension(static_cast<std::uint64_t>(w.shape(1)[1]));
  w.weights(*m.mutable_weights(), w.operand(1), {1, 0});
  w.finish();
}

void gather(Writer& w, const Row&) {
  const std::int64_t axis = w.node().get_int("axis", 0);
  if (w.rank(1) > 0) {
    w.layer({w.in(0), w.in(1)}, {w.out()}).mutable_gather()->set_axis(axis);
    return;
  }
  // A scalar is a vector of one there, and one place is an axis of one.
  auto [layer, y] = w.step({w.in(0), w.in(1)});
  layer->mutable_gather()->set_axis(axis);
  if (w.rank(0) == 1) return w.copy(y, w.out());
  w.layer({y}, {w.out()}).mutable_squeeze()->add_axes(axis);
}

constexpr Row rows[] = {
    {"Gather", gather},
    {"GatherND", direct, [](NeuralNetworkLayer& l) { l.mutable_gather_nd(); }},
    {"Gemm", gemm},
    {"MatMul", matmul},
};

}  // namespace

std::span<const Row> dense_rows() { return rows; }

}  // namespace mlqc::coreml_writer
