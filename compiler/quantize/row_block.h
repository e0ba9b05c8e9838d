// Some rows of a layer's weights that are rounded side by side.
#pragma once

#include <cstddef>
#include <cstdint>

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

inline double target(const RowBlock& block, std::size_t lane, std::size_t k) {
  return block.system->target[(block.first + lane) * block.system->columns + k];
}

inline const Levels& levels_at(const RowBlock& block, std::size_t lane, std::size_t k) {
  return block.set->levels[block.ids[lane * block.system->columns + k]];
}

// to[i][lane] += by[i] * factor[lane], with a whole number of vectors of lanes: what a column's errors do to
// other columns.
void spread(const float* by, std::size_t count, const double* factor, std::size_t lanes, double* to);

}  // namespace mlqc
