#include "compiler/quantize/grid.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "compiler/quantize/isa.h"

namespace mlqc {

namespace {

// Adding this to a double below 2^51 leaves its integer, rounded half to even, in the low bits.
constexpr double to_integer = 0x1.8p52;

std::uint8_t rounded(double value) {
  return static_cast<std::uint8_t>(std::bit_cast<std::uint64_t>(value + to_integer));
}

// Minimum and maximum of each column of `rows` rows; with columns folded (below) also of one long run.
MLQ_EACH_ISA void widen(const float* row, std::size_t columns, float* low, float* high) {
  for (std::size_t j = 0; j < columns; ++j) low[j] = row[j] < low[j] ? row[j] : low[j];
  for (std::size_t j = 0; j < columns; ++j) high[j] = row[j] > high[j] ? row[j] : high[j];
}

// The same for one run, in lanes: a minimum in one variable would not vectorize.
MLQ_EACH_ISA Range run_range(const float* run, std::size_t length) {
  constexpr std::size_t lanes = 64;
  float low[lanes], high[lanes];
  for (std::size_t j = 0; j < lanes; ++j) low[j] = high[j] = run[0];
  std::size_t i = 0;
  for (; i + lanes <= length; i += lanes)
    for (std::size_t j = 0; j < lanes; ++j) {
      low[j] = run[i + j] < low[j] ? run[i + j] : low[j];
      high[j] = run[i + j] > high[j] ? run[i + j] : high[j];
    }
  for (; i < length; ++i) {
    low[0] = run[i] < low[0] ? run[i] : low[0];
    high[0] = run[i] > high[0] ? run[i] : high[0];
  }
  return {*std::min_element(low, low + lanes), *std::max_element(high, high + lanes)};
}

// While one run is computed from the first-level cache, the one after it is on its way there: cold data then
// cost little more than reading them.
constexpr std::size_t block = 128;
inline void prefetch_block(const float* next) {
  for (std::size_t line = 0; line < block; line += 64 / sizeof(float)) __builtin_prefetch(next + line);
}

MLQ_EACH_ISA void run_by_inverse(const float* run, std::size_t length, const float* next, double offset,
                                 double inverse, std::uint8_t* out) {
  std::size_t i = 0;
  for (; i + block <= length; i += block) {
    prefetch_block(next + i);
    for (std::size_t j = i; j < i + block; ++j)
      out[j] = rounded((static_cast<double>(run[j]) - offset) * inverse);
  }
  for (; i < length; ++i) out[i] = rounded((static_cast<double>(run[i]) - offset) * inverse);
}

MLQ_EACH_ISA void run_by_step(const float* run, std::size_t length, const float* next, double offset,
                              double step, std::uint8_t* out) {
  std::size_t i = 0;
  for (; i + block <= length; i += block) {
    prefetch_block(next + i);
    for (std::size_t j = i; j < i + block; ++j)
      out[j] = rounded((static_cast<double>(run[j]) - offset) / step);
  }
  for (; i < length; ++i) out[i] = rounded((static_cast<double>(run[i]) - offset) / step);
}

MLQ_EACH_ISA void row_by_inverse(const float* row, std::size_t columns, const double* offset,
                                 const double* inverse, std::uint8_t* out) {
  for (std::size_t j = 0; j < columns; ++j)
    out[j] = rounded((static_cast<double>(row[j]) - offset[j]) * inverse[j]);
}

MLQ_EACH_ISA void row_by_step(const float* row, std::size_t columns, const double* offset, const double* step,
                              std::uint8_t* out) {
  for (std::size_t j = 0; j < columns; ++j)
    out[j] = rounded((static_cast<double>(row[j]) - offset[j]) / step[j]);
}

// Runs shorter than this (the columns of a matrix are runs of 1) are treated a whole row at a time, with the
// groups' parameters repeated for each column.
constexpr std::int64_t short_run = 64;

double factor(const Grid& grid, bool by_inverse) {
  // An infinite step sends every weight to index 0, as an inverse of 0 does.
  if (!(grid.step > 0)) return by_inverse ? 0 : std::numeric_limits<double>::infinity();
  return by_inverse ? 1.0 / grid.step : grid.step;
}

void to_levels(const float* run, std::size_t length, const float* next, const Grid& grid, bool by_inverse,
               std::uint8_t* out) {
  (by_inverse ? run_by_inverse : run_by_step)(run, length, next, grid.offset, factor(grid, by_inverse), out);
}

void to_levels_by_row(const Weights& weights, const std::vector<Grid>& grids, bool by_inverse,
                      std::uint8_t* out) {
  const auto inner = static_cast<std::size_t>(weights.inner), row = grids.size() * inner;
  std::vector<double> offset(row), by(row);
  for (std::size_t j = 0; j < row; ++j) {
    offset[j] = grids[j / inner].offset;
    by[j] = factor(grids[j / inner], by_inverse);
  }
  for (std::size_t at = 0; at + row <= weights.values.size(); at += row)
    (by_inverse ? row_by_inverse : row_by_step)(weights.values.data() + at, row, offset.data(), by.data(),
                                                out + at);
}

}  // namespace

std::vector<Range> ranges(const Weights& weights) {
  const auto groups = static_cast<std::size_t>(weights.groups),
             inner = static_cast<std::size_t>(weights.inner);
  const std::size_t row = groups * inner, size = weights.values.size();
  const float* values = weights.values.data();
  std::vector<Range> result(groups);
  if (weights.inner < short_run && groups > 1) {
    std::vector<float> low(values, values + row), high(values, values + row);
    for (std::size_t at = row; at + row <= size; at += row) widen(values + at, row, low.data(), high.data());
    for (std::size_t g = 0; g < groups; ++g)
      result[g] = {*std::min_element(low.begin() + g * inner, low.begin() + (g + 1) * inner),
                   *std::max_element(high.begin() + g * inner, high.begin() + (g + 1) * inner)};
    return result;
  }
  for (std::size_t at = 0; at + row <= size; at += row)
    for (std::size_t g = 0; g < groups; ++g) {
      const Range run = run_range(values + at + g * inner, inner);
      result[g] = at == 0 ? run : Range{std::min(result[g].low, run.low), std::max(result[g].high, run.high)};
    }
  return result;
}

double storable_step(double step) {
  if (step == 0 || step >= std::numeric_limits<float>::min()) return step;
  const double unit = std::numeric_limits<float>::denorm_min();
  return std::ceil(step / unit) * unit;
}

Grid spanning_grid(Range range, int bits) {
  const double low = range.low, high = range.high;
  return {low, storable_step((high - low) / ((1 << bits) - 1))};
}

Quantized as_linear(OnGrids result) {
  Quantized quantized;
  quantized.indices = std::move(result.indices);
  for (const Grid& grid : result.grids) {
    quantized.scale.push_back(static_cast<float>(grid.step));
    quantized.offset.push_back(static_cast<float>(grid.offset));
  }
  return quantized;
}

OnGrids on_grids(const Weights& weights, int bits, Grid (*grid_of)(Range range, int bits), bool by_inverse) {
  const auto inner = static_cast<std::size_t>(weights.inner),
             groups = static_cast<std::size_t>(weights.groups);
  const std::size_t size = weights.values.size();
  const float* values = weights.values.data();
  OnGrids result{{}, std::vector<std::uint8_t>(size)};
  const bool one_run_each = size == groups * inner && (weights.inner >= short_run || groups == 1);
  if (!one_run_each) {
    for (const Range& range : ranges(weights)) result.grids.push_back(grid_of(range, bits));
    if (weights.inner < short_run) to_levels_by_row(weights, result.grids, by_inverse, result.indices.data());
    for (std::size_t at = 0; weights.inner >= short_run && at < size; at += inner)
      to_levels(values + at, inner, values + std::min(at + inner, size - inner),
                result.grids[at / inner % groups], by_inverse, &result.indices[at]);
    return result;
  }
  // A group at a time, so that its weights are read from memory once and then from the cache.
  for (std::size_t at = 0; at < size; at += inner) {
    const Grid grid = grid_of(run_range(values + at, inner), bits);
    to_levels(values + at, inner, values + std::min(at + inner, size - inner), grid, by_inverse,
              &result.indices[at]);
    result.grids.push_back(grid);
  }
  return result;
}

}  // namespace mlqc
