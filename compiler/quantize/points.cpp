#include "compiler/quantize/points.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

namespace mlqc {

namespace {

// Unsigned numbers in the order of the floats.
std::uint32_t to_key(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return bits >> 31 ? ~bits : bits | 0x80000000u;
}
float from_key(std::uint32_t key) { return std::bit_cast<float>(key >> 31 ? key & 0x7fffffffu : ~key); }

// Radix sort in three passes of 11 bits.
std::vector<std::uint32_t> sorted_keys(std::span<const float> values) {
  constexpr int digit = 11;
  std::vector<std::uint32_t> keys(values.size()), other(values.size());
  std::transform(values.begin(), values.end(), keys.begin(), to_key);
  for (int shift = 0; shift < 32; shift += digit) {
    std::array<std::size_t, 1 << digit> start{};
    for (std::uint32_t key : keys) ++start[key >> shift & ((1 << digit) - 1)];
    std::exclusive_scan(start.begin(), start.end(), start.begin(), std::size_t{0});
    for (std::uint32_t key : keys) other[start[key >> shift & ((1 << digit) - 1)]++] = key;
    keys.swap(other);
  }
  return keys;
}

void append(Points& points, double value, double count, double spread) {
  points.value.push_back(value);
  points.count.push_back(count);
  points.spread.push_back(spread);
}

void append_exact(Points& points, const std::vector<float>& sorted) {
  for (std::size_t i = 0, end; i < sorted.size(); i = end) {
    for (end = i + 1; end < sorted.size() && sorted[end] == sorted[i];) ++end;
    append(points, sorted[i], static_cast<double>(end - i), 0);
  }
}

// A grid of equal segments, a power of two wide with 0 on an edge, so that a weight's place in it is exact in
// double; each segment has its own number of equal cells.
struct CellGrid {
  double inverse_width = 0, first = 0;  // place = weight * inverse_width - first
  std::vector<double> cells;            // of each segment
  std::vector<std::uint32_t> start;     // of each segment's first cell
  double width(std::size_t segment) const { return 1 / (inverse_width * cells[segment]); }
};

// One value of each of `size` stretches, at a place that no regular structure of the tensor can follow.
std::vector<float> sample(std::span<const float> values, std::size_t size) {
  const std::size_t stride = std::max<std::size_t>(1, values.size() / size);
  std::vector<float> result;
  for (std::size_t i = 0; i + stride <= values.size(); i += stride) {
    const std::uint64_t scattered = (i + 1) * 0x9e3779b97f4a7c15u;  // the golden ratio (Knuth)
    result.push_back(values[i + (scattered >> 32) % stride]);
  }
  return result;
}

// The error within a cell goes as its weights' number times its width squared; the bound wants the largest
// ones small, so all alike: as many cells as the cube root of a segment's weights.
CellGrid make_grid(std::span<const float> values, int cells) {
  constexpr double segments = 512;
  std::vector<float> some = sample(values, 32768);
  std::sort(some.begin(), some.end());
  // A few of the sample at each end are left to be exact: no outlier makes the grid coarse.
  const std::size_t outside = some.size() / 2048 + 1;
  const double low = some[outside], high = some[some.size() - 1 - outside];
  CellGrid grid;
  if (!(high > low)) return grid;
  const double width = std::exp2(std::ceil(std::log2((high - low) / segments)));
  if (width < std::numeric_limits<float>::min()) return grid;
  grid.inverse_width = 1 / width;
  grid.first = std::floor(low / width);
  grid.cells.assign(static_cast<std::size_t>(std::floor(high / width) - grid.first) + 1, 0.5);
  for (std::size_t i = outside; i < some.size() - outside; ++i)
    grid.cells[static_cast<std::size_t>(some[i] * grid.inverse_width - grid.first)] += 1;
  double roots = 0;
  for (double& count : grid.cells) roots += count = std::cbrt(count);
  std::uint32_t start = 0;
  for (double& count : grid.cells) {
    count = std::ceil(count / roots * cells);
    grid.start.push_back(start);
    start += static_cast<std::uint32_t>(count);
  }
  grid.start.push_back(start);
  return grid;
}

// What a cell has seen: the number of its weights above their summed places within it, in 65536ths of it. One
// addition counts both; blocks are short enough for neither to overflow.
constexpr int place_bits = 16, count_shift = 40;
constexpr std::size_t block = std::size_t{1} << 24;

struct Histogram {
  std::vector<double> count, place;
  std::vector<float> outside;
  double zeros = 0;
};

void count_block(std::span<const float> values, const CellGrid& grid, std::vector<std::uint64_t>& seen,
                 Histogram& histogram) {
  const double segments = static_cast<double>(grid.cells.size());
  constexpr double places = 1 << place_bits;
  std::uint64_t zeros = 0;
  for (float value : values) {
    const double t = value * grid.inverse_width - grid.first;
    if (!(t >= 0 && t < segments)) {
      histogram.outside.push_back(value);
      continue;
    }
    const auto segment = static_cast<std::size_t>(static_cast<std::int32_t>(t));
    const double within = (t - static_cast<double>(static_cast<std::int32_t>(segment))) * grid.cells[segment];
    const auto place = static_cast<std::uint64_t>(static_cast<std::int64_t>(within * places));
    seen[grid.start[segment] + (place >> place_bits)] +=
        (std::uint64_t{1} << count_shift) | (place & ((std::uint64_t{1} << place_bits) - 1));
    zeros += value == 0;
  }
  histogram.zeros += static_cast<double>(zeros);
}

Histogram count(std::span<const float> values, const CellGrid& grid) {
  const std::size_t cells = grid.start.back();
  Histogram result;
  result.count.resize(cells);
  result.place.resize(cells);
  for (std::size_t at = 0; at < values.size(); at += block) {
    std::vector<std::uint64_t> seen(cells + 1);  // rounding may carry a weight over the last cell's edge
    count_block(values.subspan(at, std::min(block, values.size() - at)), grid, seen, result);
    seen[cells - 1] += seen[cells];
    for (std::size_t i = 0; i < cells; ++i) {
      result.count[i] += static_cast<double>(seen[i] >> count_shift);
      result.place[i] += static_cast<double>(seen[i] & ((std::uint64_t{1} << count_shift) - 1));
    }
  }
  std::sort(result.outside.begin(), result.outside.end());
  return result;
}

void append_segment(Points& points, const CellGrid& grid, Histogram& histogram, std::size_t segment) {
  const double width = grid.width(segment),
               edge = (grid.first + static_cast<double>(segment)) / grid.inverse_width;
  // A network's zeros are many and exactly 0: a point of their own, on the edge where the segment begins.
  if (edge == 0 && histogram.zeros > 0) {
    append(points, 0, histogram.zeros, 0);
    histogram.count[grid.start[segment]] -= histogram.zeros;
  }
  for (std::uint32_t cell = grid.start[segment]; cell < grid.start[segment + 1]; ++cell) {
    const double count = histogram.count[cell];
    if (count == 0) continue;
    // Places were rounded down: half a place is added.
    const double place = (histogram.place[cell] / count + 0.5) / (1 << place_bits);
    append(points, edge + (cell - grid.start[segment] + place) * width, count, count * width * width / 4);
  }
}

}  // namespace

Points exact_points(std::span<const float> values) {
  const std::vector<std::uint32_t> keys = sorted_keys(values);
  Points points;
  for (std::size_t i = 0, end; i < keys.size(); i = end) {
    const float value = from_key(keys[i]);
    for (end = i + 1; end < keys.size() && from_key(keys[end]) == value;) ++end;
    append(points, value, static_cast<double>(end - i), 0);
  }
  return points;
}

Points merged_points(const Points& exact, double limit) {
  Points points;
  for (std::size_t i = 0, end; i < exact.size(); i = end) {
    const double first = exact.value[i];
    double count = exact.count[i], sum = 0, spread = 0;
    for (end = i + 1; end < exact.size(); ++end) {
      const double width = exact.value[end] - first, wider = (count + exact.count[end]) * width * width / 4;
      if (wider > limit) break;
      count += exact.count[end];
      sum += exact.count[end] * width;
      spread = wider;
    }
    append(points, first + sum / count, count, spread);
  }
  return points;
}

Points grid_points(std::span<const float> values, int cells) {
  const CellGrid grid = make_grid(values, cells);
  if (grid.cells.empty()) return {};
  Histogram histogram = count(values, grid);
  const double low = grid.first / grid.inverse_width;
  const auto inner =
      std::lower_bound(histogram.outside.begin(), histogram.outside.end(), static_cast<float>(low));
  Points points;
  append_exact(points, {histogram.outside.begin(), inner});
  for (std::size_t segment = 0; segment < grid.cells.size(); ++segment)
    append_segment(points, grid, histogram, segment);
  append_exact(points, {inner, histogram.outside.end()});
  return points;
}

double excess_bound(const Points& points, const Segments& segments) {
  std::vector<double> spread = points.spread;
  const double all = std::accumulate(spread.begin(), spread.end(), 0.0);
  if (all == 0) return 1;
  const std::size_t split = std::min(segments.ends.size() - 1, spread.size());
  std::nth_element(spread.begin(), spread.begin() + static_cast<std::ptrdiff_t>(split), spread.end(),
                   std::greater<>());
  const double largest =
      std::accumulate(spread.begin(), spread.begin() + static_cast<std::ptrdiff_t>(split), 0.0);
  const double least = segments.cost - 2 * std::sqrt(largest * segments.cost);
  if (!(segments.cost > largest) || !(least > 0)) return std::numeric_limits<double>::infinity();
  // Places within cells are rounded to 65536ths: the triangle inequality between the two sets of weights.
  const double rounding = 1 + 2 * std::sqrt(all / segments.cost) / (1 << place_bits);
  return (segments.cost + all) / least * rounding * rounding;
}

}  // namespace mlqc
