// Work shared by the threads of one prediction.
#pragma once

#include <cstddef>

namespace mlq::kernels {

namespace parallel_detail {
void run(void* threads, std::size_t n, void (*call)(void*, std::size_t), void* body);
}

// body(i) for i in [0, n), in any order, possibly at once. `threads` is Call::threads; when null, the
// caller's thread does all of it in order.
template <class Body>
void parallel(void* threads, std::size_t n, Body body) {
  if (!threads || n < 2) {
    for (std::size_t i = 0; i < n; ++i) body(i);
    return;
  }
  parallel_detail::run(
      threads, n, [](void* b, std::size_t i) { (*static_cast<Body*>(b))(i); }, &body);
}

}  // namespace mlq::kernels
