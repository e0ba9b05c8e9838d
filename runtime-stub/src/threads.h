// The threads of one executor or of one batch.
#pragma once

#include <cstddef>
#include <functional>

namespace mlq {

// A pool of XNNPACK's kind; none (the caller's thread alone) for one thread, or where there is no library.
class Threads {
 public:
  explicit Threads(int count);
  ~Threads();
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  void* pool() const { return pool_; }
  // body(i) for i in [0, n), in any order, possibly at once.
  void for_each(std::size_t n, const std::function<void(std::size_t)>& body) const;

 private:
  void* pool_ = nullptr;
};

}  // namespace mlq
