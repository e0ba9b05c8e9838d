// The inner loops of compensated rounding, over rows of weights that share a System.
#pragma once

#include <map>

#include "compiler/quantize/row_block.h"

namespace mlqc {

// Chooses every index anew, column after column, all rows side by side: what chains need. Rows by themselves
// do better with several ways (beam.h).
void round_in_order(const RowBlock& block);

// Sweeps over the columns until nothing changes, at most `sweeps` times; returns the cost e H e' of all rows.
// With `normals`, adds each row's normal equations to those of its family.
double descend(const RowBlock& block, int sweeps, std::map<std::size_t, Normal>* normals);

}  // namespace mlqc
