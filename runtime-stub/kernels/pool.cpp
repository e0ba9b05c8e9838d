// Pooling over windows and over whole planes, channel first, any number of spatial axes.
#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime-stub/kernels/families.h"
#include "runtime-stub/kernels/window.h"

namespace mlq::kernels {
namespace {

Shape tail(const Shape& shape) {
  return Shape(shape.begin() + std::min<std::size_t>(2, shape.size()), shape.end());
}

Status infer_pool(Call& call) {
  if (!has_operands(call, 1)) return fail(call, "needs an operand");
  const Shape& x = call.inputs[0].shape;
  if (x.size() < 3) return fail(call, "needs an operand of rank 3 or more");
  if (call.inputs[0].type != DataType::float32) return fail(call, "is for float32 only");
  auto window = read_window(call, call.node.get_ints("kernel_shape"), tail(x));
  if (!window) return window.status();
  auto positions = window_positions(call, *window, tail(x));
  if (!positions) return positions.status();
  Shape y{x[0], x[1]};
  y.insert(y.end(), positions->begin(), positions->end());
  set_output(call, 0, DataType::float32, y);
  set_output(call, 1, DataType::int64, y);
  return {};
}

// The cells of one window: visit(offset into the plane) for each one inside of the operand.
template <class Visit>
void visit_window(const Window& w, const Shape& spatial, const Shape& at, std::size_t axis,
                  std::int64_t offset, Visit& visit) {
  if (axis == spatial.size()) return visit(offset);
  std::int64_t start = at[axis] * w.strides[axis] - w.begins[axis];
  for (std::int64_t k = 0; k < w.kernel[axis]; ++k) {
    std::int64_t cell = start + k * w.dilations[axis];
    if (cell >= 0 && cell < spatial[axis])
      visit_window(w, spatial, at, axis + 1, offset * spatial[axis] + cell, visit);
  }
}

// Taps inside of the operand and its pads; those beyond (from rounding up) never count.
std::int64_t padded_taps(const Window& w, const Shape& spatial, const Shape& at) {
  std::int64_t taps = 1;
  for (std::size_t d = 0; d < spatial.size(); ++d) {
    std::int64_t room = spatial[d] + w.begins[d] + w.ends[d] - at[d] * w.strides[d];
    taps *= std::min(w.kernel[d], (room + w.dilations[d] - 1) / w.dilations[d]);
  }
  return taps;
}

// One result: pool(plane, spatial, window, position) -> float.
template <class Pool>
Status pool_all(const Call& call, Pool pool) {
  const Shape &x = call.inputs[0].shape, &y = call.outputs[0].shape;
  Shape spatial = tail(x), positions = tail(y);
  auto window = read_window(call, call.node.get_ints("kernel_shape"), spatial);
  if (!window) return window.status();
  std::int64_t size = product(spatial), count = product(positions);
  for (std::int64_t p = 0; p < x[0] * x[1]; ++p) {
    Shape at(spatial.size(), 0);
    for (std::int64_t i = 0; i < count; ++i) {
      pool(*window, spatial, at, p * size, p * count + i);
      for (std::size_t d = at.size(); d-- > 0 && ++at[d] == positions[d];) at[d] = 0;
    }
  }
  return {};
}

Status max_pool(const Call& call) {
  const float* x = in<float>(call, 0);
  auto* indices = wanted(call, 1) ? out<std::int64_t>(call, 1) : nullptr;
  return pool_all(
      call, [&](const Window& w, const Shape& spatial, const Shape& at, std::int64_t plane, std::int64_t to) {
        float best = -std::numeric_limits<float>::infinity();
        std::int64_t where = plane;
        auto visit = [&](std::int64_t cell) {
          float v = x[plane + cell];
          if (v > best || v != v) best = v, where = plane + cell;
        };
        visit_window(w, spatial, at, 0, 0, visit);
        out<float>(call)[to] = best;
        if (indices) indices[to] = where;
      });
}

Status average_pool(const Call& call) {
  const float* x = in<float>(call, 0);
  bool padded = call.node.get_int("count_include_pad", 0) != 0;
  return pool_all(
      call, [&](const Window& w, const Shape& spatial, const Shape& at, std::int64_t plane, std::int64_t to) {
        float sum = 0.0f;
        std::int64_t taps = 0;
        auto visit = [&](std::int64_t cell) { sum += x[plane + cell], ++taps; };
        visit_window(w, spatial, at, 0, 0, visit);
        if (padded) taps = padded_taps(w, spatial, at);
        out<float>(call)[to] = taps > 0 ? sum / static_cast<float>(taps) : 0.0f;
      });
}

Status lp_pool(const Call& call) {
  const float* x = in<float>(call, 0);
  auto p = static_cast<float>(call.node.get_int("p", 2));
  return pool_all(
      call, [&](const Window& w, const Shape& spatial, const Shape& at, std::int64_t plane, std::int64_t to) {
        float sum = 0.0f;
        auto visit = [&](std::int64_t cell) {
          float v = std::fabs(x[plane + cell]);
          sum += p == 2.0f ? v * v : std::pow(v, p);
        };
        visit_window(w, spatial, at, 0, 0, visit);
        out<float>(call)[to] = p == 2.0f ? std::sqrt(sum) : std::pow(sum, 1.0f / p);
      });
}

Status infer_global(Call& call) {
  if (!has_operands(call, 1)) return fail(call, "needs an operand");
  Shape y = call.inputs[0].shape;
  if (y.size() < 3) return fail(call, "needs an operand of rank 3 or more");
  if (call.inputs[0].type != DataType::float32) return fail(call, "is for float32 only");
  std::fill(y.begin() + 2, y.end(), 1);
  set_output(call, 0, DataType::float32, y);
  return {};
}

template <class Pool>
Status global_pool(const Call& call, Pool pool) {
  const Shape& x = call.inputs[0].shape;
  std::int64_t plane = product(x, 2, rank(x));
  for (std::int64_t i = 0; i < x[0] * x[1]; ++i)
    out<float>(call)[i] = pool(in<float>(call, 0) + i * plane, plane);
  return {};
}
Status global_average(const Call& call) {
  return global_pool(call, [](const float* x, std::int64_t n) {
    double sum = 0;
    for (std::int64_t i = 0; i < n; ++i) sum += x[i];
    return static_cast<float>(sum / static_cast<double>(n));
  });
}
Status global_max(const Call& call) {
  return global_pool(call, [](const float* x, std::int64_t n) {
    float best = -std::numeric_limits<float>::infinity();
    for (std::int64_t i = 0; i < n; ++i) best = x[i] > best || x[i] != x[i] ? x[i] : best;
    return best;
  });
}
Status global_lp(const Call& call) {
  auto p = static_cast<double>(call.node.get_int("p", 2));
  return global_pool(call, [p](const float* x, std::int64_t n) {
    double sum = 0;
    for (std::int64_t i = 0; i < n; ++i) sum += std::pow(std::fabs(static_cast<double>(x[i])), p);
    return static_cast<float>(std::pow(sum, 1.0 / p));
  });
}

constexpr Kernel rows[] = {
    {"MaxPool", infer_pool, max_pool},
    {"AveragePool", infer_pool, average_pool},
    {"LpPool", infer_pool, lp_pool},
    {"GlobalAveragePool", infer_global, global_average},
    {"GlobalMaxPool", infer_global, global_max},
    {"GlobalLpPool", infer_global, global_lp},
};

}  // namespace

std::span<const Kernel> pool_kernels() { return rows; }

}  // namespace mlq::kernels
