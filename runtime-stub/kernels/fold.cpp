// From windows back to an image: Col2Im adds them up, MaxUnpool puts maxima back to their places.
#include <algorithm>

#include "runtime-stub/kernels/rare_families.h"
#include "runtime-stub/kernels/unfold.h"

namespace mlq::kernels {
namespace {

// Operands: columns [N, C * taps, positions], the image's spatial shape, the window's.
Status infer_col2im(Call& call) {
  if (!has_operands(call, 3)) return fail(call, "needs columns, a shape and a window");
  const Shape& x = call.inputs[0].shape;
  if (x.size() != 3 || call.inputs[0].type != DataType::float32)
    return fail(call, "columns are [N, C * taps, positions] of float32");
  const auto shape = integers(call.inputs[1]), window = integers(call.inputs[2]);
  const Shape& list = call.inputs[1].shape;
  if (list.size() != 1 || list[0] < 1 || list[0] > 8) return fail(call, "the rank of the image is not known");
  Shape y = {x[0], unknown};
  for (std::int64_t d = 0; d < list[0]; ++d) y.push_back(shape ? (*shape)[d] : unknown);
  if (window) {
    const std::int64_t taps = product(*window);
    if (taps < 1 || rank(*window) != list[0]) return fail(call, "the window does not fit the image");
    if (x[1] != unknown && x[1] % taps != 0) return fail(call, "the columns do not fit the window");
    y[1] = x[1] == unknown ? unknown : x[1] / taps;
  }
  for (std::size_t d = 2; d < y.size(); ++d)
    if (shape && y[d] < 1) return fail(call, "the image has an impossible shape");
  set_output(call, 0, DataType::float32, y);
  return {};
}

Status evaluate_col2im(const Call& call) {
  const Shape &x = call.inputs[0].shape, &y = call.outputs[0].shape;
  const Shape spatial(y.begin() + 2, y.end());
  const auto kernel = integers(call.inputs[2]);
  if (!kernel) return fail(call, "the window is not known");
  auto window = read_window(call, *kernel, spatial);
  if (!window) return window.status();
  auto positions = window_positions(call, *window, spatial);
  if (!positions) return positions.status();
  if (product(*positions) != x[2]) return fail(call, "the image has another number of positions");
  const std::int64_t image = product(spatial) * y[1], columns = x[1] * x[2];
  std::fill_n(out<float>(call), image * y[0], 0.0f);
  for (std::int64_t n = 0; n < y[0]; ++n)
    fold_add(out<float>(call) + n * image, y[1], spatial, *window, *positions,
             in<float>(call, 0) + n * columns);
  return {};
}

// Operands: maxima, their places in the whole tensor, and the result's shape unless the window says it.
Status infer_unpool(Call& call) {
  if (!has_operands(call, 2)) return fail(call, "needs maxima and their places");
  const Shape& x = call.inputs[0].shape;
  if (x.size() < 3 || call.inputs[0].type != DataType::float32 || call.inputs[1].type != DataType::int64)
    return fail(call, "needs maxima of float32, rank 3 or more, and places of int64");
  if (call.inputs[1].shape != x) return fail(call, "maxima and places differ in shape");
  const auto kernel = call.node.get_ints("kernel_shape"), pads = call.node.get_ints("pads");
  auto strides = call.node.get_ints("strides");
  const std::size_t axes = x.size() - 2;
  if (strides.empty()) strides.assign(axes, 1);
  if (kernel.size() != axes || strides.size() != axes || (!pads.empty() && pads.size() != 2 * axes))
    return fail(call, "the window has other axes");
  Shape y = x;
  for (std::size_t d = 0; d < axes; ++d)
    y[d + 2] = x[d + 2] == unknown ? unknown
                                   : plus(times(x[d + 2] - 1, strides[d]),
                                          kernel[d] - (pads.empty() ? 0 : pads[d] + pads[d + axes]));
  if (call.given(2)) {
    const auto shape = integers(call.inputs[2]);
    if (shape && shape->size() != y.size()) return fail(call, "the result's shape has another rank");
    y = shape ? *shape : Shape(y.size(), unknown);
  }
  if (!is_known(y)) y.assign(y.size(), unknown);
  set_output(call, 0, DataType::float32, y);
  return {};
}

// Places count in the tensor that the window makes; a larger result holds it in its first corner.
Status evaluate_unpool(const Call& call) {
  const Shape &x = call.inputs[0].shape, &y = call.outputs[0].shape;
  const auto kernel = call.node.get_ints("kernel_shape"), pads = call.node.get_ints("pads");
  auto strides = call.node.get_ints("strides");
  const std::size_t axes = x.size() - 2;
  if (strides.empty()) strides.assign(axes, 1);
  Shape inner = x;
  for (std::size_t d = 0; d < axes; ++d)
    inner[d + 2] = (x[d + 2] - 1) * strides[d] + kernel[d] - (pads.empty() ? 0 : pads[d] + pads[d + axes]);
  const Shape steps = strides_of(y);
  std::fill_n(out<float>(call), product(y), 0.0f);
  for (std::int64_t i = 0, n = product(x); i < n; ++i) {
    std::int64_t rest = in<std::int64_t>(call, 1)[i], to = 0;
    if (rest < 0 || rest >= product(inner)) return fail(call, "a maximum's place lies outside");
    for (std::size_t d = inner.size(); d-- > 0; rest /= inner[d]) {
      if (rest % inner[d] >= y[d]) return fail(call, "a maximum's place lies outside");
      to += rest % inner[d] * steps[d];
    }
    out<float>(call)[to] = in<float>(call, 0)[i];
  }
  return {};
}

constexpr Kernel rows[] = {
    {"Col2Im", infer_col2im, evaluate_col2im},
    {"MaxUnpool", infer_unpool, evaluate_unpool},
};

}  // namespace

std::span<const Kernel> fold_kernels() { return rows; }

}  // namespace mlq::kernels
