#include "runtime-stub/src/plan.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "runtime-stub/src/buffer.h"

namespace mlq {

namespace {

std::vector<std::size_t> largest_first(std::span<const Interval> intervals) {
  std::vector<std::size_t> order(intervals.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return intervals[a].bytes > intervals[b].bytes; });
  return order;
}

bool meet(const Interval& a, const Interval& b) { return a.first <= b.last && b.first <= a.last; }

// An empty tensor has an address too.
std::size_t room(const Interval& interval) { return aligned(std::max<std::size_t>(interval.bytes, 1)); }

// The start of the smallest gap for `interval` between those that are `placed`, in order of their offsets.
std::size_t best_gap(std::span<const Interval> intervals, const std::vector<std::size_t>& offsets,
                     const std::vector<std::size_t>& placed, const Interval& interval) {
  constexpr std::size_t none = SIZE_MAX;
  std::size_t best = none, best_size = none, end = 0;
  for (const std::size_t other : placed) {
    if (!meet(intervals[other], interval)) continue;
    const std::size_t gap = offsets[other] > end ? offsets[other] - end : 0;
    if (gap >= room(interval) && gap < best_size) {
      best = end;
      best_size = gap;
    }
    end = std::max(end, offsets[other] + room(intervals[other]));
  }
  return best == none ? end : best;
}

}  // namespace

Result<Placement> place(std::span<const Interval> intervals, std::size_t limit) {
  Placement placement;
  placement.offsets.resize(intervals.size());
  std::vector<std::size_t> placed;  // by offset
  const auto lower = [&](std::size_t a, std::size_t b) {
    return placement.offsets[a] < placement.offsets[b];
  };
  for (const std::size_t i : largest_first(intervals)) {
    // Before rounding up: with each size and the block below the limit, no sum overflows.
    if (intervals[i].bytes > limit)
      return Failure{"one tensor needs " + std::to_string(intervals[i].bytes) +
                     " bytes, above the limit of " + std::to_string(limit)};
    placement.offsets[i] = best_gap(intervals, placement.offsets, placed, intervals[i]);
    placement.bytes = std::max(placement.bytes, placement.offsets[i] + room(intervals[i]));
    if (placement.bytes > limit)
      return Failure{"its tensors need more than " + std::to_string(limit) +
                     " bytes at once, which is the limit"};
    placed.insert(std::upper_bound(placed.begin(), placed.end(), i, lower), i);
  }
  return placement;
}

}  // namespace mlq
