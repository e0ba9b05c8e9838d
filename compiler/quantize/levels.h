// The numbers that weights may become, and how they move to suit the weights that became them.
#pragma once

#include <vector>

#include "compiler/quantize/quantize.h"

namespace mlqc {

struct Levels {
  Fit fit = Fit::free;
  std::vector<double> values;     // ascending, as they are stored
  double scale = 0, offset = 0;   // of affine and symmetric ones
  std::vector<double> threshold;  // between neighbours, where there is a table
  bool halves = false;            // what is stored has half precision

  std::size_t nearest(double value) const;
};

// Levels of each group from what an algorithm made. Where levels may move, what is stored of them has half
// precision: it takes half as many bytes, and the choice among levels makes up for it.
std::vector<Levels> to_levels(const Quantized& quantized, std::size_t count, Fit fit);
// And back: scale and offset or table; indices are left to the caller.
Quantized from_levels(const std::vector<Levels>& levels);

// How many parameters levels of this kind have, and how a level depends on them: level i is
// sum over p of basis(i, p) * parameter p.
std::size_t parameters(const Levels& levels);
double basis(const Levels& levels, std::size_t level, std::size_t parameter);
// Whether they can: what is even stays in ascending order.
bool can_move(const Levels& levels, const std::vector<double>& by);
// Moves the parameters, where they can, and rounds to what is stored. A table is not sorted again here.
void move(Levels& levels, const std::vector<double>& by);
// Sorts a table; result[i] is the new place of level i.
std::vector<std::size_t> sort(Levels& levels);

// Narrows evenly spaced levels to what costs `values` the least squared error: far outliers are cut off.
void clip(Levels& levels, const std::vector<double>& values);

}  // namespace mlqc
