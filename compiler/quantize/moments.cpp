#include "compiler/quantize/moments.h"

#include "compiler/quantize/isa.h"
#include "compiler/support/parallel.h"

namespace mlqc {

namespace {

// Columns are turned into panels of this many coordinates, one column's after the other's, so that a tile of
// sums stays in registers while it passes over them.
constexpr std::size_t panel = 16, tile_rows = 4, tile_columns = 8;

// sums[i][j] += sum over columns of a[i] * b[j].
MLQ_EACH_ISA void add_tile(const double* a, const double* b, std::size_t columns, double* sums) {
  double sum[tile_rows][tile_columns] = {};
  for (std::size_t c = 0; c < columns; ++c)
    for (std::size_t i = 0; i < tile_rows; ++i)
      for (std::size_t j = 0; j < tile_columns; ++j) sum[i][j] += a[c * panel + i] * b[c * panel + j];
  for (std::size_t i = 0; i < tile_rows; ++i)
    for (std::size_t j = 0; j < tile_columns; ++j) sums[i * panel + j] += sum[i][j];
}

void add_product(const double* a, const double* b, std::size_t columns, double* sums) {
  for (std::size_t i = 0; i < panel; i += tile_rows)
    for (std::size_t j = 0; j < panel; j += tile_columns)
      add_tile(a + i, b + j, columns, sums + i * panel + j);
}

std::size_t panels(std::size_t coordinates) { return (coordinates + panel - 1) / panel; }

std::vector<double> in_panels(const float* columns, std::size_t count, std::size_t coordinates) {
  std::vector<double> out(panels(coordinates) * panel * count);
  parallel_for(panels(coordinates), [&](std::size_t p) {
    const std::size_t width = std::min(panel, coordinates - p * panel);
    for (std::size_t c = 0; c < count; ++c)
      for (std::size_t i = 0; i < width; ++i)
        out[(p * count + c) * panel + i] = columns[c * coordinates + p * panel + i];
  });
  return out;
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

void add_one(Moments& moments, const Columns& columns) {
  const std::size_t n = moments.columns, count = columns.count;
  if (count == 0) return;
  moments.count += static_cast<double>(count);
  add_sums(columns.exact, count, moments.exact);
  add_sums(columns.seen, count, moments.seen);
  const bool same = columns.exact == columns.seen;
  const std::vector<double> seen = in_panels(columns.seen, count, n);
  const std::vector<double> exact = same ? std::vector<double>() : in_panels(columns.exact, count, n);
  parallel_for(panels(n), [&](std::size_t p) {
    add_strip(seen, seen, p, p, count, n, moments.second);
    add_strip(same ? seen : exact, seen, p, 0, count, n, moments.cross);
  });
}

}  // namespace

void add(std::vector<Moments>& moments, const std::vector<Columns>& columns) {
  // Many groups are small (depthwise): then they run side by side, and the loops inside find no thread free.
  if (moments.size() == 1) return add_one(moments[0], columns[0]);
  parallel_for(moments.size(), [&](std::size_t g) { add_one(moments[g], columns[g]); });
}

}  // namespace mlqc
