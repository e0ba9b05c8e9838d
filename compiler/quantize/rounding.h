// The inner loops of compensated rounding, over rows of weights that share a System.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "compiler/quantize/level_set.h"
#include "compiler/quantize/system.h"
#include "compiler/quantize/trellis.h"

namespace mlqc {

// Some rows of a system.
struct RowBlock {
  static constexpr std::uint32_t usual = 8;  // so many numbers are a vector
  const System* system;
  std::size_t first, count;
  bool chained;  // the weights of a column are a chain (trellis.h)
  const LevelSet* set;
  const std::uint32_t* ids;  // of each weight's levels: count x columns, in the system's order
  LevelIndex* indices;       // likewise
};

// Chooses every index anew, column after column.
void round_in_order(const RowBlock& block);

// Sweeps over the columns until nothing changes, at most `sweeps` times; returns the cost e H e' of all rows.
// With `normals`, adds each row's normal equations to those of its family.
double descend(const RowBlock& block, int sweeps, std::map<std::size_t, Normal>* normals);

}  // namespace mlqc
