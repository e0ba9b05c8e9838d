#include "runtime-stub/kernels/window.h"

#include <algorithm>

namespace mlq::kernels {
namespace {

constexpr std::int64_t limit = std::int64_t{1} << 24;

// A list attribute with one value per axis, each within bounds.
Status read_list(const Call& call, const char* key, std::size_t n, std::int64_t otherwise,
                 std::int64_t lowest, std::vector<std::int64_t>& list) {
  list = call.node.get_ints(key);
  if (list.empty()) list.assign(n, otherwise);
  if (list.size() != n) return fail(call, std::string("attribute '") + key + "' has the wrong length");
  for (std::int64_t v : list)
    if (v < lowest || v > limit) return fail(call, std::string("attribute '") + key + "' is out of range");
  return {};
}

// The pads that let the window start at each stride of the operand.
void pad_same(Window& w, std::size_t axis, std::int64_t size, bool more_before) {
  std::int64_t positions = (size + w.strides[axis] - 1) / w.strides[axis];
  std::int64_t total = std::max<std::int64_t>(0, (positions - 1) * w.strides[axis] + w.extent(axis) - size);
  w.begins[axis] = more_before ? total - total / 2 : total / 2;
  w.ends[axis] = total - w.begins[axis];
}

}  // namespace

Result<Window> read_window(const Call& call, const std::vector<std::int64_t>& kernel, const Shape& spatial) {
  Window w;
  std::size_t n = spatial.size();
  std::vector<std::int64_t> pads;
  w.kernel = kernel;
  w.ceil = call.node.get_int("ceil_mode", 0) != 0;
  if (kernel.size() != n || n == 0) return fail(call, "one kernel size per spatial axis is needed");
  for (std::int64_t k : kernel)
    if (k < 1 || k > limit) return fail(call, "kernel size out of range");
  if (Status s = read_list(call, "strides", n, 1, 1, w.strides); !s) return Failure{s.error()};
  if (Status s = read_list(call, "dilations", n, 1, 1, w.dilations); !s) return Failure{s.error()};
  if (Status s = read_list(call, "pads", 2 * n, 0, 0, pads); !s) return Failure{s.error()};
  w.begins.assign(pads.begin(), pads.begin() + n);
  w.ends.assign(pads.begin() + n, pads.end());
  std::string mode = call.node.get_string("auto_pad", "NOTSET");
  for (std::size_t i = 0; i < n; ++i) {
    if (mode == "VALID")
      w.begins[i] = w.ends[i] = 0;
    else if (mode != "NOTSET" && spatial[i] >= 0)
      pad_same(w, i, spatial[i], mode == "SAME_LOWER");
  }
  return w;
}

Result<Shape> window_positions(const Call& call, const Window& w, const Shape& spatial) {
  bool same = call.node.get_string("auto_pad", "NOTSET").starts_with("SAME");
  Shape y(spatial.size(), unknown);
  for (std::size_t i = 0; i < y.size(); ++i) {
    if (spatial[i] == unknown) continue;
    if (same) {
      y[i] = (spatial[i] + w.strides[i] - 1) / w.strides[i];
      continue;
    }
    std::int64_t room = spatial[i] + w.begins[i] + w.ends[i] - w.extent(i);
    if (room < 0) return fail(call, "the window is larger than the operand");
    y[i] = (w.ceil ? (room + w.strides[i] - 1) / w.strides[i] : room / w.strides[i]) + 1;
    // Rounding up must not add a window that sees nothing but the padding behind the operand.
    if (w.ceil && (y[i] - 1) * w.strides[i] >= spatial[i] + w.begins[i]) --y[i];
  }
  return y;
}

Result<Shape> transposed_positions(const Call& call, Window& w, const Shape& spatial) {
  std::size_t n = spatial.size();
  std::vector<std::int64_t> extra;
  if (Status s = read_list(call, "output_padding", n, 0, 0, extra); !s) return Failure{s.error()};
  auto wished = call.node.get_ints("output_shape");
  std::string mode = call.node.get_string("auto_pad", "NOTSET");
  if (!wished.empty() && wished.size() < n)
    return fail(call, "attribute 'output_shape' has the wrong length");
  if (wished.size() > n) wished.erase(wished.begin(), wished.end() - n);
  Shape y(n, unknown);
  for (std::size_t i = 0; i < n; ++i) {
    if (spatial[i] == unknown) continue;
    std::int64_t whole = (spatial[i] - 1) * w.strides[i] + extra[i] + w.extent(i);
    if (!wished.empty() || mode.starts_with("SAME")) {
      y[i] = wished.empty() ? spatial[i] * w.strides[i] : wished[i];
      if (y[i] < 0 || y[i] > limit) return fail(call, "attribute 'output_shape' is out of range");
      std::int64_t total = std::max<std::int64_t>(0, whole - y[i]);
      w.begins[i] = mode == "SAME_UPPER" ? total / 2 : total - total / 2;
      w.ends[i] = total - w.begins[i];
    } else {
      y[i] = whole - w.begins[i] - w.ends[i];
    }
    if (y[i] < 0) return fail(call, "the pads leave nothing");
  }
  return y;
}

}  // namespace mlq::kernels
