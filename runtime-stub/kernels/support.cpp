#include "runtime-stub/kernels/support.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace mlq::kernels {
namespace {

// Beyond any memory, yet far from overflow when two of them are added.
constexpr std::int64_t too_large = std::int64_t{1} << 61;

template <class T>
std::vector<std::int64_t> convert(const void* data, std::int64_t n) {
  auto* p = static_cast<const T*>(data);
  std::vector<std::int64_t> result(n);
  for (std::int64_t i = 0; i < n; ++i) result[i] = static_cast<std::int64_t>(p[i]);
  return result;
}

// A float outside the range of whole numbers has no defined conversion; it becomes an impossible index.
std::vector<std::int64_t> convert_floats(const float* p, std::int64_t n) {
  std::vector<std::int64_t> result(n);
  for (std::int64_t i = 0; i < n; ++i)
    result[i] = std::abs(p[i]) < 9e18f ? static_cast<std::int64_t>(std::nearbyint(p[i])) : too_large;
  return result;
}

}  // namespace

Failure fail(const Call& call, std::string_view what) {
  return {call.node.op + " '" + call.node.name + "': " + std::string(what)};
}

bool is_known(const Shape& shape) {
  return std::all_of(shape.begin(), shape.end(), [](std::int64_t d) { return d >= 0; });
}

std::int64_t times(std::int64_t a, std::int64_t b) {
  if (a == 0 || b == 0) return 0;
  if (a < 0 || b < 0) return unknown;
  std::int64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result)) return too_large;
  return std::min(result, too_large);
}

std::int64_t plus(std::int64_t a, std::int64_t b) {
  if (a < 0 || b < 0) return unknown;
  return std::min(std::min(a, too_large) + std::min(b, too_large), too_large);
}

std::int64_t product(const Shape& shape, std::int64_t first, std::int64_t last) {
  std::int64_t result = 1;
  for (std::int64_t i = first; i < last; ++i) result = times(result, shape[i]);
  return result;
}
std::int64_t product(const Shape& shape) { return product(shape, 0, rank(shape)); }

bool normalize_axis(std::int64_t& axis, std::int64_t rank) {
  if (axis < -rank || axis >= rank) return false;
  if (axis < 0) axis += rank;
  return true;
}

bool normalize_axes(std::vector<std::int64_t>& axes, std::int64_t rank) {
  for (auto& axis : axes)
    if (!normalize_axis(axis, rank)) return false;
  std::sort(axes.begin(), axes.end());
  axes.erase(std::unique(axes.begin(), axes.end()), axes.end());
  return true;
}

std::optional<Shape> broadcast(const Shape& a, const Shape& b) {
  const Shape& longer = a.size() >= b.size() ? a : b;
  const Shape& shorter = a.size() >= b.size() ? b : a;
  Shape result = longer;
  std::size_t lead = longer.size() - shorter.size();
  for (std::size_t i = 0; i < shorter.size(); ++i) {
    std::int64_t x = longer[lead + i], y = shorter[i];
    if (x == y || y == 1) continue;
    // An unknown dimension beside one greater than 1 can only be that one (or 1, which gives it too).
    if (x == 1 || x == unknown)
      result[lead + i] = y;
    else if (y != unknown)
      return std::nullopt;
  }
  return result;
}

Shape strides_of(const Shape& shape) {
  Shape strides(shape.size());
  std::int64_t step = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    strides[i] = step;
    step = times(step, shape[i]);
  }
  return strides;
}

Shape broadcast_strides(const Shape& shape, const Shape& target) {
  Shape own = strides_of(shape), strides(target.size(), 0);
  std::size_t lead = target.size() - shape.size();
  for (std::size_t i = 0; i < shape.size(); ++i) strides[lead + i] = shape[i] == 1 ? 0 : own[i];
  return strides;
}

std::optional<std::vector<std::int64_t>> integers(const Value& value) {
  auto n = element_count(value.shape);
  if (!n) return std::nullopt;
  if (*n == 0) return std::vector<std::int64_t>{};
  if (!value.data) return std::nullopt;
  switch (value.type) {
    case DataType::int64:
      return convert<std::int64_t>(value.data, *n);
    case DataType::int32:
      return convert<std::int32_t>(value.data, *n);
    case DataType::float32:
      return convert_floats(value.floats(), *n);
    case DataType::uint8:
      return convert<std::uint8_t>(value.data, *n);
    case DataType::boolean:
      return convert<std::uint8_t>(value.data, *n);
    case DataType::int8:
      return convert<std::int8_t>(value.data, *n);
    default:
      return std::nullopt;
  }
}

std::optional<std::vector<std::int64_t>> integers(const Call& call, std::size_t i,
                                                  std::vector<std::int64_t> otherwise) {
  if (!call.given(i)) return otherwise;
  return integers(call.inputs[i]);
}

float scalar(const Call& call, std::size_t i, float otherwise) {
  if (!call.given(i) || !call.inputs[i].data || product(call.inputs[i].shape) < 1) return otherwise;
  const Value& v = call.inputs[i];
  if (v.type == DataType::float32) return v.floats()[0];
  auto whole = integers(v);
  return whole ? static_cast<float>(whole->front()) : otherwise;
}

bool wanted(const Call& call, std::size_t i) {
  return i < call.outputs.size() && i < call.node.outputs.size() && call.node.outputs[i] != no_tensor;
}

void set_output(Call& call, std::size_t i, DataType type, Shape shape) {
  if (i >= call.outputs.size()) return;
  call.outputs[i].type = type;
  call.outputs[i].shape = std::move(shape);
}

bool has_operands(const Call& call, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i)
    if (!call.given(i)) return false;
  return !call.outputs.empty();
}

Status infer_same(Call& call) {
  if (!has_operands(call, 1)) return fail(call, "needs an operand");
  set_output(call, 0, call.inputs[0].type, call.inputs[0].shape);
  return {};
}

Status infer_broadcast(Call& call) {
  if (call.inputs.size() != 2 || !has_operands(call, 2)) return fail(call, "needs two operands");
  return infer_broadcast_all(call);
}

Status infer_broadcast_all(Call& call) {
  if (call.inputs.empty() || !has_operands(call, call.inputs.size())) return fail(call, "needs operands");
  Shape shape = call.inputs[0].shape;
  for (const Value& v : call.inputs) {
    auto next = broadcast(shape, v.shape);
    if (!next)
      return fail(call, "operands of shapes " + to_string(shape) + " and " + to_string(v.shape) +
                            " do not broadcast");
    if (v.type != call.inputs[0].type)
      return fail(call, std::string("operands of different types, ") + name_of(call.inputs[0].type) +
                            " and " + name_of(v.type));
    shape = *next;
  }
  set_output(call, 0, call.inputs[0].type, shape);
  return {};
}

}  // namespace mlq::kernels
