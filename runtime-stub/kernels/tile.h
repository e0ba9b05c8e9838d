// What the inner loop of our convolutions is given.
#pragma once

#include <cstddef>

namespace mlq::kernels {

inline constexpr int max_tile_rows = 12;

// A few rows of a matrix product: y[r, c] = bias[c] + sum over runs and k of rows[run][r][k] *
// weights[run][k][c], clamped. `rows` holds as many pointers per run as the tile has rows.
struct Tile {
  const float* const* rows = nullptr;
  std::size_t runs = 0, length = 0;
  const float* weights = nullptr;  // [runs, length, width of the panel], aligned
  const float* bias = nullptr;     // as wide as the panel; or null
  float* y = nullptr;
  std::size_t y_stride = 0, columns = 0;  // only the first `columns` are stored
  float lowest = 0, highest = 0;
};

}  // namespace mlq::kernels
