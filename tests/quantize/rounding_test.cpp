// Levels that meet in a row: who depends on whom, and what fitting them together gives.
#include "compiler/quantize/rounding.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "tests/quantize/naive.h"

namespace mlqc {
namespace {

constexpr std::size_t columns = 9, rows = 4;

// H = A A' of correlated columns.
System system_of(unsigned seed) {
  const std::vector<double> a = test::normal(columns * 20, seed);
  System system;
  system.columns = columns;
  system.rows = rows;
  system.h.resize(columns * columns);
  for (std::size_t i = 0; i < columns; ++i)
    for (std::size_t k = 0; k < columns; ++k)
      for (std::size_t j = 0; j < 20; ++j)
        system.h[i * columns + k] += static_cast<float>((a[i * 20 + j] + 1) * (a[k * 20 + j] + 1));
  system.target = test::normal(rows * columns, seed + 1);
  return system;
}

std::vector<Levels> levels_of(Fit fit, std::size_t count) {
  std::vector<Levels> levels;
  for (std::size_t id = 0; id < count; ++id) {
    Quantized made;
    const float step = 0.8f + 0.1f * static_cast<float>(id);
    for (int i = 0; i < 4; ++i)
      made.table.push_back(step * (static_cast<float>(i) - (fit == Fit::symmetric ? 2.0f : 1.5f)));
    levels.push_back(to_levels(made, 4, fit)[0]);
  }
  return levels;
}

double cost(const System& system, const LevelSet& set, const std::vector<std::uint32_t>& ids,
            const std::vector<LevelIndex>& indices) {
  double cost = 0;
  std::vector<double> error(columns);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t k = 0; k < columns; ++k) {
      const std::size_t at = r * columns + k;
      error[k] = system.target[at] - set.levels[ids[at]].values[indices[at]];
    }
    for (std::size_t i = 0; i < columns; ++i)
      for (std::size_t k = 0; k < columns; ++k)
        cost += error[i] * static_cast<double>(system.h[i * columns + k]) * error[k];
  }
  return cost;
}

struct Layout {
  const char* name;
  std::uint32_t (*id)(std::size_t row, std::size_t column);
  std::size_t levels, families;
};

const Layout layouts[] = {
    {"one for all", [](std::size_t, std::size_t) { return 0u; }, 1, 1},
    {"one a row", [](std::size_t r, std::size_t) { return static_cast<std::uint32_t>(r); }, 4, 4},
    {"rows in pairs", [](std::size_t r, std::size_t) { return static_cast<std::uint32_t>(r / 2); }, 2, 2},
    {"blocks of a row",
     [](std::size_t r, std::size_t k) { return static_cast<std::uint32_t>(r * 3 + k / 4); }, 12, 4},
    {"one a column", [](std::size_t, std::size_t k) { return static_cast<std::uint32_t>(k); }, 9, 1},
};

TEST(LevelSet, LevelsOfARowAreAFamily) {
  for (const Layout& layout : layouts) {
    std::vector<std::uint32_t> ids;
    for (std::size_t i = 0; i < rows * columns; ++i) ids.push_back(layout.id(i / columns, i % columns));
    const LevelSet set = make_level_set(levels_of(Fit::affine, layout.levels), ids, columns);
    ASSERT_EQ(set.families.size(), layout.families) << layout.name;
    std::size_t size = 0, count = 0;
    for (const Family& family : set.families) size += family.size, count += family.rows;
    EXPECT_EQ(size, 2 * layout.levels) << layout.name;
    EXPECT_EQ(count, rows) << layout.name;
    for (std::size_t i = 0; i < ids.size(); ++i)
      EXPECT_EQ(set.family[ids[i]], set.family[ids[i / columns * columns]]) << layout.name;
  }
}

// Moved together by what the normal equations say, no parameter can be changed for the better.
TEST(Rounding, NormalEquationsFindTheLeastCostOfAllLevelsTogether) {
  for (const Layout& layout : layouts)
    for (const Fit fit : {Fit::free, Fit::affine, Fit::symmetric}) {
      const System system = system_of(7);
      std::vector<std::uint32_t> ids;
      for (std::size_t i = 0; i < rows * columns; ++i) ids.push_back(layout.id(i / columns, i % columns));
      LevelSet set = make_level_set(levels_of(fit, layout.levels), ids, columns);
      std::vector<LevelIndex> indices(ids.size());
      std::map<std::size_t, Normal> normals;
      std::vector<bool> stayed;  // because they would turn around
      const RowBlock block{&system, 0, rows, false, &set, ids.data(), indices.data()};
      const double said = descend(block, 3, &normals);
      const double before = cost(system, set, ids, indices);
      EXPECT_NEAR(said, before, 1e-9 * before);
      const auto change = [&](std::size_t id, std::size_t parameter, double by) {
        std::vector<double> all(parameters(set.levels[id]));
        all[parameter] = by;
        move(set.levels[id], all);
      };
      std::map<std::size_t, std::vector<double>> moves;
      for (const auto& [family, normal] : normals) {
        EXPECT_EQ(normal.rows, set.families[family].rows);
        moves[family] = mlqc::fit(set, family, normal);
      }
      for (std::size_t id = 0; id < set.levels.size(); ++id) {
        const std::vector<double> by = part_of(moves.at(set.family[id]), set, id);
        EXPECT_TRUE(can_move(set.levels[id], by)) << layout.name;
        move(set.levels[id], by);
        stayed.push_back(std::ranges::all_of(by, [](double each) { return each == 0; }));
      }
      const double after = cost(system, set, ids, indices);
      EXPECT_LE(after, before * (1 + 1e-6)) << layout.name;
      for (std::size_t id = 0; id < set.levels.size(); ++id)
        for (std::size_t p = 0; !stayed[id] && p < parameters(set.levels[id]); ++p)
          for (const double by : {-0.01, 0.01}) {
            const LevelSet kept = set;
            change(id, p, by);
            EXPECT_GE(cost(system, set, ids, indices), after * (1 - 1e-5)) << layout.name << id << p;
            set = kept;
          }
    }
}

}  // namespace
}  // namespace mlqc
