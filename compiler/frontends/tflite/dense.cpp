// Products of matrices.
#include "compiler/frontends/nhwc/arrays.h"
#include "compiler/frontends/tflite/operators.h"
#include "model_generated.h"

namespace mlqc::tflite {

namespace {

void fully_connected(Net& net, const char*) {
  const auto* o = net.op->options_as_FullyConnected();
  net.b.require(!o || o->weights_format() == 0, "has shuffled weights, which mlq does not support");
  TensorId x = net.in(0), weights = net.b.named(net.in(1), "weights");
  net.b.require(net.b.rank(weights) == 2, "needs a matrix of weights");
  const std::int64_t from = net.b.shape(weights)[1];
  const bool keep = o && o->keep_num_dims();
  if (!keep && (net.b.rank(x) != 2 || net.b.shape(x)[1] != from)) x = net.b.reshape(x, {-1, from});
  const TensorId bias = net.given(2) ? net.b.named(net.in(2), "bias") : mlq::no_tensor;
  net.finish(nhwc::dense(net.b, x, weights, bias, true), o ? o->activation() : wire::Activation_none);
}

TensorId transposed(nhwc::Build& b, TensorId x) {
  Ints perm;
  for (int axis = 0; axis < b.rank(x); ++axis) perm.push_back(axis);
  b.require(perm.size() >= 2, "needs matrices");
  std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return b.permuted(x, perm, "weights");
}

void batch_matmul(Net& net, const char*) {
  const auto* o = net.op->options_as_BatchMatMul();
  TensorId x = net.in(0), y = net.in(1);
  if (o && o->adjoint_x()) x = transposed(net.b, x);
  if (o && o->adjoint_y()) y = transposed(net.b, y);
  net.finish(net.b.node("MatMul", {x, y}), wire::Activation_none);
}

constexpr Row rows[] = {
    {9, "FULLY_CONNECTED", fully_connected},
    {126, "BATCH_MATMUL", batch_matmul},
};

}  // namespace

std::span<const Row> dense_rows() { return rows; }

}  // namespace mlqc::tflite
