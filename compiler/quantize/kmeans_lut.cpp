// A table of the 2^bits values that stand for the weights with the least squared error: the global optimum of
// one-dimensional k-means, not what Lloyd's iteration ends in. For tensors that are not large it is the
// optimum itself; for others, weights are first gathered in cells so fine that the error is proven to be at
// most 1.001 times the least (see points.h), and where they cannot be, the cells are refined until it is.
//
// The table ascends. With fewer distinct weights than entries, the last value is repeated.
#include <algorithm>
#include <numeric>

#include "compiler/quantize/algorithms.h"
#include "compiler/quantize/nearest.h"
#include "compiler/quantize/points.h"

namespace mlqc {

namespace {

constexpr std::size_t exact_up_to = std::size_t{1} << 17;
constexpr double allowed_excess = 1.001;

struct Clustering {
  Points points;
  Segments segments;
};

Clustering cluster(Points points, int entries) {
  Segments segments = best_segments(points, entries);
  return {std::move(points), std::move(segments)};
}

// For distributions that no even grid suits: cells of sorted weights, as wide as a limit on their spread lets
// them be. The limit falls until the proof holds, at worst until every weight is its own cell.
Clustering cluster_sorted(const Points& exact, int entries) {
  if (exact.size() <= exact_up_to) return cluster(exact, entries);
  Clustering result;
  double least = 0;
  const double weights = std::accumulate(exact.count.begin(), exact.count.end(), 0.0);
  const double range = exact.value.back() - exact.value.front();
  for (double limit = weights * range * range / entries;; limit = std::min(limit / 16, least)) {
    Points merged = merged_points(exact, limit);
    if (merged.size() > exact.size() / 2) return cluster(exact, entries);
    result = cluster(std::move(merged), entries);
    if (excess_bound(result.points, result.segments) <= allowed_excess) return result;
    // What the proof asks of the spreads, were this cost the least.
    const double spreads = std::accumulate(result.points.spread.begin(), result.points.spread.end(), 0.0);
    least = 9e-8 * (result.segments.cost + spreads) / entries;
  }
}

Clustering cluster_weights(std::span<const float> values, int entries) {
  // The proven excess falls as the cells of a cluster to the power -1.5: this many leave room.
  const int cells = std::max(4096, 512 * entries);
  if (values.size() <= 4 * static_cast<std::size_t>(cells)) return cluster(exact_points(values), entries);
  Points points = grid_points(values, cells);
  if (points.size() > static_cast<std::size_t>(entries)) {
    Clustering result = cluster(std::move(points), entries);
    if (excess_bound(result.points, result.segments) <= allowed_excess) return result;
  }
  return cluster_sorted(exact_points(values), entries);
}

std::vector<float> means(const Clustering& clustering, std::size_t entries) {
  std::vector<float> table;
  std::size_t from = 0;
  for (std::int32_t end : clustering.segments.ends) {
    const double origin = clustering.points.value[from];
    double count = 0, sum = 0;
    for (; from < static_cast<std::size_t>(end); ++from) {
      count += clustering.points.count[from];
      sum += clustering.points.count[from] * (clustering.points.value[from] - origin);
    }
    table.push_back(static_cast<float>(origin + sum / count));
  }
  table.resize(entries, table.back());
  return table;
}

// The weights of group g, in one run.
std::vector<float> group_values(const Weights& weights, std::size_t g) {
  const auto groups = static_cast<std::size_t>(weights.groups),
             inner = static_cast<std::size_t>(weights.inner);
  std::vector<float> result;
  result.reserve(weights.values.size() / groups);
  for (std::size_t at = g * inner; at < weights.values.size(); at += groups * inner)
    result.insert(result.end(), weights.values.begin() + static_cast<std::ptrdiff_t>(at),
                  weights.values.begin() + static_cast<std::ptrdiff_t>(at + inner));
  return result;
}

}  // namespace

Quantized kmeans_lut(const Weights& weights, int bits) {
  const std::size_t entries = std::size_t{1} << bits;
  const auto groups = static_cast<std::size_t>(weights.groups),
             inner = static_cast<std::size_t>(weights.inner);
  Quantized result;
  result.indices.resize(weights.values.size());
  if (groups == 1) {
    result.table = means(cluster_weights(weights.values, static_cast<int>(entries)), entries);
    nearest_entries(weights.values, result.table, result.indices);
    return result;
  }
  for (std::size_t g = 0; g < groups; ++g) {
    const std::vector<float> values = group_values(weights, g);
    const std::vector<float> table = means(cluster_weights(values, static_cast<int>(entries)), entries);
    std::vector<std::uint8_t> indices(values.size());
    nearest_entries(values, table, indices);
    for (std::size_t i = 0; i < values.size(); ++i)
      result.indices[(i / inner * groups + g) * inner + i % inner] = indices[i];
    result.table.insert(result.table.end(), table.begin(), table.end());
  }
  return result;
}

}  // namespace mlqc
