#include "compiler/quantize/rounding.h"

#include <algorithm>

#include "compiler/quantize/isa.h"

namespace mlqc {

namespace {

constexpr std::size_t lanes = RowBlock::most;

// to[i][lane] += by[i] * factor[lane]: what a column's errors do to other columns, for all rows at once.
MLQ_EACH_ISA void spread(const double* by, std::size_t count, const double* factor, double* to) {
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t lane = 0; lane < lanes; ++lane) to[i * lanes + lane] += by[i] * factor[lane];
}

MLQ_EACH_ISA void add_to(const double* from, std::size_t count, double* to) {
  for (std::size_t i = 0; i < count; ++i) to[i] += from[i];
}

double target(const RowBlock& block, std::size_t lane, std::size_t k) {
  return block.system->target[(block.first + lane) * block.system->columns + k];
}

double error_at(const RowBlock& block, std::size_t lane, std::size_t k) {
  const LevelIndex index = block.indices[lane * block.system->columns + k];
  return target(block, lane, k) - block.levels[lane]->values[index];
}

// One sweep; `errors` and `slopes` (H e) are columns x lanes. False when nothing changed.
bool sweep(const RowBlock& block, std::vector<double>& errors, std::vector<double>& slopes) {
  const std::size_t n = block.system->columns;
  bool any = false;
  for (std::size_t k = 0; k < n; ++k) {
    double change[lanes] = {};
    bool here = false;
    const double curvature = block.system->h[k * n + k];
    for (std::size_t lane = 0; lane < block.count; ++lane) {
      const double error = errors[k * lanes + lane];
      const double best = error - slopes[k * lanes + lane] / curvature;
      const double value = target(block, lane, k);
      const std::size_t index = block.levels[lane]->nearest(value - best);
      LevelIndex& now = block.indices[lane * n + k];
      if (index == now) continue;
      now = static_cast<LevelIndex>(index);
      change[lane] = value - block.levels[lane]->values[index] - error;
      errors[k * lanes + lane] += change[lane];
      here = true;
    }
    if (here) spread(&block.system->h[k * n], n, change, slopes.data());
    any |= here;
  }
  return any;
}

// A' H A, where A says which level each column has: row sums of H first, then of the result.
void add_table(const RowBlock& block, std::size_t lane, const std::vector<double>& slopes, Normal& normal) {
  const std::size_t n = block.system->columns, size = block.levels[lane]->values.size();
  const LevelIndex* indices = block.indices + lane * n;
  std::vector<double> sums(size * n);
  for (std::size_t k = 0; k < n; ++k) add_to(&block.system->h[k * n], n, &sums[indices[k] * n]);
  for (std::size_t a = 0; a < size; ++a)
    for (std::size_t k = 0; k < n; ++k) normal.matrix[a * size + indices[k]] += sums[a * n + k];
  for (std::size_t k = 0; k < n; ++k) normal.right[indices[k]] += slopes[k * lanes + lane];
}

void add_even(const RowBlock& block, std::size_t lane, const std::vector<double>& slopes, Normal& normal) {
  const std::size_t n = block.system->columns, p = normal.right.size();
  const Levels& levels = *block.levels[lane];
  const LevelIndex* indices = block.indices + lane * n;
  std::vector<double> rows(p * n), factors(p * n);
  for (std::size_t a = 0; a < p; ++a)
    for (std::size_t k = 0; k < n; ++k) rows[a * n + k] = basis(levels, indices[k], a);
  for (std::size_t a = 0; a < p; ++a)
    for (std::size_t k = 0; k < n; ++k)
      for (std::size_t i = 0; i < n; ++i) factors[a * n + i] += rows[a * n + k] * block.system->h[k * n + i];
  for (std::size_t a = 0; a < p; ++a) {
    for (std::size_t b = 0; b < p; ++b)
      for (std::size_t k = 0; k < n; ++k) normal.matrix[a * p + b] += factors[a * n + k] * rows[b * n + k];
    for (std::size_t k = 0; k < n; ++k) normal.right[a] += rows[a * n + k] * slopes[k * lanes + lane];
  }
}

void add_normals(const RowBlock& block, const std::vector<double>& slopes,
                 std::map<std::size_t, Normal>& normals) {
  for (std::size_t lane = 0; lane < block.count; ++lane) {
    const Levels& levels = *block.levels[lane];
    const std::size_t p = parameters(levels);
    if (p == 0) continue;
    Normal& normal = normals[block.ids[lane]];
    normal.matrix.resize(p * p);
    normal.right.resize(p);
    (levels.fit == Fit::free ? add_table : add_even)(block, lane, slopes, normal);
  }
}

}  // namespace

void Normal::add(const Normal& other) {
  matrix.resize(other.matrix.size());
  right.resize(other.right.size());
  for (std::size_t i = 0; i < matrix.size(); ++i) matrix[i] += other.matrix[i];
  for (std::size_t i = 0; i < right.size(); ++i) right[i] += other.right[i];
}

void round_in_order(const RowBlock& block) {
  const std::size_t n = block.system->columns;
  std::vector<double> owed(n * lanes);
  for (std::size_t k = 0; k < n; ++k) {
    double error[lanes] = {};
    for (std::size_t lane = 0; lane < block.count; ++lane) {
      const double value = target(block, lane, k);
      const std::size_t index = block.levels[lane]->nearest(value + owed[k * lanes + lane]);
      block.indices[lane * n + k] = static_cast<LevelIndex>(index);
      error[lane] = value - block.levels[lane]->values[index];
    }
    spread(block.system->u.data() + k * n + k + 1, n - k - 1, error, owed.data() + (k + 1) * lanes);
  }
}

double descend(const RowBlock& block, int sweeps, std::map<std::size_t, Normal>* normals) {
  const std::size_t n = block.system->columns;
  std::vector<double> errors(n * lanes), slopes(n * lanes);
  for (std::size_t k = 0; k < n; ++k) {
    for (std::size_t lane = 0; lane < block.count; ++lane)
      errors[k * lanes + lane] = error_at(block, lane, k);
    spread(&block.system->h[k * n], n, &errors[k * lanes], slopes.data());
  }
  for (int i = 0; i < sweeps && sweep(block, errors, slopes);) ++i;
  double cost = 0;
  for (std::size_t i = 0; i < errors.size(); ++i) cost += errors[i] * slopes[i];
  if (normals) add_normals(block, slopes, *normals);
  return cost;
}

}  // namespace mlqc
