// Products with matrices, and tables of rows.
#include "compiler/frontends/coreml/layers.h"
#include "compiler/frontends/coreml/network.pb.h"

namespace mlqc::coreml {

namespace {

using Layer = NeuralNetworkLayer;

TensorId optional_bias(Build& b, bool given, const Weights& bias, std::int64_t count) {
  return given ? b.weight(bias, {count}) : mlq::no_tensor;
}

// x [rows, in] times weights [out, in], transposed as the file holds them.
TensorId gemm(Build& b, TensorId x, TensorId weights, TensorId bias) {
  Ids operands{x, weights};
  if (bias != mlq::no_tensor) operands.push_back(bias);
  return b.node("Gemm", std::move(operands), {{"transB", std::int64_t{1}}});
}

Shape leading(const Build& b, TensorId x, int trailing) {
  const Shape& shape = b.shape(x);
  return {shape.begin(), shape.end() - trailing};
}

// Flattens what each row has; [.., C, H, W] of rank 4 and more counts as C * H * W.
void inner_product(Build& b, const Layer& layer, const char*) {
  const InnerProduct& p = layer.inner_product();
  const std::int64_t in = size(b, p.input_channels()), out = size(b, p.output_channels());
  const TensorId x = b.in();
  b.require(b.rank(x) > 0, "has an input without dimensions");
  const TensorId weights = b.weight(p.weights(), {out, in}),
                 bias = optional_bias(b, p.with_bias(), p.bias(), out);
  if (b.rank(x) == 2) return b.out(gemm(b, x, weights, bias));
  const bool picture = b.rank(x) >= 4;
  Shape target = leading(b, x, picture ? 3 : 1);
  target.push_back(out);
  if (picture) target.insert(target.end(), {1, 1});
  b.out(b.reshape(gemm(b, b.reshape(x, {-1, in}), weights, bias), target));
}

TensorId swap_last(Build& b, TensorId x, bool wanted) {
  if (!wanted || b.rank(x) < 2) return x;
  Ints order;
  for (int i = 0; i < b.rank(x); ++i) order.push_back(i);
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  return b.transpose(x, order);
}

// x [.., K] times weights [columns, K].
TensorId times_weights(Build& b, const BatchedMatMul& m) {
  const std::int64_t inner = size(b, m.weight_matrix_first_dimension());
  const std::int64_t columns = size(b, m.weight_matrix_second_dimension());
  TensorId x = b.in();
  b.require(b.rank(x) > 0, "has an input without dimensions");
  x = swap_last(b, x, m.transpose_a());
  Shape target = leading(b, x, 1);
  target.push_back(columns);
  const TensorId weights = b.weight(m.weights(), {columns, inner});
  const TensorId flat =
      gemm(b, b.reshape(x, {-1, inner}), weights, optional_bias(b, m.with_bias(), m.bias(), columns));
  return b.reshape(flat, target);
}

void batched_matmul(Build& b, const Layer& layer, const char*) {
  const BatchedMatMul& m = layer.batched_matmul();
  if (b.inputs() == 1) return b.out(times_weights(b, m));
  b.out(b.node("MatMul", {swap_last(b, b.in(0), m.transpose_a()), swap_last(b, b.in(1), m.transpose_b())}));
}

// Columns of a table [out, vocabulary], one for each number of `positions`; the result is [.., out].
TensorId look_up(Build& b, const Weights& table, const Weights* bias, std::int64_t out,
                 std::int64_t vocabulary, TensorId positions) {
  const TensorId flat = b.reshape(positions, {-1});
  const TensorId columns =
      b.node("Gather", {b.weight(table, {out, vocabulary}), b.indices(flat)}, {{"axis", std::int64_t{1}}});
  const TensorId rows = b.transpose(columns, {1, 0});
  return bias ? b.add(rows, b.weight(*bias, {out})) : rows;
}

void embedding(Build& b, const Layer& layer, const char*) {
  const Embedding& e = layer.embedding();
  const std::int64_t out = size(b, e.output_channels());
  const TensorId x = b.in();
  b.require(b.rank(x) >= 4, "has an input of fewer than four dimensions");
  Shape target = leading(b, x, 3);
  target.insert(target.end(), {out, 1, 1});
  b.out(b.reshape(
      look_up(b, e.weights(), e.with_bias() ? &e.bias() : nullptr, out, size(b, e.input_dim()), x), target));
}

void embedding_nd(Build& b, const Layer& layer, const char*) {
  const EmbeddingNd& e = layer.embedding_nd();
  const std::int64_t out = size(b, e.embedding_size());
  const TensorId x = b.in();
  b.require(b.rank(x) > 0, "has an input without dimensions");
  Shape target = leading(b, x, 1);
  target.push_back(out);
  b.out(b.reshape(
      look_up(b, e.weights(), e.with_bias() ? &e.bias() : nullptr, out, size(b, e.vocab_size()), x), target));
}

constexpr Row rows[] = {
    {Layer::kInnerProduct, inner_product},
    {Layer::kBatchedMatmul, batched_matmul},
    {Layer::kEmbedding, embedding},
    {Layer::kEmbeddingNd, embedding_nd},
};

}  // namespace

std::span<const Row> dense_rows() { return rows; }

}  // namespace mlqc::coreml
