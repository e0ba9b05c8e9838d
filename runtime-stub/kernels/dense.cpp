// Dense: x [..., K] times constant weights ([N, K], or [K, N] with transB = 0), optional bias, optional
// factor per output (as in ConvNhwc), clamped.
#include <vector>

#include "runtime-stub/kernels/families.h"
#include "runtime-stub/kernels/gemm.h"
#include "runtime-stub/kernels/plane.h"

namespace mlq::kernels {
namespace {

struct Packed {
  Rows rows;
  std::vector<float> weights, bias;
};

bool transposed(const Node& node) { return node.get_int("transB", 1) != 0; }

Status infer(Call& call) {
  if (!has_operands(call, 2)) return fail(call, "needs an operand and weights");
  for (std::size_t i = 0; i < call.inputs.size(); ++i)
    if (call.given(i) && call.inputs[i].type != DataType::float32) return fail(call, "is for float32 only");
  Shape y = call.inputs[0].shape, w = call.inputs[1].shape;
  if (y.empty() || w.size() != 2 || !is_known(w)) return fail(call, "needs rows and a matrix of weights");
  if (!transposed(call.node)) std::swap(w[0], w[1]);
  if (y.back() != unknown && y.back() != w[1]) return fail(call, "operand and weights differ in length");
  for (std::size_t i : {2, 3})
    if (call.given(i) && call.inputs[i].shape != Shape{w[0]})
      return fail(call, "needs one number per output");
  y.back() = w[0];
  set_output(call, 0, DataType::float32, y);
  return {};
}

Packed pack(const Call& call) {
  Packed p;
  const Shape &x = call.inputs[0].shape, &y = call.outputs[0].shape;
  p.rows.from = x.back(), p.rows.to = y.back(), p.rows.rows = product(y, 0, rank(y) - 1);
  p.rows.transposed = transposed(call.node);
  read_bounds(call.node, p.rows.lowest, p.rows.highest);
  p.weights.assign(in<float>(call, 1), in<float>(call, 1) + product(call.inputs[1].shape));
  if (call.given(3))
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(p.weights.size()); ++i)
      p.weights[i] *= in<float>(call, 3)[p.rows.transposed ? i / p.rows.from : i % p.rows.to];
  if (call.given(2)) p.bias.assign(in<float>(call, 2), in<float>(call, 2) + p.rows.to);
  return p;
}

void multiply(const Packed& p, const float* x, float* y) {
  Gemm g{p.rows.rows, p.rows.to, p.rows.from};
  g.transpose_b = p.rows.transposed;
  g.accumulate = !p.bias.empty();
  for (std::int64_t i = 0; g.accumulate && i < g.m * g.n; ++i) y[i] = p.bias[i % g.n];
  gemm(g, x, p.weights.data(), y);
  clamp(y, g.m * g.n, p.rows.lowest, p.rows.highest);
}

struct Fallback : Prepared {
  Packed packed;
  Buffers buffers;
  Status run(void*) override {
    multiply(packed, buffers.x, buffers.y);
    return {};
  }
};

Status evaluate(const Call& call) {
  multiply(pack(call), in<float>(call, 0), out<float>(call));
  return {};
}

Result<std::unique_ptr<Prepared>> prepare(const Call& call) {
  for (std::size_t i = 1; i < call.inputs.size(); ++i)
    if (call.given(i) && !call.inputs[i].constant) return std::unique_ptr<Prepared>();
  Packed packed = pack(call);
  const float* bias = packed.bias.empty() ? nullptr : packed.bias.data();
  if (auto made = xnnpack_dense(packed.rows, packed.weights.data(), bias, buffers_of(call))) return made;
  auto made = std::make_unique<Fallback>();
  made->packed = std::move(packed);
  made->buffers = buffers_of(call);
  return std::unique_ptr<Prepared>(std::move(made));
}

constexpr Kernel rows[] = {{"Dense", infer, evaluate, prepare}};

}  // namespace

std::span<const Kernel> dense_kernels() { return rows; }

}  // namespace mlq::kernels
