#include "compiler/support/parallel.h"

#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace mlqc {

namespace {

int limit = 0;

// One for all loops: with an arena for each, a worker that has not left the last one yet keeps the next loop
// waiting, under load nineteen parts of twenty of the time.
tbb::task_arena& arena() {
  static std::mutex mutex;
  static std::unique_ptr<tbb::task_arena> made;
  static int size = 0;
  const std::lock_guard lock(mutex);
  if (size != threads()) {
    size = threads();
    made = std::make_unique<tbb::task_arena>(size);
  }
  return *made;
}

}  // namespace

void set_threads(int threads) { limit = threads; }

int threads() {
  const int processors = static_cast<int>(std::thread::hardware_concurrency());
  return limit > 0 ? limit : (processors > 0 ? processors : 1);
}

void parallel_for_slots(std::size_t n, const std::function<void(std::size_t, std::size_t)>& body) {
  if (n == 0) return;
  if (n == 1) return body(0, 0);
  std::vector<std::exception_ptr> failures(n);
  // Isolated: a body that waits for a loop of its own must not run another body in its slot meanwhile.
  const auto loop = [&] {
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
  };
  arena().execute([&] { tbb::this_task_arena::isolate(loop); });
  for (const std::exception_ptr& failure : failures)
    if (failure) std::rethrow_exception(failure);
}

void parallel_for(std::size_t n, const std::function<void(std::size_t)>& body) {
  parallel_for_slots(n, [&](std::size_t i, std::size_t) { body(i); });
}

}  // namespace mlqc
