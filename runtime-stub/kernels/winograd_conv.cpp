// See vector_conv.h. Tiles of 6x6 cells, overlapping by two, are transformed to 36 numbers per channel; a
// product with transformed weights at each of the 36; then 36 numbers per result channel become 4x4 results.
#include "runtime-stub/kernels/vector_targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime-stub/kernels/winograd_conv.cpp"
// The rest is compiled once per instruction set.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <atomic>
#include <limits>

#include "runtime-stub/kernels/parallel.h"
#include "runtime-stub/kernels/tile-inl.h"
#include "runtime-stub/kernels/vector_conv.h"
#include "runtime-stub/kernels/winograd.h"
#include "runtime-stub/src/buffer.h"

HWY_BEFORE_NAMESPACE();
namespace mlq::kernels::HWY_NAMESPACE {

#if MLQ_VECTOR_TARGET
namespace {

constexpr std::size_t points = winograd::points;  // 6x6

// Tiles that are worked on together.
constexpr std::size_t block = 16;
// So many tiles or fewer share the transformed operand between all threads: each then reads a part of the
// weights.
constexpr std::size_t few = 32;

// B^T, one row of six.
HWY_INLINE void transform_cells(const V (&x)[6], V (&y)[6]) {
  const V two = hn::Set(d, 2), four = hn::Set(d, 4), five = hn::Set(d, 5);
  const V a = hn::NegMulAdd(four, x[2], x[4]), b = hn::NegMulAdd(four, x[1], x[3]);
  const V c = hn::Sub(x[4], x[2]), e = hn::Mul(two, hn::Sub(x[3], x[1]));
  y[0] = hn::MulAdd(four, x[0], hn::NegMulAdd(five, x[2], x[4]));
  y[1] = hn::Add(a, b);
  y[2] = hn::Sub(a, b);
  y[3] = hn::Add(c, e);
  y[4] = hn::Sub(c, e);
  y[5] = hn::MulAdd(four, x[1], hn::NegMulAdd(five, x[3], x[5]));
}

// A^T, six to four.
HWY_INLINE void transform_products(const V (&x)[6], V (&y)[4]) {
  const V a = hn::Add(x[1], x[2]), b = hn::Sub(x[1], x[2]);
  const V c = hn::Add(x[3], x[4]), e = hn::Sub(x[3], x[4]);
  y[0] = hn::Add(hn::Add(x[0], a), c);
  y[1] = hn::MulAdd(hn::Set(d, 2), e, b);
  y[2] = hn::MulAdd(hn::Set(d, 4), c, a);
  y[3] = hn::Add(hn::MulAdd(hn::Set(d, 8), e, b), x[5]);
}

// Where a tile's results begin.
struct Place {
  std::int64_t image, row, column;
};

struct WinogradConv final : Prepared {
  Plane2d p;
  Buffers buffers;
  std::vector<Panel> panels;
  std::shared_ptr<Buffer> weights, bias;  // panel after panel, [36, channels, width of the panel]
  std::vector<float> zeros;
  std::size_t channels = 0, tile_rows = 0, tile_columns = 0, tiles = 0;

  bool pack(const float* from, const float* from_bias) {
    panels = make_panels(std::size_t(p.out_channels));
    const std::size_t width = panels.back().first + panels.back().width();
    auto made = Buffer::make(points * channels * width * sizeof(float), SIZE_MAX);
    auto made_bias = Buffer::make(width * sizeof(float), SIZE_MAX);
    if (!made || !made_bias) return false;
    weights = *made, bias = *made_bias;
    std::memset(weights->data(), 0, weights->size());
    std::memset(bias->data(), 0, bias->size());
    float transformed[points];
    for (const Panel& panel : panels)
      for (std::size_t o = 0; o < panel.columns; ++o) {
        const float* filter = from + (panel.first + o) * 9 * channels;
        for (std::size_t c = 0; c < channels; ++c) {
          winograd::transform_filter(filter + c, channels, transformed);
          float* to = of(weights) + panel.first * points * channels + c * panel.width() + o;
          for (std::size_t k = 0; k < points; ++k) to[k * channels * panel.width()] = transformed[k];
        }
        if (from_bias) of(bias)[panel.first + o] = from_bias[panel.first + o];
      }
    return true;
  }

