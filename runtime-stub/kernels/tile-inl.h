// The inner loop of our convolutions: some rows of the left side times one panel of weights, all sums in
// registers. Included once per instruction set, as Highway wants it: no #pragma once.
#if defined(MLQ_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MLQ_TILE_INL_H_
#undef MLQ_TILE_INL_H_
#else
#define MLQ_TILE_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "runtime-stub/kernels/tile.h"
#include "runtime-stub/kernels/vector_targets.h"

HWY_BEFORE_NAMESPACE();
namespace mlq::kernels::HWY_NAMESPACE {
#if MLQ_VECTOR_TARGET
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
constexpr D d;
constexpr int lanes = HWY_LANES(float);

// Registers hold rows x vectors sums, one row of weights and one broadcast number.
#if HWY_TARGET == HWY_AVX2
constexpr int max_vectors = 2;
constexpr std::array<int, max_vectors> max_rows{10, 6};
#else
constexpr int max_vectors = 4;
constexpr std::array<int, max_vectors> max_rows{12, 12, 8, 6};
#endif

// Arrays of vectors stay in registers only if every loop over them is unrolled.
#define MLQ_UNROLL HWY_PRAGMA(GCC unroll 16)

template <int rows, int vectors>
HWY_INLINE void store(const Tile& t, const V (&sums)[rows][vectors]) {
  const V lowest = hn::Set(d, t.lowest), highest = hn::Set(d, t.highest);
  const bool whole = t.columns == vectors * lanes;
  HWY_ALIGN float last[vectors * lanes];
  MLQ_UNROLL
  for (int r = 0; r < rows; ++r) {
    float* y = t.y + r * t.y_stride;
    float* to = whole ? y : last;
    MLQ_UNROLL
    for (int c = 0; c < vectors; ++c)  // bounds first: a NaN passes
      hn::StoreU(hn::Min(highest, hn::Max(lowest, sums[r][c])), d, to + c * lanes);
    if (!whole) std::memcpy(y, last, t.columns * sizeof(float));
  }
}

template <int rows, int vectors>
void multiply(const Tile& t) {
  V sums[rows][vectors];
  MLQ_UNROLL
  for (int c = 0; c < vectors; ++c) {
    const V first = t.bias ? hn::LoadU(d, t.bias + c * lanes) : hn::Zero(d);
    MLQ_UNROLL
    for (int r = 0; r < rows; ++r) sums[r][c] = first;
  }
  const float* weights = t.weights;
  for (std::size_t run = 0; run < t.runs; ++run) {
    const float* a[rows];
    MLQ_UNROLL
    for (int r = 0; r < rows; ++r) a[r] = t.rows[run * rows + r];
    for (std::size_t k = 0; k < t.length; ++k, weights += vectors * lanes) {
      V w[vectors];
      MLQ_UNROLL
      for (int c = 0; c < vectors; ++c) w[c] = hn::Load(d, weights + c * lanes);
      MLQ_UNROLL
      for (int r = 0; r < rows; ++r) {
        const V x = hn::Set(d, a[r][k]);
        MLQ_UNROLL
        for (int c = 0; c < vectors; ++c) sums[r][c] = hn::MulAdd(x, w[c], sums[r][c]);
      }
    }
  }
  store<rows, vectors>(t, sums);
}

using Multiply = void (*)(const Tile&);

template <int vectors, int... rows>
constexpr std::array<Multiply, max_tile_rows> by_rows(std::integer_sequence<int, rows...>) {
  return {multiply<rows + 1, vectors>...};
}
template <int... vectors>
constexpr std::array<std::array<Multiply, max_tile_rows>, max_vectors> all(
    std::integer_sequence<int, vectors...>) {
  return {by_rows<vectors + 1>(std::make_integer_sequence<int, max_rows[vectors]>())...};
}
// [vectors - 1][rows - 1]
constexpr auto multiply_table = all(std::make_integer_sequence<int, max_vectors>());

// Columns of weights that one pass over the rows takes.
struct Panel {
  int vectors = 0;
  std::size_t first = 0, columns = 0;  // of the results
  std::size_t width() const { return std::size_t(vectors) * lanes; }
};

// As few panels as there can be, of about the same width: a narrow one uses the registers badly.
std::vector<Panel> make_panels(std::size_t columns) {
  const std::size_t vectors = (columns + lanes - 1) / lanes,
                    count = (vectors + max_vectors - 1) / max_vectors;
  std::vector<Panel> panels;
  for (std::size_t i = 0, first = 0; i < count; ++i) {
    Panel p{static_cast<int>(vectors / count + (i < vectors % count)), first, 0};
    p.columns = std::min(columns - first, p.width());
    first += p.columns;
    panels.push_back(p);
  }
  return panels;
}

// Calls body(first row, rows) for tiles of about the same height.
template <class Body>
HWY_INLINE void for_each_tile(const Panel& p, std::size_t begin, std::size_t end, Body body) {
  const std::size_t n = end - begin, most = max_rows[p.vectors - 1], count = (n + most - 1) / most;
  for (std::size_t i = 0, row = begin; i < count; ++i) {
    const std::size_t rows = n / count + (i < n % count);
    body(row, rows);
    row += rows;
  }
}

HWY_INLINE void multiply(const Panel& p, std::size_t rows, const Tile& t) {
  multiply_table[p.vectors - 1][rows - 1](t);
}

}  // namespace
#endif
}  // namespace mlq::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
