// The one matrix product that all other kernels use.
#pragma once

#include <cstdint>

namespace mlq::kernels {

struct Gemm {
  std::int64_t m = 0, n = 0, k = 0;
  bool transpose_a = false, transpose_b = false;  // a is then [k, m], b is [n, k]
  float alpha = 1.0f;
  bool accumulate = false;  // adds to c instead of replacing it
};

// c[m, n] = alpha * a[m, k] * b[k, n], all row-major and dense.
void gemm(const Gemm& shape, const float* a, const float* b, float* c);

}  // namespace mlq::kernels
