#include "compiler/quantize/moments.h"

#include <algorithm>
#include <cstring>

#include "compiler/quantize/isa.h"
#include "compiler/support/parallel.h"

namespace mlqc {

namespace {

// Columns are turned into panels of this many coordinates, one column's after the other's, so that a tile of
// sums stays in registers while it passes over them.
constexpr std::size_t panel = 16, tile_rows = 4, tile_columns = 8;

// A vector as wide as a tile, which the compiler splits where registers are narrower.
using Row = double __attribute__((vector_size(tile_columns * sizeof(double)), aligned(alignof(double))));

// sums[i][j] += sum over columns of a[i] * b[j].
MLQ_EACH_ISA void add_tile(const double* a, const double* b, std::size_t columns, double* sums) {
  Row sum[tile_rows] = {};
  for (std::size_t c = 0; c < columns; ++c, a += panel, b += panel) {
    Row row;
    std::memcpy(&row, b, sizeof row);
    for (std::size_t i = 0; i < tile_rows; ++i) sum[i] += a[i] * row;
  }
  for (std::size_t i = 0; i < tile_rows; ++i)
    for (std::size_t j = 0; j < tile_columns; ++j) sums[i * panel + j] += sum[i][j];
}

void add_product(const double* a, const double* b, std::size_t columns, double* sums) {
  for (std::size_t i = 0; i < panel; i += tile_rows)
    for (std::size_t j = 0; j < panel; j += tile_columns)
      add_tile(a + i, b + j, columns, sums + i * panel + j);
}

std::size_t panels(std::size_t coordinates) { return (coordinates + panel - 1) / panel; }

void fill_panels(const float* columns, std::size_t count, std::size_t coordinates, std::vector<double>& out) {
  out.resize(panels(coordinates) * panel * count);
  parallel_for(panels(coordinates), [&](std::size_t p) {
    const std::size_t width = std::min(panel, coordinates - p * panel);
    for (std::size_t c = 0; c < count; ++c)
      for (std::size_t i = 0; i < panel; ++i)
        out[(p * count + c) * panel + i] = i < width ? columns[c * coordinates + p * panel + i] : 0;
  });
}

// The sums of panel p of `a` with panels from `first` on of `b`, into the matrix.
void add_strip(const std::vector<double>& a, const std::vector<double>& b, std::size_t p, std::size_t first,
               std::size_t count, std::size_t coordinates, std::vector<double>& matrix) {
  const std::size_t height = std::min(panel, coordinates - p * panel);
  for (std::size_t q = first; q < panels(coordinates); ++q) {
    double sums[panel * panel] = {};
    add_product(&a[p * count * panel], &b[q * count * panel], count, sums);
    const std::size_t width = std::min(panel, coordinates - q * panel);
    for (std::size_t i = 0; i < height; ++i)
      for (std::size_t j = 0; j < width; ++j)
        matrix[(p * panel + i) * coordinates + q * panel + j] += sums[i * panel + j];
  }
}

void add_sums(const float* columns, std::size_t count, std::vector<double>& sums) {
  for (std::size_t c = 0; c < count; ++c)
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += columns[c * sums.size() + i];
}

// So few that two of their panels stay in the cache while a tile passes over them.
constexpr std::size_t at_once = 256;

// Room for columns in panels, used again and again.
struct Room {
  std::vector<double> exact, seen;
};

void add_some(Moments& moments, const Columns& columns, Room& room) {
  const std::size_t n = moments.columns, count = columns.count;
  moments.count += static_cast<double>(count);
  add_sums(columns.exact, count, moments.exact);
  add_sums(columns.seen, count, moments.seen);
  const bool same = columns.exact == columns.seen;
  fill_panels(columns.seen, count, n, room.seen);
  if (!same) fill_panels(columns.exact, count, n, room.exact);
  parallel_for(panels(n), [&](std::size_t p) {
    add_strip(room.seen, room.seen, p, p, count, n, moments.second);
    add_strip(same ? room.seen : room.exact, room.seen, p, 0, count, n, moments.cross);
  });
}

void add_one(Moments& moments, const Columns& columns) {
  Room room;
  for (std::size_t begin = 0; begin < columns.count; begin += at_once) {
    const std::size_t at = begin * moments.columns;
    add_some(moments, {columns.exact + at, columns.seen + at, std::min(at_once, columns.count - begin)},
             room);
  }
}

}  // namespace

void add(std::vector<Moments>& moments, const std::vector<Columns>& columns) {
  // Many groups are small (depthwise): then they run side by side, and the loops inside find no thread free.
  if (moments.size() == 1) return add_one(moments[0], columns[0]);
  parallel_for(moments.size(), [&](std::size_t g) { add_one(moments[g], columns[g]); });
}

}  // namespace mlqc
