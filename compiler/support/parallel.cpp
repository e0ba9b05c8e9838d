#include "compiler/support/parallel.h"

#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <exception>
#include <memory>
#include <thread>
#include <vector>

namespace mlqc {

namespace {

int limit = 0;

}  // namespace

void set_threads(int threads) { limit = threads; }

int threads() {
  const int processors = static_cast<int>(std::thread::hardware_concurrency());
  return limit > 0 ? limit : (processors > 0 ? processors : 1);
}

void parallel_for_slots(std::size_t n, const std::function<void(std::size_t, std::size_t)>& body) {
  if (n == 0) return;
  std::vector<std::exception_ptr> failures(n);
  tbb::task_arena arena(threads());
  arena.execute([&] {
    tbb::parallel_for(
        tbb::blocked_range<std::size_t>(0, n, 1),
        [&](const tbb::blocked_range<std::size_t>& range) {
          for (std::size_t i = range.begin(); i != range.end(); ++i) {
            try {
              body(i, static_cast<std::size_t>(tbb::this_task_arena::current_thread_index()));
            } catch (...) {
              failures[i] = std::current_exception();
            }
          }
        },
        tbb::simple_partitioner());
  });
  for (const std::exception_ptr& failure : failures)
    if (failure) std::rethrow_exception(failure);
}

void parallel_for(std::size_t n, const std::function<void(std::size_t)>& body) {
  parallel_for_slots(n, [&](std::size_t i, std::size_t) { body(i); });
}

}  // namespace mlqc
