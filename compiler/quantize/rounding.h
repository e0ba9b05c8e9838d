// The inner loops of compensated rounding, over rows of weights that share a System.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "compiler/quantize/levels.h"
#include "compiler/quantize/system.h"

namespace mlqc {

using LevelIndex = std::uint16_t;

// Normal equations of levels' parameters.
struct Normal {
  std::vector<double> matrix, right;
  void add(const Normal& other);
};

// Some rows of a system, at most `most` of them.
struct RowBlock {
  static constexpr std::size_t most = 8;
  const System* system;
  std::size_t first, count;
  std::vector<const Levels*> levels;  // of each row
  std::vector<std::size_t> ids;       // of each row's levels
  LevelIndex* indices;                // count x columns, in the system's order
};

// Chooses every index anew, column after column.
void round_in_order(const RowBlock& block);

// Sweeps over the columns until nothing changes, at most `sweeps` times; returns the cost e H e' of all rows.
// With `normals`, adds each row's normal equations to those of its levels' id.
double descend(const RowBlock& block, int sweeps, std::map<std::size_t, Normal>* normals);

}  // namespace mlqc
