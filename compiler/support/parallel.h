// The one seam to threads: every parallel loop of the compiler goes through here.
#pragma once

#include <cstddef>
#include <functional>

namespace mlqc {

// Bounds the threads of all later loops (the caller's included). 0: one per processor.
void set_threads(int threads);
int threads();

// Calls body(i) for i in [0, n), in any order, possibly at once. The first exception by index is rethrown
// after all have ended, so that failures do not depend on timing.
void parallel_for(std::size_t n, const std::function<void(std::size_t)>& body);

// The same; body(i, slot) with slot in [0, threads()): no two calls with the same slot run at once.
void parallel_for_slots(std::size_t n, const std::function<void(std::size_t, std::size_t)>& body);

}  // namespace mlqc
