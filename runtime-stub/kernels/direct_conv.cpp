// See vector_conv.h.
#include "runtime-stub/kernels/vector_targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime-stub/kernels/direct_conv.cpp"
// The rest is compiled once per instruction set.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "runtime-stub/kernels/parallel.h"
#include "runtime-stub/kernels/tile-inl.h"
#include "runtime-stub/kernels/vector_conv.h"
#include "runtime-stub/src/buffer.h"

HWY_BEFORE_NAMESPACE();
namespace mlq::kernels::HWY_NAMESPACE {

#if MLQ_VECTOR_TARGET
namespace {

// Rows of results that are worked on together: their operands and a panel of weights stay in the second
// cache.
constexpr std::size_t chunk = 96;
constexpr std::size_t max_runs = 64, max_patch = 64;

// How the cells under a window lie: in runs of consecutive floats. A row of the window is one run when it is
// short (few channels), at the price of a copy where it hangs over the edge of the image; else each tap is
// one.
struct Runs {
  std::size_t count = 0, length = 0;
  bool whole_rows = false;
  bool plain = false;  // place i of the result sees cell i of the operand and no other
};

Runs runs_of(const Plane2d& p) {
  const auto height = std::size_t(p.kernel[0]), width = std::size_t(p.kernel[1]), c = std::size_t(p.channels);
  if (p.dilation[1] == 1 && width > 1 && width * c <= max_patch) return {height, width * c, true, false};
  const bool plain = height * width == 1 && p.stride[0] == 1 && p.stride[1] == 1 &&
                     p.out_height == p.height && p.out_width == p.width && p.before[0] == 0 &&
                     p.before[1] == 0;
  return {height * width, c, false, plain};
}

// Pointers to the cells under each of a tile's windows, run by run.
class Cells {
 public:
  Cells(const Plane2d& p, const Runs& runs, const float* x, const float* zeros)
      : p_(p), runs_(runs), x_(x), zeros_(zeros) {}

  const float* const* find(std::size_t first, std::size_t rows) {
    if (runs_.plain) {
      for (std::size_t r = 0; r < rows; ++r) pointers_[r] = x_ + (first + r) * runs_.length;
      return pointers_;
    }
    for (std::size_t r = 0; r < rows; ++r) {
      const auto place = std::int64_t(first + r);
      const std::int64_t line = place / p_.out_width, image = line / p_.out_height;
      const std::int64_t h = line % p_.out_height * p_.stride[0] - p_.before[0],
                         w = place % p_.out_width * p_.stride[1] - p_.before[1];
      std::size_t run = 0;
      for (std::int64_t i = 0; i < p_.kernel[0]; ++i) {
        const std::int64_t row = h + i * p_.dilation[0];
        const bool outside = row < 0 || row >= p_.height;
        const float* from = outside ? nullptr : x_ + (image * p_.height + row) * p_.width * p_.channels;
        if (runs_.whole_rows) {
          pointers_[run * rows + r] = from ? whole(from, w, run * rows + r) : zeros_;
          ++run;
          continue;
        }
        for (std::int64_t j = 0; j < p_.kernel[1]; ++j, ++run) {
          const std::int64_t column = w + j * p_.dilation[1];
          pointers_[run * rows + r] =
              from && column >= 0 && column < p_.width ? from + column * p_.channels : zeros_;
        }
      }
    }
    return pointers_;
  }

 private:
  // A row of the window, copied where some of it lies outside.
  const float* whole(const float* row, std::int64_t w, std::size_t slot) {
    const std::int64_t left = std::max<std::int64_t>(0, -w), right = std::min(p_.kernel[1], p_.width - w);
    if (left == 0 && right == p_.kernel[1]) return row + w * p_.channels;
    float* patch = patches_[slot];
    std::memset(patch, 0, sizeof(patches_[slot]));
    if (right > left)
      std::memcpy(patch + left * p_.channels, row + (w + left) * p_.channels,
                  std::size_t((right - left) * p_.channels) * sizeof(float));
    return patch;
  }

