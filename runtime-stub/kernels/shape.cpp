// Operators on shapes, and tensors made from a shape: Shape, Size, Range, ConstantOfShape, OneHot, EyeLike,
// Trilu, BandPart, NonZero.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "runtime-stub/kernels/families.h"
#include "runtime-stub/kernels/support.h"

namespace mlq::kernels {
namespace {

Shape slice_of(const Call& call) {
  const Shape& x = call.inputs[0].shape;
  auto clamp = [&](std::int64_t i) { return std::clamp<std::int64_t>(i < 0 ? i + rank(x) : i, 0, rank(x)); };
  std::int64_t first = clamp(call.node.get_int("start", 0)), last = clamp(call.node.get_int("end", rank(x)));
  return first < last ? Shape(x.begin() + first, x.begin() + last) : Shape{};
}
Status infer_shape(Call& call) {
  if (!has_operands(call, 1)) return fail(call, "needs an operand");
  set_output(call, 0, DataType::int64, {rank(slice_of(call))});
  return {};
}
Status evaluate_shape(const Call& call) {
  Shape shape = slice_of(call);
  std::copy(shape.begin(), shape.end(), out<std::int64_t>(call));
  return {};
}
Status infer_size(Call& call) {
  if (!has_operands(call, 1)) return fail(call, "needs an operand");
  set_output(call, 0, DataType::int64, {});
  return {};
}
Status evaluate_size(const Call& call) {
  *out<std::int64_t>(call) = product(call.inputs[0].shape);
  return {};
}

Status infer_range(Call& call) {
  if (!has_operands(call, 3)) return fail(call, "needs start, limit and step");
  DataType type = call.inputs[0].type;
  bool data = true;
  for (const Value& v : call.inputs) {
    if (v.type != type || product(v.shape) != 1)
      return fail(call, "start, limit and step are single numbers of one type");
    data &= v.data != nullptr;
  }
  std::int64_t n = unknown;
  if (data && type == DataType::float32) {
    double count =
        std::ceil((static_cast<double>(*in<float>(call, 1)) - *in<float>(call, 0)) / *in<float>(call, 2));
    if (!(count < 1e12)) return fail(call, "the range never ends");
    n = count > 0 ? static_cast<std::int64_t>(count) : 0;
  } else if (data) {
    std::int64_t start = (*integers(call.inputs[0]))[0], limit = (*integers(call.inputs[1]))[0];
    std::int64_t step = (*integers(call.inputs[2]))[0];
    double count =
        std::ceil((static_cast<double>(limit) - static_cast<double>(start)) / static_cast<double>(step));
    if (step == 0 || !(count < 1e12)) return fail(call, "the range never ends");
    n = count > 0 ? static_cast<std::int64_t>(count) : 0;
  }
  if (type != DataType::float32 && type != DataType::int64 && type != DataType::int32)
    return fail(call, "is for float32, int64 and int32 only");
  set_output(call, 0, type, {n});
  return {};
}
template <class T>
void count_up(const Call& call) {
  auto n = product(call.outputs[0].shape);
  for (std::int64_t i = 0; i < n; ++i)
    out<T>(call)[i] = static_cast<T>(*in<T>(call, 0) + static_cast<T>(i) * *in<T>(call, 2));
}
Status evaluate_range(const Call& call) {
  switch (call.inputs[0].type) {
    case DataType::float32:
      count_up<float>(call);
      return {};
    case DataType::int64:
      count_up<std::int64_t>(call);
      return {};
    default:
      count_up<std::int32_t>(call);
      return {};
  }
}

// The attribute `value` is a float or an integer and decides the type.
Status infer_constant(Call& call) {
  if (!has_operands(call, 1)) return fail(call, "needs a shape");
  auto it = call.node.attributes.find("value");
  bool whole = it != call.node.attributes.end() && std::holds_alternative<std::int64_t>(it->second);
  auto shape = integers(call.inputs[0]);
  const Shape& s = call.inputs[0].shape;
  if (!shape && (s.size() != 1 || s[0] < 0 || s[0] > 64))
    return fail(call, "the rank of the result is not known");
  if (shape && !is_known(*shape)) return fail(call, "negative dimension");
  set_output(call, 0, whole ? DataType::int64 : DataType::float32, shape ? *shape : Shape(s[0], unknown));
  return {};
}
Status evaluate_constant(const Call& call) {
  auto n = product(call.outputs[0].shape);
  if (call.outputs[0].type == DataType::int64)
    std::fill_n(out<std::int64_t>(call), n, call.node.get_int("value", 0));
  else
    std::fill_n(out<float>(call), n, call.node.get_float("value", 0.0f));
  return {};
}

Status infer_one_hot(Call& call) {
  if (!has_operands(call, 3)) return fail(call, "needs indices, depth and values");
  Shape y = call.inputs[0].shape;
  std::int64_t axis = call.node.get_int("axis", -1);
  if (!normalize_axis(axis, rank(y) + 1)) return fail(call, "axis outside the result's rank");
  auto depth = integers(call.inputs[1]);
  if (depth && (depth->size() != 1 || (*depth)[0] < 0))
    return fail(call, "depth must be one number, not negative");
  if (product(call.inputs[2].shape) != 2) return fail(call, "needs two values");
  y.insert(y.begin() + axis, depth ? (*depth)[0] : unknown);
  set_output(call, 0, call.inputs[2].type, y);
  return {};
}
Status evaluate_one_hot(const Call& call) {
  const Shape& y = call.outputs[0].shape;
  std::int64_t axis = call.node.get_int("axis", -1);
  normalize_axis(axis, rank(y));
  auto indices = integers(call.inputs[0]);
  if (!indices) return fail(call, "indices of this type are not supported");
  std::size_t size = size_of(call.outputs[0].type);
  const auto* values = in<std::byte>(call, 2);
  std::int64_t inner = product(y, axis + 1, rank(y)), depth = y[axis], n = product(y);
  for (std::int64_t i = 0; i < n; ++i) {
    std::int64_t index = (*indices)[i / (inner * depth) * inner + i % inner];
    bool hot = (index < 0 ? index + depth : index) == i / inner % depth;
    std::memcpy(out<std::byte>(call) + i * size, values + (hot ? size : 0), size);
  }
  return {};
}

Status infer_eye(Call& call) {
  if (Status s = infer_same(call); !s) return s;
  if (call.inputs[0].shape.size() != 2) return fail(call, "needs a matrix");
  if (call.inputs[0].type != DataType::float32) return fail(call, "is for float32 only");
  return {};
}
Status evaluate_eye(const Call& call) {
  const Shape& y = call.outputs[0].shape;
  std::int64_t k = call.node.get_int("k", 0);
  for (std::int64_t i = 0; i < y[0]; ++i)
    for (std::int64_t j = 0; j < y[1]; ++j) out<float>(call)[i * y[1] + j] = j - i == k ? 1.0f : 0.0f;
  return {};
}

// Keeps elements (i, j) of the last two axes with j - i in [low, high], clears the others.
Status keep_band(const Call& call, std::int64_t low, std::int64_t high) {
  const Shape& y = call.outputs[0].shape;
  std::size_t size = size_of(call.outputs[0].type);
  std::int64_t n = product(y), columns = y.back(), rows = y.end()[-2];
  auto* to = out<std::byte>(call);
  if (n > 0 && to != in<std::byte>(call, 0)) std::memcpy(to, in<std::byte>(call, 0), n * size);
  for (std::int64_t k = 0; k < n; ++k) {
    std::int64_t diagonal = k % columns - k / columns % rows;
    if (diagonal < low || diagonal > high) std::memset(to + k * size, 0, size);
  }
  return {};
}
constexpr std::int64_t far = std::int64_t{1} << 60;
Status infer_band(Call& call) {
  if (Status s = infer_same(call); !s) return s;
  return call.inputs[0].shape.size() < 2 ? Status(fail(call, "needs a matrix")) : Status();
}
Status evaluate_trilu(const Call& call) {
  auto k = integers(call, 1, {0});
  if (!k || k->size() != 1) return fail(call, "k must be one number");
  return call.node.get_int("upper", 1) ? keep_band(call, (*k)[0], far) : keep_band(call, -far, (*k)[0]);
}
// Attributes lower and upper: how many diagonals stay on each side; negative: all.
Status evaluate_band(const Call& call) {
  std::int64_t lower = call.node.get_int("lower", -1), upper = call.node.get_int("upper", -1);
  return keep_band(call, lower < 0 ? -far : -lower, upper < 0 ? far : upper);
}

bool is_zero(const std::byte* p, std::size_t size, bool floating) {
  float value = 0;
  if (floating) return std::memcpy(&value, p, sizeof value), value == 0.0f;  // -0 is zero, too
  return std::all_of(p, p + size, [](std::byte b) { return b == std::byte{0}; });
}
template <class Visit>
void each_nonzero(const Value& x, Visit visit) {
  std::size_t size = size_of(x.type);
  for (std::int64_t i = 0, n = product(x.shape); i < n; ++i)
    if (!is_zero(static_cast<const std::byte*>(x.data) + i * size, size, x.type == DataType::float32))
      visit(i);
}
Status infer_nonzero(Call& call) {
  if (!has_operands(call, 1)) return fail(call, "needs an operand");
  std::int64_t n = call.inputs[0].data ? 0 : unknown;
  if (n == 0) each_nonzero(call.inputs[0], [&](std::int64_t) { ++n; });
  set_output(call, 0, DataType::int64, {rank(call.inputs[0].shape), n});
  return {};
}
Status evaluate_nonzero(const Call& call) {
  const Shape& x = call.inputs[0].shape;
  std::int64_t columns = call.outputs[0].shape[1], k = 0;
  each_nonzero(call.inputs[0], [&](std::int64_t i) {
    for (std::int64_t d = rank(x); d-- > 0; i /= x[d])
      if (k < columns) out<std::int64_t>(call)[d * columns + k] = i % x[d];
    ++k;
  });
  return {};
}

constexpr Kernel rows[] = {
    {"Shape", infer_shape, evaluate_shape},       {"Size", infer_size, evaluate_size},
    {"Range", infer_range, evaluate_range},       {"ConstantOfShape", infer_constant, evaluate_constant},
    {"OneHot", infer_one_hot, evaluate_one_hot},  {"EyeLike", infer_eye, evaluate_eye},
    {"Trilu", infer_band, evaluate_trilu},        {"BandPart", infer_band, evaluate_band},
    {"NonZero", infer_nonzero, evaluate_nonzero},
};

}  // namespace

std::span<const Kernel> shape_kernels() { return rows; }

}  // namespace mlq::kernels
