#include "runtime-stub/src/threads.h"

#ifdef MLQ_HAVE_PTHREADPOOL
#include <pthreadpool.h>
#endif

namespace mlq {

#ifdef MLQ_HAVE_PTHREADPOOL

namespace {

using Body = std::function<void(std::size_t)>;

void call(void* body, std::size_t i) { (*static_cast<const Body*>(body))(i); }

}  // namespace

Threads::Threads(int count) {
  if (count > 1) pool_ = pthreadpool_create(static_cast<std::size_t>(count));
}

Threads::~Threads() {
  if (pool_) pthreadpool_destroy(static_cast<pthreadpool_t>(pool_));
}

void Threads::for_each(std::size_t n, const Body& body) const {
  pthreadpool_parallelize_1d(static_cast<pthreadpool_t>(pool_), call, const_cast<Body*>(&body), n, 0);
}

#else

Threads::Threads(int) {}

Threads::~Threads() = default;

void Threads::for_each(std::size_t n, const std::function<void(std::size_t)>& body) const {
  for (std::size_t i = 0; i < n; ++i) body(i);
}

#endif

}  // namespace mlq
