// Rounding that keeps several ways open against trying all of them, and against following the ways one by
// one.
#include "compiler/quantize/beam.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "compiler/quantize/rounding.h"
#include "tests/quantize/naive.h"

namespace mlqc {
namespace {

constexpr std::size_t rows = 3;
constexpr double near = 1e-5;  // H and U are floats

// Columns that go together: nine tenths of each are the one before it.
System system_of(std::size_t columns, unsigned seed) {
  const std::size_t count = 4 * columns;
  std::vector<float> x(count * columns);
  const std::vector<double> noise = test::normal(x.size(), seed);
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] = static_cast<float>(noise[i]) + (i % columns == 0 ? 0.0f : 0.9f * x[i - 1]);
  std::vector<Moments> moments(1, Moments(columns));
  add(moments, {{x.data(), x.data(), count}});
  std::vector<float> weights;
  for (const double value : test::normal(rows * columns, seed + 1))
    weights.push_back(static_cast<float>(value));
  return make_system(std::move(moments[0]), weights, false, 0.01, 1);
}

LevelSet levels_of(const std::vector<float>& table, const std::vector<std::uint32_t>& ids,
                   std::size_t columns) {
  Quantized made;
  made.table = table;
  return make_level_set(to_levels(made, table.size(), Fit::free), ids, columns);
}

double cost(const System& system, const std::vector<double>& error) {
  double cost = 0;
  for (std::size_t i = 0; i < error.size(); ++i)
    for (std::size_t k = 0; k < error.size(); ++k)
      cost += error[i] * static_cast<double>(system.h[i * system.columns + k]) * error[k];
  return cost;
}

// One row's cost once it is rounded.
double cost(const RowBlock& block, std::size_t row) {
  const std::size_t n = block.system->columns;
  std::vector<double> error(n);
  for (std::size_t k = 0; k < n; ++k)
    error[k] = target(block, row, k) - block.set->levels[0].values[block.indices[row * n + k]];
  return cost(*block.system, error);
}

// The least cost of all choices of levels for the columns from error.size() on.
double least(const RowBlock& block, std::size_t row, std::vector<double> error) {
  const std::size_t k = error.size();
  if (k == block.system->columns) return cost(*block.system, error);
  double best = INFINITY;
  for (const double level : block.set->levels[0].values) {
    error.push_back(target(block, row, k) - level);
    best = std::min(best, least(block, row, error));
    error.pop_back();
  }
  return best;
}

struct Way {
  double cost = 0;
  std::vector<double> error;
};

// The same ways, each with all its errors.
double naive(const RowBlock& block, std::size_t row, std::size_t ways) {
  const System& s = *block.system;
  const std::vector<double>& levels = block.set->levels[0].values;
  std::vector<Way> open(1);
  for (std::size_t k = 0; k < s.columns; ++k) {
    std::vector<Way> next;
    for (const Way& way : open) {
      double wanted = target(block, row, k);
      for (std::size_t i = 0; i < k; ++i)
        wanted += static_cast<double>(s.u[i * s.columns + k]) * way.error[i];
      const auto above = std::ranges::lower_bound(levels, wanted);
      for (const auto& level : {above, above - 1}) {
        if (level < levels.begin() || level == levels.end()) continue;
        next.push_back(way);
        next.back().cost += s.d[k] * (wanted - *level) * (wanted - *level);
        next.back().error.push_back(target(block, row, k) - *level);
      }
    }
    std::ranges::stable_sort(next, {}, &Way::cost);
    next.resize(std::min(next.size(), ways));
    open = std::move(next);
  }
  return open[0].cost;
}

const std::vector<float> table = {-1.6f, -0.5f, 0.4f, 1.5f};

TEST(Beam, FindsTheBestOfAllWhereEveryWayStaysOpen) {
  for (unsigned seed = 1; seed < 12; ++seed) {
    const System system = system_of(7, seed);
    const std::vector<std::uint32_t> ids(rows * 7);
    const LevelSet set = levels_of(table, ids, 7);
    std::vector<LevelIndex> indices(ids.size()), greedy(ids.size());
    const RowBlock block{&system, 0, rows, false, &set, ids.data(), indices.data()};
    const RowBlock other{&system, 0, rows, false, &set, ids.data(), greedy.data()};
    round_by_beam(block, 128);
    round_in_order(other);
    for (std::size_t r = 0; r < rows; ++r) {
      EXPECT_GE(cost(block, r), least(block, r, {}) * (1 - near));
      EXPECT_LE(cost(block, r), cost(other, r) * (1 + near));
      EXPECT_NEAR(cost(block, r), naive(block, r, 128), near * cost(block, r));
    }
  }
}

TEST(Beam, GivesWhatWaysFollowedOneByOneGive) {
  for (const std::size_t columns : {15u, 16u, 17u, 45u})
    for (const std::size_t ways : {8u, 24u}) {
      const System system = system_of(columns, 5);
      const std::vector<std::uint32_t> ids(rows * columns);
      const LevelSet set = levels_of(table, ids, columns);
      std::vector<LevelIndex> indices(ids.size());
      const RowBlock block{&system, 0, rows, false, &set, ids.data(), indices.data()};
      round_by_beam(block, ways);
      for (std::size_t r = 0; r < rows; ++r)
        EXPECT_NEAR(cost(block, r), naive(block, r, ways), near * cost(block, r)) << columns << " " << ways;
    }
}

// Ways of equal cost are told apart by their order: of one level there is one way only.
TEST(Beam, LevelsThatAreAllTheSameAreLevelsToo) {
  const System system = system_of(20, 3);
  const std::vector<std::uint32_t> ids(rows * 20);
  for (const std::vector<float>& same : {std::vector<float>{0.5f}, std::vector<float>{0.5f, 0.5f, 0.5f}}) {
    const LevelSet set = levels_of(same, ids, 20);
    std::vector<LevelIndex> indices(ids.size(), 99);
    round_by_beam({&system, 0, rows, false, &set, ids.data(), indices.data()}, 8);
    for (const LevelIndex index : indices) EXPECT_LT(index, same.size());
  }
}

}  // namespace
}  // namespace mlqc
