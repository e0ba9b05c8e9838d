// All levels of a layer: which weights have which, and which of them depend on each other.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compiler/quantize/levels.h"

namespace mlqc {

// Levels that meet in a row of the layer's matrix can only be fitted together.
struct Family {
  std::vector<std::size_t> levels;
  std::size_t size = 0;  // parameters of all of them, one after the other
  std::size_t rows = 0;  // that have them
};

struct LevelSet {
  std::vector<Levels> levels;
  std::vector<std::size_t> family, place;  // of each: whose it is, and where its parameters begin there
  std::vector<Family> families;
};

// Normal equations of a family's parameters, from so many of its rows.
struct Normal {
  std::vector<double> matrix, right;
  std::size_t rows = 0;
  void add(const Normal& other);
};

// By how much a family's parameters are to move. Levels whose order this would turn around stay, and the
// others move as is best then.
std::vector<double> fit(const LevelSet& set, std::size_t family, Normal normal);
// The part of the parameters of one of its levels.
std::vector<double> part_of(const std::vector<double>& moves, const LevelSet& set, std::size_t level);

// `ids`: the number of each weight's levels, row after row of `columns`.
LevelSet make_level_set(std::vector<Levels> levels, std::span<const std::uint32_t> ids, std::size_t columns);

}  // namespace mlqc
