#include "compiler/quantize/level_set.h"

#include <numeric>
#include <utility>

#include "compiler/quantize/system.h"

namespace mlqc {

namespace {

// Sets of numbers, each known by one of them.
class Unions {
 public:
  explicit Unions(std::size_t count) : parent_(count) { std::iota(parent_.begin(), parent_.end(), 0u); }

  std::size_t find(std::size_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  void join(std::size_t a, std::size_t b) { parent_[find(a)] = find(b); }

 private:
  std::vector<std::size_t> parent_;
};

// As if the parameter did not move.
void hold(Normal& normal, std::size_t parameter) {
  const std::size_t size = normal.right.size();
  for (std::size_t i = 0; i < size; ++i)
    if (i != parameter) normal.matrix[i * size + parameter] = normal.matrix[parameter * size + i] = 0;
  normal.right[parameter] = 0;
}

}  // namespace

void Normal::add(const Normal& other) {
  matrix.resize(other.matrix.size());
  right.resize(other.right.size());
  for (std::size_t i = 0; i < matrix.size(); ++i) matrix[i] += other.matrix[i];
  for (std::size_t i = 0; i < right.size(); ++i) right[i] += other.right[i];
  rows += other.rows;
}

std::vector<double> fit(const LevelSet& set, std::size_t family, Normal normal) {
  for (;;) {
    std::vector<double> moves = solve(normal.matrix, normal.right);
    bool all = true;
    for (const std::size_t level : set.families[family].levels) {
      if (can_move(set.levels[level], part_of(moves, set, level))) continue;
      all = false;
      for (std::size_t i = 0; i < parameters(set.levels[level]); ++i) hold(normal, set.place[level] + i);
    }
    if (all) return moves;
  }
}

std::vector<double> part_of(const std::vector<double>& moves, const LevelSet& set, std::size_t level) {
  const auto begin = moves.begin() + static_cast<std::ptrdiff_t>(set.place[level]);
  return {begin, begin + static_cast<std::ptrdiff_t>(parameters(set.levels[level]))};
}

LevelSet make_level_set(std::vector<Levels> levels, std::span<const std::uint32_t> ids, std::size_t columns) {
  LevelSet set;
  set.levels = std::move(levels);
  Unions unions(set.levels.size());
  for (std::size_t row = 0; row < ids.size(); row += columns)
    for (std::size_t k = 1; k < columns; ++k)
      if (ids[row + k] != ids[row + k - 1]) unions.join(ids[row + k], ids[row + k - 1]);

  std::vector<std::size_t> number(set.levels.size(), set.levels.size());
  for (std::size_t id = 0; id < set.levels.size(); ++id) {
    std::size_t& family = number[unions.find(id)];
    if (family == set.levels.size()) {
      family = set.families.size();
      set.families.push_back({});
    }
    set.families[family].levels.push_back(id);
    set.family.push_back(family);
    set.place.push_back(set.families[family].size);
    set.families[family].size += parameters(set.levels[id]);
  }
  for (std::size_t row = 0; row < ids.size(); row += columns) ++set.families[set.family[ids[row]]].rows;
  return set;
}

}  // namespace mlqc
