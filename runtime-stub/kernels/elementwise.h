// Loops of two operands that broadcast, shared by the families of binary operators.
#pragma once

#include "runtime-stub/kernels/loops.h"
#include "runtime-stub/kernels/support.h"

namespace mlq::kernels {

inline Loops binary_loops(const Shape& target, const Shape& a, const Shape& b) {
  return make_loops(target, {strides_of(target), broadcast_strides(a, target), broadcast_strides(b, target)});
}

// y = f(a, b). The three inner loops are the ones that a compiler turns into vector code.
template <class T, class R, class F>
void apply_binary(const Shape& target, R* y, const T* a, const Shape& a_shape, const T* b,
                  const Shape& b_shape, F f) {
  for_each_run(binary_loops(target, a_shape, b_shape),
               [&](const std::int64_t* at, std::int64_t n, const std::int64_t* step) {
                 R* r = y + at[0];
                 const T *p = a + at[1], *q = b + at[2];
                 if (step[1] == 1 && step[2] == 1) {
                   for (std::int64_t i = 0; i < n; ++i) r[i] = f(p[i], q[i]);
                 } else if (step[1] == 1 && step[2] == 0) {
                   const T v = *q;
                   for (std::int64_t i = 0; i < n; ++i) r[i] = f(p[i], v);
                 } else if (step[1] == 0 && step[2] == 1) {
                   const T v = *p;
                   for (std::int64_t i = 0; i < n; ++i) r[i] = f(v, q[i]);
                 } else {
                   for (std::int64_t i = 0; i < n; ++i) r[i * step[0]] = f(p[i * step[1]], q[i * step[2]]);
                 }
               });
}

template <class T, class R, class F>
Status apply_binary(const Call& call, F f) {
  apply_binary(call.outputs[0].shape, out<R>(call), in<T>(call, 0), call.inputs[0].shape, in<T>(call, 1),
               call.inputs[1].shape, f);
  return {};
}

}  // namespace mlq::kernels
