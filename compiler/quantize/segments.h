// Exact one-dimensional k-means: the best cut of sorted points into k runs.
#pragma once

#include <cstdint>
#include <vector>

namespace mlqc {

// Points on a line, ascending. A point may stand for many weights within a cell: their mean, their number,
// and `spread`, at least (sum |w - mean|)^2 / count and at least sum (w - mean)^2; 0 for equal weights.
struct Points {
  std::vector<double> value, count, spread;
  std::size_t size() const { return value.size(); }
};

struct Segments {
  std::vector<std::int32_t> ends;  // ascending; the last is the number of points
  double cost = 0;                 // sum of count * (value - mean of its segment)^2
};

// The least cost with exactly `segments` segments, 1 <= segments <= points.size().
//
// Wu (1991) and Groenlund et al. (2017, arXiv:1701.07204): the cost of a run obeys the quadrangle inequality,
// so the least cost is convex in the number of segments. A price per segment therefore takes the place of
// their number, and the price that buys the right number is found by search. For a price, the best
// predecessor of a cut moves only forward, which a queue of candidates exploits: O(n log n), whatever the
// number of segments.
Segments best_segments(const Points& points, int segments);

}  // namespace mlqc