  std::unique_ptr<Prepared> moved(std::ptrdiff_t shift) const override {
    auto copy = std::make_unique<WinogradConv>(*this);
    copy->buffers = buffers.moved(shift);
    return copy;
  }

  Status run(void* threads) override {
    std::atomic<bool> good = true;
    if (tiles <= few)
      run_few(threads, good);
    else
      run_many(threads, good);
    return good ? Status{} : Failure{"no memory for a convolution"};
  }

 private:
  static float* of(const std::shared_ptr<Buffer>& b) { return reinterpret_cast<float*>(b->data()); }

  void run_few(void* threads, std::atomic<bool>& good) {
    float* cells = winograd::scratch(0, tiles * points * channels);
    if (!cells) {
      good = false;
      return;
    }
    parallel(threads, tiles, [&](std::size_t t) { gather(t, cells + t * channels, tiles); });
    parallel(threads, panels.size(), [&](std::size_t job) {
      float* products = winograd::scratch(1, tiles * points * panels[job].width());
      if (products)
        multiply_panel(panels[job], cells, 0, tiles, products);
      else
        good = false;
    });
  }

  void run_many(void* threads, std::atomic<bool>& good) {
    const std::size_t blocks = (tiles + block - 1) / block;
    parallel(threads, blocks, [&](std::size_t b) {
      const std::size_t first = b * tiles / blocks, count = (b + 1) * tiles / blocks - first;
      float* cells = winograd::scratch(0, count * points * channels);
      float* products = winograd::scratch(1, count * points * panels[0].width());
      if (!cells || !products) {
        good = false;
        return;
      }
      for (std::size_t t = 0; t < count; ++t) gather(first + t, cells + t * channels, count);
      for (const Panel& panel : panels) multiply_panel(panel, cells, first, count, products);
    });
  }

  Place place(std::size_t tile) const {
    const std::size_t line = tile / tile_columns;
    return {std::int64_t(line / tile_rows), std::int64_t(line % tile_rows * 4),
            std::int64_t(tile % tile_columns * 4)};
  }

  // The transformed cells of one tile: number k of all channels to `to` + k * stride * channels.
  void gather(std::size_t tile, float* to, std::size_t stride) const {
    const Place at = place(tile);
    const float* from[6][6];
    for (std::int64_t i = 0; i < 6; ++i)
      for (std::int64_t j = 0; j < 6; ++j) {
        const std::int64_t row = at.row + i - p.before[0], column = at.column + j - p.before[1];
        const bool inside = row >= 0 && row < p.height && column >= 0 && column < p.width;
        from[i][j] =
            inside ? buffers.x + ((at.image * p.height + row) * p.width + column) * p.channels : zeros.data();
      }
    for (std::size_t c = 0; c < channels; c += lanes) {
      V half[6][6];
      for (int j = 0; j < 6; ++j) {
        V column[6], turned[6];
        MLQ_UNROLL
        for (int i = 0; i < 6; ++i) column[i] = hn::LoadU(d, from[i][j] + c);
        transform_cells(column, turned);
        MLQ_UNROLL
        for (int i = 0; i < 6; ++i) half[i][j] = turned[i];
      }
      for (int i = 0; i < 6; ++i) {
        V whole[6];
        transform_cells(half[i], whole);
        MLQ_UNROLL
        for (int j = 0; j < 6; ++j)
          hn::StoreU(whole[j], d, to + (std::size_t(i) * 6 + std::size_t(j)) * stride * channels + c);
      }
    }
  }

  // Results of one panel for `count` tiles from `first` on.
  void multiply_panel(const Panel& panel, const float* cells, std::size_t first, std::size_t count,
                      float* products) const {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    const std::size_t width = panel.width();
    const float* rows[max_tile_rows];
    for (std::size_t k = 0; k < points; ++k) {
      Tile t{rows,      1,       channels, of(weights) + (panel.first * points + k * width) * channels,
             nullptr,   nullptr, width,    width,
             -infinity, infinity};
      for_each_tile(panel, 0, count, [&](std::size_t row, std::size_t n) {
        for (std::size_t r = 0; r < n; ++r) rows[r] = cells + (k * count + row + r) * channels;
        t.y = products + (k * count + row) * width;
        multiply(panel, n, t);
      });
    }
    for (std::size_t t = 0; t < count; ++t) scatter(panel, first + t, products + t * width, count * width);
  }

