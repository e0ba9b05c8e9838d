#include "runtime-stub/kernels/gemm.h"

#include <Eigen/Core>

namespace mlq::kernels {
namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using In = Eigen::Map<const Matrix>;
using Out = Eigen::Map<Matrix>;

template <class A, class B>
void multiply(const Gemm& g, const A& a, const B& b, Out& c) {
  if (g.accumulate)
    c.noalias() += g.alpha * a * b;
  else
    c.noalias() = g.alpha * a * b;
}

}  // namespace

void gemm(const Gemm& g, const float* a_data, const float* b_data, float* c_data) {
  if (g.m == 0 || g.n == 0) return;
  Out c(c_data, g.m, g.n);
  if (g.k == 0) {
    if (!g.accumulate) c.setZero();
    return;
  }
  In a(a_data, g.transpose_a ? g.k : g.m, g.transpose_a ? g.m : g.k);
  In b(b_data, g.transpose_b ? g.n : g.k, g.transpose_b ? g.k : g.n);
  if (g.transpose_a && g.transpose_b)
    multiply(g, a.transpose(), b.transpose(), c);
  else if (g.transpose_a)
    multiply(g, a.transpose(), b, c);
  else if (g.transpose_b)
    multiply(g, a, b.transpose(), c);
  else
    multiply(g, a, b, c);
}

}  // namespace mlq::kernels
