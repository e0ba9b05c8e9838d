// Rounding in order that keeps several ways open: the M-algorithm (Anderson and Mohan, Sequential Coding
// Algorithms, 1984) for the closest point of a lattice.
#pragma once

#include "compiler/quantize/row_block.h"

namespace mlqc {

constexpr std::size_t most_ways = 256;

// Chooses every index anew, each row by itself. A column's weight becomes one of the two levels about what
// the columns before it leave for it to be, and of all continuations `ways` go on, those of least cost so
// far. With one way it would be GPTQ. Not for chained rows. `ways` is a multiple of RowBlock::usual.
void round_by_beam(const RowBlock& block, std::size_t ways);

}  // namespace mlqc