  const Plane2d& p_;
  const Runs& runs_;
  const float *x_, *zeros_;
  const float* pointers_[max_runs * max_tile_rows];
  float patches_[8 * max_tile_rows][max_patch];  // of up to 8 runs
};

struct DirectConv final : Prepared {
  Plane2d p;
  Runs runs;
  Buffers buffers;
  std::vector<Panel> panels;
  std::shared_ptr<Buffer> weights, bias;  // panel after panel
  std::vector<float> zeros;

  std::size_t taps() const { return runs.count * runs.length; }

  bool pack(const float* from, const float* from_bias) {
    panels = make_panels(std::size_t(p.out_channels));
    const std::size_t width = panels.back().first + panels.back().width();
    auto made = Buffer::make(width * taps() * sizeof(float), SIZE_MAX);
    auto made_bias = Buffer::make(width * sizeof(float), SIZE_MAX);
    if (!made || !made_bias) return false;
    weights = *made, bias = *made_bias;
    std::memset(weights->data(), 0, weights->size());
    std::memset(bias->data(), 0, bias->size());
    for (const Panel& panel : panels)
      for (std::size_t c = 0; c < panel.columns; ++c) {
        const float* filter = from + (panel.first + c) * taps();
        float* to = of(weights) + panel.first * taps() + c;
        for (std::size_t k = 0; k < taps(); ++k) to[k * panel.width()] = filter[k];
        if (from_bias) of(bias)[panel.first + c] = from_bias[panel.first + c];
      }
    return true;
  }

  std::unique_ptr<Prepared> moved(std::ptrdiff_t shift) const override {
    auto copy = std::make_unique<DirectConv>(*this);
    copy->buffers = buffers.moved(shift);
    return copy;
  }

  Status run(void* threads) override {
    const std::size_t places = std::size_t(p.batch * p.out_height * p.out_width);
    const std::size_t chunks = std::max<std::size_t>(1, (places + chunk / 2) / chunk);
    parallel(threads, chunks * panels.size(), [&](std::size_t job) {
      const std::size_t c = job / panels.size();
      some(panels[job % panels.size()], c * chunk, c + 1 == chunks ? places : (c + 1) * chunk);
    });
    return {};
  }

 private:
  static float* of(const std::shared_ptr<Buffer>& b) { return reinterpret_cast<float*>(b->data()); }

  void some(const Panel& panel, std::size_t begin, std::size_t end) {
    Cells cells(p, runs, buffers.x, zeros.data());
    Tile t{nullptr,
           runs.count,
           runs.length,
           of(weights) + panel.first * taps(),
           of(bias) + panel.first,
           nullptr,
           std::size_t(p.out_stride > 0 ? p.out_stride : p.out_channels),
           panel.columns,
           p.lowest,
           p.highest};
    for_each_tile(panel, begin, end, [&](std::size_t first, std::size_t rows) {
      t.rows = cells.find(first, rows);
      t.y = buffers.y + first * t.y_stride + panel.first;
      multiply(panel, rows, t);
    });
  }
};

}  // namespace

PreparedOrNull direct(const Plane2d& p, const float* weights, const float* bias, const Buffers& b) {
  auto made = std::make_unique<DirectConv>();
  made->p = p, made->buffers = b, made->runs = runs_of(p);
  if (made->runs.count > (made->runs.whole_rows ? 8 : max_runs)) return nullptr;
  if (!made->pack(weights, bias)) return nullptr;
  made->zeros.resize(made->runs.length);
  return made;
}

#else

PreparedOrNull direct(const Plane2d&, const float*, const float*, const Buffers&) { return nullptr; }

#endif

}  // namespace mlq::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mlq::kernels {

HWY_EXPORT(direct);

PreparedOrNull direct_conv(const Plane2d& p, const float* weights, const float* bias, const Buffers& b) {
  // Fewer results than a tile has leave most of the registers empty.
  const std::int64_t places = p.batch * p.out_height * p.out_width;
  if (p.groups != 1 || places < 8 || p.channels < 1 || p.out_channels < 16) return nullptr;
  return HWY_DYNAMIC_DISPATCH(direct)(p, weights, bias, b);
}

}  // namespace mlq::kernels
#endif
