// Products of matrices.
#include <utility>

#include "compiler/frontends/nhwc/arrays.h"
#include "compiler/frontends/tensorflow/operators.h"

namespace mlqc::tensorflow {

namespace {

TensorId transposed(nhwc::Build& b, TensorId x, const char* field) {
  Ints perm;
  for (int axis = 0; axis < b.rank(x); ++axis) perm.push_back(axis);
  b.require(perm.size() >= 2, "needs matrices");
  std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return b.permuted(x, perm, field);
}

void matmul(Net& net, const char*) {
  TensorId x = net.in(0), y = net.in(1);
  if (net.flag("transpose_a")) x = transposed(net.b, x, "matrix");
  const bool turned = net.flag("transpose_b");
  if (net.b.is_constant(y) && net.b.rank(y) == 2 && net.b.rank(x) == 2) {
    net.out(nhwc::dense(net.b, x, net.b.named(y, "weights"), mlq::no_tensor, turned));
    return;
  }
  net.out(net.b.node("MatMul", {x, turned ? transposed(net.b, y, "weights") : y}));
}

void batch_matmul(Net& net, const char*) {
  TensorId x = net.in(0), y = net.b.named(net.in(1), "weights");
  if (net.flag("adj_x")) x = transposed(net.b, x, "matrix");
  if (net.flag("adj_y")) y = transposed(net.b, y, "weights");
  net.out(net.b.node("MatMul", {x, y}));
}

void einsum(Net& net, const char*) {
  Ids operands = net.ins();
  for (TensorId& id : operands) id = net.b.named(id, "weights");
  net.out(net.b.node("Einsum", operands, {{"equation", net.text("equation", "")}}));
}

constexpr Row rows[] = {
    {"BatchMatMul", batch_matmul},
    {"BatchMatMulV2", batch_matmul},
    {"BatchMatMulV3", batch_matmul},
    {"Einsum", einsum},
    {"MatMul", matmul},
};

}  // namespace

std::span<const Row> dense_rows() { return rows; }

}  // namespace mlqc::tensorflow
