// Reading an image at places that other numbers say: GridSample, AffineGrid, RoiAlign.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "runtime-stub/kernels/rare_families.h"
#include "runtime-stub/kernels/support.h"

namespace mlq::kernels {
namespace {

enum class Mode : std::uint8_t { linear, nearest, cubic };
enum class Padding : std::uint8_t { zeros, border, reflection };

struct Rule {
  Mode mode = Mode::linear;
  Padding padding = Padding::zeros;
  bool corners = false;
};

// Operator set 16 said bilinear and bicubic, later ones linear and cubic.
bool read_rule(const Call& call, Rule& rule) {
  const std::string mode = call.node.get_string("mode", "linear");
  const std::string padding = call.node.get_string("padding_mode", "zeros");
  rule.corners = call.node.get_int("align_corners", 0) != 0;
  rule.mode = mode.ends_with("linear") ? Mode::linear : mode == "nearest" ? Mode::nearest : Mode::cubic;
  rule.padding = padding == "zeros"    ? Padding::zeros
                 : padding == "border" ? Padding::border
                                       : Padding::reflection;
  return (mode.ends_with("linear") || mode == "nearest" || mode.ends_with("cubic")) &&
         (padding == "zeros" || padding == "border" || padding == "reflection");
}

Status infer_grid_sample(Call& call) {
  if (!has_operands(call, 2)) return fail(call, "needs an image and a grid");
  const Shape &x = call.inputs[0].shape, &grid = call.inputs[1].shape;
  Rule rule;
  if (!read_rule(call, rule)) return fail(call, "unknown mode or padding");
  if (call.inputs[0].type != DataType::float32 || call.inputs[1].type != DataType::float32)
    return fail(call, "is for float32 only");
  if (x.size() < 3 || grid.size() != x.size()) return fail(call, "image and grid differ in rank");
  if (grid.back() != unknown && grid.back() != rank(x) - 2) return fail(call, "the grid has other axes");
  if (grid[0] != x[0] && grid[0] != unknown && x[0] != unknown) return fail(call, "the batches differ");
  Shape y = {x[0], x[1]};
  y.insert(y.end(), grid.begin() + 1, grid.end() - 1);
  set_output(call, 0, DataType::float32, y);
  return {};
}

// -1..1 to cells.
double to_cell(double x, std::int64_t size, bool corners) {
  const auto n = static_cast<double>(size);
  return corners ? (x + 1) / 2 * (n - 1) : ((x + 1) * n - 1) / 2;
}

// Mirrored at both ends until it lies within.
double reflect(double x, double low, double high) {
  const double range = high - low;
  if (!(range > 0)) return 0;
  double distance = std::fmod(std::fabs(x - low), 2 * range);
  if (distance > range) distance = 2 * range - distance;
  return low + distance;
}

double inside(const Rule& rule, double x, std::int64_t size) {
  const auto n = static_cast<double>(size);
  if (rule.padding == Padding::border) return std::clamp(x, 0.0, n - 1);
  if (rule.padding == Padding::reflection)
    return rule.corners ? reflect(x, 0, n - 1) : std::clamp(reflect(x, -0.5, n - 0.5), 0.0, n - 1);
  return x;
}

// Cells along one axis and how much each counts; -1 is outside.
struct Taps {
  std::int64_t cells[4] = {0, 0, 0, 0};
  double weights[4] = {1, 0, 0, 0};
  int count = 1;
};

double cubic(double d) {
  constexpr double a = -0.75;
  d = std::fabs(d);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

Taps taps_at(const Rule& rule, double x, std::int64_t size) {
  // Cubic windows reach over the edge, so each of their cells is put inside by itself.
  if (rule.mode != Mode::cubic) x = inside(rule, x, size);
  Taps taps;
  if (!std::isfinite(x) || std::fabs(x) > 1e15) return taps.cells[0] = -1, taps;
  const double base = rule.mode == Mode::nearest ? std::nearbyint(x) : std::floor(x);
  taps.count = rule.mode == Mode::nearest ? 1 : rule.mode == Mode::linear ? 2 : 4;
  const double first = rule.mode == Mode::cubic ? base - 1 : base;
  for (int k = 0; k < taps.count; ++k) {
    double cell = first + k;
    if (rule.mode == Mode::linear) taps.weights[k] = k == 0 ? 1 - (x - base) : x - base;
    if (rule.mode == Mode::cubic) taps.weights[k] = cubic(x - cell);
    cell = inside(rule, cell, size);
    taps.cells[k] = cell >= 0 && cell < static_cast<double>(size) ? std::llround(cell) : -1;
  }
  return taps;
}

double sample(const float* plane, const Shape& spatial, const std::vector<Taps>& taps, std::size_t axis,
              std::int64_t offset) {
  if (axis == spatial.size()) return plane[offset];
  double sum = 0;
  for (int k = 0; k < taps[axis].count; ++k)
    if (taps[axis].cells[k] >= 0 && taps[axis].weights[k] != 0)
      sum += taps[axis].weights[k] *
             sample(plane, spatial, taps, axis + 1, offset * spatial[axis] + taps[axis].cells[k]);
  return sum;
}

Status evaluate_grid_sample(const Call& call) {
  Rule rule;
  read_rule(call, rule);
  const Shape& x = call.inputs[0].shape;
  const Shape spatial(x.begin() + 2, x.end());
  const std::int64_t axes = rank(spatial), plane = product(spatial);
  const std::int64_t places = product(call.outputs[0].shape, 2, rank(x));
  std::vector<Taps> taps(spatial.size());
  for (std::int64_t n = 0; n < x[0]; ++n)
    for (std::int64_t i = 0; i < places; ++i) {
      // The last number of a place belongs to the first axis.
      const float* at = in<float>(call, 1) + (n * places + i) * axes;
      for (std::int64_t d = 0; d < axes; ++d)
        taps[d] = taps_at(rule, to_cell(at[axes - 1 - d], spatial[d], rule.corners), spatial[d]);
      for (std::int64_t c = 0; c < x[1]; ++c)
        out<float>(call)[(n * x[1] + c) * places + i] =
            static_cast<float>(sample(in<float>(call, 0) + (n * x[1] + c) * plane, spatial, taps, 0, 0));
    }
  return {};
}

// Operands: theta [N, d, d + 1] and the size [N, C, ...] of what is to be sampled.
Status infer_affine(Call& call) {
  if (!has_operands(call, 2)) return fail(call, "needs theta and a size");
  const Shape& theta = call.inputs[0].shape;
  if (theta.size() != 3 || call.inputs[0].type != DataType::float32)
    return fail(call, "theta must be [N, d, d + 1] of float32");
  auto size = integers(call.inputs[1]);
  const std::int64_t axes = theta[1];
  if (axes != 2 && axes != 3) return fail(call, "has neither two nor three axes");
  if (size && (rank(*size) != axes + 2 || !is_known(*size))) return fail(call, "the size has other axes");
  Shape y = {theta[0]};
  for (std::int64_t d = 0; d < axes; ++d) y.push_back(size ? (*size)[d + 2] : unknown);
  y.push_back(axes);
  set_output(call, 0, DataType::float32, y);
  return {};
}

Status evaluate_affine(const Call& call) {
  const Shape& y = call.outputs[0].shape;
  const std::int64_t axes = y.back(), places = product(y, 1, rank(y) - 1);
  const bool corners = call.node.get_int("align_corners", 0) != 0;
  for (std::int64_t n = 0; n < y[0]; ++n)
    for (std::int64_t i = 0; i < places; ++i) {
      double at[4] = {0, 0, 0, 1};
      std::int64_t rest = i;
      for (std::int64_t d = axes; d-- > 0; rest /= y[d + 1]) {
        const auto k = static_cast<double>(rest % y[d + 1]), size = static_cast<double>(y[d + 1]);
        at[axes - 1 - d] = corners ? (size > 1 ? 2 * k / (size - 1) - 1 : 0) : (2 * k + 1) / size - 1;
      }
      at[axes] = 1;
      for (std::int64_t r = 0; r < axes; ++r) {
        double sum = 0;
        for (std::int64_t c = 0; c <= axes; ++c)
          sum += in<float>(call, 0)[(n * axes + r) * (axes + 1) + c] * at[c];
        out<float>(call)[(n * places + i) * axes + r] = static_cast<float>(sum);
      }
    }
  return {};
}

Status infer_roi(Call& call) {
  if (!has_operands(call, 3)) return fail(call, "needs an image, regions and their batches");
  const Shape &x = call.inputs[0].shape, &rois = call.inputs[1].shape;
  if (x.size() != 4 || rois.size() != 2 || rois[1] != 4) return fail(call, "needs [N, C, H, W] and [R, 4]");
  if (call.inputs[0].type != DataType::float32 || call.inputs[1].type != DataType::float32)
    return fail(call, "is for float32 only");
  const std::int64_t height = call.node.get_int("output_height", 1),
                     width = call.node.get_int("output_width", 1);
  if (height < 1 || width < 1) return fail(call, "a region has no size");
  set_output(call, 0, DataType::float32, {rois[0], x[1], height, width});
  return {};
}

// Four neighbours of a place and their weights; a place more than one cell outside counts nothing.
struct Corner {
  std::int64_t at[4] = {0, 0, 0, 0};
  double weight[4] = {0, 0, 0, 0};
};
Corner corner_at(double y, double x, std::int64_t height, std::int64_t width) {
  Corner corner;
  if (!(y >= -1 && y <= static_cast<double>(height) && x >= -1 && x <= static_cast<double>(width)))
    return corner;
  y = std::clamp(y, 0.0, static_cast<double>(height - 1));
  x = std::clamp(x, 0.0, static_cast<double>(width - 1));
  const auto top = static_cast<std::int64_t>(y), left = static_cast<std::int64_t>(x);
  const std::int64_t bottom = std::min(top + 1, height - 1), right = std::min(left + 1, width - 1);
  const double dy = y - static_cast<double>(top), dx = x - static_cast<double>(left);
  const std::int64_t rows[4] = {top, top, bottom, bottom}, columns[4] = {left, right, left, right};
  const double weights[4] = {(1 - dy) * (1 - dx), (1 - dy) * dx, dy * (1 - dx), dy * dx};
  for (int k = 0; k < 4; ++k) corner.at[k] = rows[k] * width + columns[k], corner.weight[k] = weights[k];
  return corner;
}

// One cell of one region's result, of one channel.
float pool_region(const Call& call, const float* plane, double top, double left, double height,
                  double width) {
  const Shape& x = call.inputs[0].shape;
  const std::int64_t ratio = call.node.get_int("sampling_ratio", 0);
  const auto rows = ratio > 0 ? ratio : static_cast<std::int64_t>(std::clamp(std::ceil(height), 1.0, 4096.0));
  const auto columns =
      ratio > 0 ? ratio : static_cast<std::int64_t>(std::clamp(std::ceil(width), 1.0, 4096.0));
  const bool highest = call.node.get_string("mode", "avg") == "max";
  double sum = 0, best = -std::numeric_limits<double>::infinity();
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j) {
      const Corner corner =
          corner_at(top + (static_cast<double>(i) + 0.5) * height / static_cast<double>(rows),
                    left + (static_cast<double>(j) + 0.5) * width / static_cast<double>(columns), x[2], x[3]);
      for (int k = 0; k < 4; ++k) {
        const double part = corner.weight[k] * plane[corner.at[k]];
        sum += part, best = std::max(best, part);
      }
    }
  return static_cast<float>(highest ? best : sum / static_cast<double>(rows * columns));
}

Status evaluate_roi(const Call& call) {
  const Shape &x = call.inputs[0].shape, &y = call.outputs[0].shape;
  const double scale = call.node.get_float("spatial_scale", 1.0f);
  const bool shifted = call.node.get_string("coordinate_transformation_mode", "half_pixel") == "half_pixel";
  const auto batches = integers(call.inputs[2]);
  if (!batches || rank(*batches) != y[0]) return fail(call, "needs one batch per region");
  for (std::int64_t r = 0; r < y[0]; ++r) {
    const float* roi = in<float>(call, 1) + r * 4;
    const std::int64_t batch = (*batches)[r];
    if (batch < 0 || batch >= x[0]) return fail(call, "a region belongs to no image");
    const double shift = shifted ? 0.5 : 0.0, left = roi[0] * scale - shift, top = roi[1] * scale - shift;
    double width = roi[2] * scale - shift - left, height = roi[3] * scale - shift - top;
    if (!shifted) width = std::max(width, 1.0), height = std::max(height, 1.0);
    width /= static_cast<double>(y[3]), height /= static_cast<double>(y[2]);
    for (std::int64_t i = 0; i < product(y, 1, 4); ++i) {
      const std::int64_t column = i % y[3], row = i / y[3] % y[2], c = i / (y[2] * y[3]);
      const float* plane = in<float>(call, 0) + (batch * x[1] + c) * x[2] * x[3];
      out<float>(call)[r * product(y, 1, 4) + i] =
          pool_region(call, plane, top + static_cast<double>(row) * height,
                      left + static_cast<double>(column) * width, height, width);
    }
  }
  return {};
}

constexpr Kernel rows[] = {
    {"GridSample", infer_grid_sample, evaluate_grid_sample},
    {"AffineGrid", infer_affine, evaluate_affine},
    {"RoiAlign", infer_roi, evaluate_roi},
};

}  // namespace

std::span<const Kernel> grid_sample_kernels() { return rows; }

}  // namespace mlq::kernels
