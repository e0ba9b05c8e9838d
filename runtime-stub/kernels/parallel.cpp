#include "runtime-stub/kernels/parallel.h"

#ifdef MLQ_HAVE_PTHREADPOOL
#include <pthreadpool.h>
#endif

namespace mlq::kernels::parallel_detail {

#ifdef MLQ_HAVE_PTHREADPOOL

void run(void* threads, std::size_t n, void (*call)(void*, std::size_t), void* body) {
  pthreadpool_parallelize_1d(static_cast<pthreadpool_t>(threads), call, body, n, 0);
}

#else

// Without the library no pool is ever made.
void run(void*, std::size_t n, void (*call)(void*, std::size_t), void* body) {
  for (std::size_t i = 0; i < n; ++i) call(body, i);
}

#endif

}  // namespace mlq::kernels::parallel_detail
