// MatMul with NumPy's batches, and Gemm with its added third operand.
#include "runtime-stub/kernels/elementwise.h"
#include "runtime-stub/kernels/families.h"
#include "runtime-stub/kernels/gemm.h"

namespace mlq::kernels {
namespace {

Status need_floats(const Call& call, std::size_t n) {
  if (!has_operands(call, n)) return fail(call, "needs two operands");
  for (std::size_t i = 0; i < n; ++i)
    if (call.inputs[i].type != DataType::float32) return fail(call, "is for float32 only");
  return {};
}

// Operands with their vectors made matrices: batch, rows, inner, columns.
struct Product {
  Shape a, b, batch;
  std::int64_t m, n, k;
};
Result<Product> product_of(const Call& call) {
  Product p{call.inputs[0].shape, call.inputs[1].shape, {}, 0, 0, 0};
  if (p.a.empty() || p.b.empty()) return fail(call, "a scalar is no matrix");
  if (p.a.size() == 1) p.a.insert(p.a.begin(), 1);
  if (p.b.size() == 1) p.b.push_back(1);
  p.m = p.a.end()[-2], p.k = p.a.back(), p.n = p.b.back();
  if (p.k != p.b.end()[-2] && p.k != unknown && p.b.end()[-2] != unknown)
    return fail(call, "inner dimensions of " + to_string(call.inputs[0].shape) + " and " +
                          to_string(call.inputs[1].shape) + " differ");
  auto batch = broadcast(Shape(p.a.begin(), p.a.end() - 2), Shape(p.b.begin(), p.b.end() - 2));
  if (!batch) return fail(call, "batches do not broadcast");
  p.batch = *batch;
  return p;
}

Status infer_matmul(Call& call) {
  if (Status s = need_floats(call, 2); !s) return s;
  auto p = product_of(call);
  if (!p) return p.status();
  Shape y = p->batch;
  if (call.inputs[0].shape.size() > 1) y.push_back(p->m);
  if (call.inputs[1].shape.size() > 1) y.push_back(p->n);
  set_output(call, 0, DataType::float32, y);
  return {};
}

Status evaluate_matmul(const Call& call) {
  auto p = product_of(call);
  if (!p) return p.status();
  const float *a = in<float>(call, 0), *b = in<float>(call, 1);
  float* y = out<float>(call);
  // One matrix b for all: the batches of a are rows of one tall matrix.
  if (product(p->b, 0, rank(p->b) - 2) == 1 && p->a.size() >= p->b.size()) {
    gemm({product(p->batch) * p->m, p->n, p->k}, a, b, y);
    return {};
  }
  Shape sa(p->a.begin(), p->a.end() - 2), sb(p->b.begin(), p->b.end() - 2);
  for_each_run(binary_loops(p->batch, sa, sb),
               [&](const std::int64_t* at, std::int64_t n, const std::int64_t* step) {
                 for (std::int64_t i = 0; i < n; ++i)
                   gemm({p->m, p->n, p->k}, a + (at[1] + i * step[1]) * p->m * p->k,
                        b + (at[2] + i * step[2]) * p->k * p->n, y + (at[0] + i * step[0]) * p->m * p->n);
               });
  return {};
}

Status infer_gemm(Call& call) {
  if (Status s = need_floats(call, 2); !s) return s;
  Shape a = call.inputs[0].shape, b = call.inputs[1].shape;
  if (a.size() != 2 || b.size() != 2) return fail(call, "operands must be matrices");
  if (call.node.get_int("transA", 0)) std::swap(a[0], a[1]);
  if (call.node.get_int("transB", 0)) std::swap(b[0], b[1]);
  if (a[1] != b[0] && a[1] != unknown && b[0] != unknown) return fail(call, "inner dimensions differ");
  Shape y{a[0], b[1]};
  if (call.given(2)) {
    auto shape = broadcast(y, call.inputs[2].shape);
    if (!shape || shape->size() != 2 || (is_known(y) && *shape != y))
      return fail(call, "the added operand does not fit");
    if (call.inputs[2].type != DataType::float32) return fail(call, "is for float32 only");
  }
  set_output(call, 0, DataType::float32, y);
  return {};
}

Status evaluate_gemm(const Call& call) {
  const Shape &y = call.outputs[0].shape, &a = call.inputs[0].shape;
  Gemm g{y[0], y[1], 0};
  g.transpose_a = call.node.get_int("transA", 0) != 0;
  g.transpose_b = call.node.get_int("transB", 0) != 0;
  g.k = a[g.transpose_a ? 0 : 1];
  g.alpha = call.node.get_float("alpha", 1.0f);
  g.accumulate = call.given(2);
  if (g.accumulate) {
    float beta = call.node.get_float("beta", 1.0f);
    const float* c = in<float>(call, 2);
    apply_binary(y, out<float>(call), c, call.inputs[2].shape, c, call.inputs[2].shape,
                 [beta](float v, float) { return beta * v; });
  }
  gemm(g, in<float>(call, 0), in<float>(call, 1), out<float>(call));
  return {};
}

constexpr Kernel rows[] = {{"MatMul", infer_matmul, evaluate_matmul}, {"Gemm", infer_gemm, evaluate_gemm}};

}  // namespace

std::span<const Kernel> matmul_kernels() { return rows; }

}  // namespace mlq::kernels