  // One tile's results; number k is at `from` + k * stride.
  void scatter(const Panel& panel, std::size_t tile, const float* from, std::size_t stride) const {
    const Place at = place(tile);
    const std::int64_t out_stride = p.out_stride > 0 ? p.out_stride : p.out_channels;
    const std::int64_t high = std::min<std::int64_t>(4, p.out_height - at.row),
                       wide = std::min<std::int64_t>(4, p.out_width - at.column);
    float* to =
        buffers.y + ((at.image * p.out_height + at.row) * p.out_width + at.column) * out_stride + panel.first;
    const V lowest = hn::Set(d, p.lowest), highest = hn::Set(d, p.highest);
    for (std::size_t c = 0; c < panel.columns; c += lanes) {
      V half[4][6];
      for (int j = 0; j < 6; ++j) {
        V column[6], turned[4];
        MLQ_UNROLL
        for (int i = 0; i < 6; ++i)
          column[i] = hn::Load(d, from + (std::size_t(i) * 6 + std::size_t(j)) * stride + c);
        transform_products(column, turned);
        MLQ_UNROLL
        for (int i = 0; i < 4; ++i) half[i][j] = turned[i];
      }
      const V first = hn::LoadU(d, of(bias) + panel.first + c);
      const std::size_t some = std::min<std::size_t>(lanes, panel.columns - c);
      for (std::int64_t i = 0; i < high; ++i) {
        V whole[4];
        transform_products(half[i], whole);
        for (std::int64_t j = 0; j < wide; ++j) {
          const V y = hn::Min(highest, hn::Max(lowest, hn::Add(whole[j], first)));
          float* cell = to + (i * p.out_width + j) * out_stride + c;
          if (some == std::size_t(lanes)) {
            hn::StoreU(y, d, cell);
          } else {
            HWY_ALIGN float last[lanes];
            hn::Store(y, d, last);
            std::memcpy(cell, last, some * sizeof(float));
          }
        }
      }
    }
  }
};

}  // namespace

PreparedOrNull winograd_in(const Plane2d& p, const float* weights, const float* bias, const Buffers& b) {
  if (p.channels % lanes != 0 || p.out_channels < lanes) return nullptr;
  auto made = std::make_unique<WinogradConv>();
  made->p = p, made->buffers = b, made->channels = std::size_t(p.channels);
  made->tile_rows = std::size_t(p.out_height + 3) / 4, made->tile_columns = std::size_t(p.out_width + 3) / 4;
  made->tiles = std::size_t(p.batch) * made->tile_rows * made->tile_columns;
  made->zeros.resize(made->channels);
  return made->pack(weights, bias) ? std::move(made) : nullptr;
}

#else

PreparedOrNull winograd_in(const Plane2d&, const float*, const float*, const Buffers&) { return nullptr; }

#endif

}  // namespace mlq::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mlq::kernels {

HWY_EXPORT(winograd_in);

PreparedOrNull winograd_conv(const Plane2d& p, const float* weights, const float* bias, const Buffers& b) {
  for (int axis = 0; axis < 2; ++axis)
    if (p.kernel[axis] != 3 || p.stride[axis] != 1 || p.dilation[axis] != 1) return nullptr;
  // The transformed weights are four times as many: with few tiles, reading them takes longer than what is
  // saved.
  const std::int64_t tiles = p.batch * ((p.out_height + 3) / 4) * ((p.out_width + 3) / 4);
  if (p.groups != 1 || tiles < 9) return nullptr;
  // Few channels leave the transformations too much to do; many would take too much memory for a block.
  if (p.channels < 16 || p.channels > 1024) return nullptr;
  return HWY_DYNAMIC_DISPATCH(winograd_in)(p, weights, bias, b);
}

}  // namespace mlq::kernels
#endif
