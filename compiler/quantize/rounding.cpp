#include "compiler/quantize/rounding.h"

#include <algorithm>

#include "compiler/quantize/isa.h"
#include "compiler/quantize/trellis.h"

namespace mlqc {

namespace {

// Rows, filled up to whole vectors: what columns x rows are laid out for.
std::size_t lanes_of(const RowBlock& block) {
  constexpr std::size_t vector = RowBlock::usual;
  return (block.count + vector - 1) / vector * vector;
}

MLQ_EACH_ISA void add_to(const float* from, std::size_t count, double factor, double* to) {
  for (std::size_t i = 0; i < count; ++i) to[i] += factor * static_cast<double>(from[i]);
}

// The levels that the weights of a column become, given what they should be.
void choose(const RowBlock& block, std::size_t k, std::span<const double> wanted,
            std::span<LevelIndex> chosen) {
  if (!block.chained) {
    for (std::size_t lane = 0; lane < block.count; ++lane)
      chosen[lane] = static_cast<LevelIndex>(levels_at(block, lane, k).nearest(wanted[lane]));
    return;
  }
  std::vector<const Levels*> levels;
  for (std::size_t lane = 0; lane < block.count; ++lane) levels.push_back(&levels_at(block, lane, k));
  choose_path(wanted, levels, chosen);
}

double error_at(const RowBlock& block, std::size_t lane, std::size_t k) {
  const LevelIndex index = block.indices[lane * block.system->columns + k];
  return target(block, lane, k) - levels_at(block, lane, k).values[index];
}

// One sweep; `errors` and `slopes` (H e) are columns x lanes. False when nothing changed.
bool sweep(const RowBlock& block, std::vector<double>& errors, std::vector<double>& slopes) {
  const std::size_t n = block.system->columns, lanes = lanes_of(block);
  std::vector<double> wanted(block.count), change(lanes);
  std::vector<LevelIndex> chosen(block.count);
  bool any = false;
  for (std::size_t k = 0; k < n; ++k) {
    const double curvature = block.system->h[k * n + k];
    for (std::size_t lane = 0; lane < block.count; ++lane)
      wanted[lane] =
          target(block, lane, k) - (errors[k * lanes + lane] - slopes[k * lanes + lane] / curvature);
    choose(block, k, wanted, chosen);
    bool here = false;
    for (std::size_t lane = 0; lane < block.count; ++lane) {
      LevelIndex& now = block.indices[lane * n + k];
      change[lane] = 0;
      if (chosen[lane] == now) continue;
      now = chosen[lane];
      const double error = error_at(block, lane, k);
      change[lane] = error - errors[k * lanes + lane];
      errors[k * lanes + lane] = error;
      here = true;
    }
    if (here) spread(&block.system->h[k * n], n, change.data(), lanes, slopes.data());
    any |= here;
  }
  return any;
}

// What a column's weight depends on: parameters from `first` on, each by its basis.
struct Dependence {
  std::size_t first, count;
  double basis[2];
};

std::vector<Dependence> dependences(const RowBlock& block, std::size_t lane) {
  std::vector<Dependence> result;
  for (std::size_t k = 0; k < block.system->columns; ++k) {
    const std::size_t at = lane * block.system->columns + k, level = block.indices[at];
    const Levels& levels = block.set->levels[block.ids[at]];
    const std::size_t first = block.set->place[block.ids[at]];
    if (levels.fit == Fit::free) {
      result.push_back({first + level, 1, {1, 0}});
      continue;
    }
    result.push_back({first, parameters(levels), {}});
    for (std::size_t p = 0; p < result.back().count; ++p) result.back().basis[p] = basis(levels, level, p);
  }
  return result;
}

// A' H A and A' H e, where A says how each column depends on the parameters: A' H first, then the rest.
void add_row(const RowBlock& block, std::size_t lane, const std::vector<double>& slopes, Normal& normal) {
  const std::size_t n = block.system->columns, size = normal.right.size(), lanes = lanes_of(block);
  const std::vector<Dependence> on = dependences(block, lane);
  std::vector<double> sums(size * n);
  for (std::size_t k = 0; k < n; ++k)
    for (std::size_t p = 0; p < on[k].count; ++p)
      add_to(&block.system->h[k * n], n, on[k].basis[p], &sums[(on[k].first + p) * n]);
  for (std::size_t a = 0; a < size; ++a)
    for (std::size_t k = 0; k < n; ++k)
      for (std::size_t p = 0; p < on[k].count; ++p)
        normal.matrix[a * size + on[k].first + p] += sums[a * n + k] * on[k].basis[p];
  for (std::size_t k = 0; k < n; ++k)
    for (std::size_t p = 0; p < on[k].count; ++p)
      normal.right[on[k].first + p] += on[k].basis[p] * slopes[k * lanes + lane];
  ++normal.rows;
}

void add_normals(const RowBlock& block, const std::vector<double>& slopes,
                 std::map<std::size_t, Normal>& normals) {
  for (std::size_t lane = 0; lane < block.count; ++lane) {
    const std::size_t family = block.set->family[block.ids[lane * block.system->columns]];
    const std::size_t size = block.set->families[family].size;
    if (size == 0) continue;
    Normal& normal = normals[family];
    normal.matrix.resize(size * size);
    normal.right.resize(size);
    add_row(block, lane, slopes, normal);
  }
}

}  // namespace

void round_in_order(const RowBlock& block) {
  const std::size_t n = block.system->columns, lanes = lanes_of(block);
  std::vector<double> owed(n * lanes), wanted(block.count), error(lanes);
  std::vector<LevelIndex> chosen(block.count);
  for (std::size_t k = 0; k < n; ++k) {
    for (std::size_t lane = 0; lane < block.count; ++lane)
      wanted[lane] = target(block, lane, k) + owed[k * lanes + lane];
    choose(block, k, wanted, chosen);
    for (std::size_t lane = 0; lane < block.count; ++lane) {
      block.indices[lane * n + k] = chosen[lane];
      error[lane] = error_at(block, lane, k);
    }
    spread(block.system->u.data() + k * n + k + 1, n - k - 1, error.data(), lanes,
           owed.data() + (k + 1) * lanes);
  }
}

double descend(const RowBlock& block, int sweeps, std::map<std::size_t, Normal>* normals) {
  const std::size_t n = block.system->columns, lanes = lanes_of(block);
  std::vector<double> errors(n * lanes), slopes(n * lanes);
  for (std::size_t k = 0; k < n; ++k) {
    for (std::size_t lane = 0; lane < block.count; ++lane)
      errors[k * lanes + lane] = error_at(block, lane, k);
    spread(&block.system->h[k * n], n, &errors[k * lanes], lanes, slopes.data());
  }
  for (int i = 0; i < sweeps && sweep(block, errors, slopes);) ++i;
  double cost = 0;
  for (std::size_t i = 0; i < errors.size(); ++i) cost += errors[i] * slopes[i];
  if (normals) add_normals(block, slopes, *normals);
  return cost;
}

}  // namespace mlqc
