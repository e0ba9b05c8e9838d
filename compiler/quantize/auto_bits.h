// `bits: auto`: how many bits each layer gets.
#pragma once

#include <cstddef>
#include <vector>

namespace mlqc {

// What one layer costs at each width that it may have, narrow widths first.
struct WidthChoice {
  double bits = 0;    // the logarithm of the number of levels
  double bytes = 0;   // of its numbers and of what explains them
  double damage = 0;  // what it alone does to the network's output, in any unit that all layers share
};
struct LayerWidths {
  std::vector<WidthChoice> choices;  // never empty
};

double bytes_of(const std::vector<LayerWidths>& layers, const std::vector<std::size_t>& chosen);
double damage_of(const std::vector<LayerWidths>& layers, const std::vector<std::size_t>& chosen);

// Both answer for each layer with the index of a choice. Layers are taken to harm the output independently of
// each other, so that damages add up; the rest is a knapsack, filled layer by layer (Bellman, 1957), exact
// but for the 16384th part of the bytes. A price for bytes (Lagrange) would be quicker, but a large layer's
// next bit can be more than all others together should give up for it.

// The least damage of at most so many bytes, or with the smallest choices where nothing is that small.
std::vector<std::size_t> widths_within(const std::vector<LayerWidths>& layers, double bytes);

// The fewest bytes that do at most this damage, or the widest choices where nothing does so little.
std::vector<std::size_t> widths_for_damage(const std::vector<LayerWidths>& layers, double damage);

// Damage at a width between or beyond measured ones: its logarithm is a line between two neighbours, as the
// noise of rounding falls by a constant factor with each bit. `measured` has two points or more, ascending
// in bits. Points that do not fall are taken to fall by a factor of two a bit.
double damage_at(const std::vector<WidthChoice>& measured, double bits);

}  // namespace mlqc
