// What kernels share: sentences of failure, arithmetic on dimensions that may be unknown, broadcasting,
// and reading of operands that hold axes, shapes or indices.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "mlq/kernel.h"

namespace mlq::kernels {

inline constexpr std::int64_t unknown = -1;

// "Conv 'conv1': <what>".
Failure fail(const Call& call, std::string_view what);

inline std::int64_t rank(const Shape& shape) { return static_cast<std::int64_t>(shape.size()); }
bool is_known(const Shape& shape);

// Products and sums of dimensions: unknown when an operand is, and pinned at a number too large for any
// buffer instead of overflowing (element_count refuses it later).
std::int64_t times(std::int64_t a, std::int64_t b);
std::int64_t plus(std::int64_t a, std::int64_t b);
std::int64_t product(const Shape& shape, std::int64_t first, std::int64_t last);
std::int64_t product(const Shape& shape);

// Maps an axis of -rank..rank-1 to 0..rank-1; false when it lies outside.
bool normalize_axis(std::int64_t& axis, std::int64_t rank);
// All of them, sorted and without duplicates; an empty list stays empty.
bool normalize_axes(std::vector<std::int64_t>& axes, std::int64_t rank);

// NumPy's rule; nothing when the shapes do not fit each other.
std::optional<Shape> broadcast(const Shape& a, const Shape& b);
// Row-major, in elements.
Shape strides_of(const Shape& shape);
// Strides by which an operand of `shape` is read at the positions of `target`, to which it broadcasts.
Shape broadcast_strides(const Shape& shape, const Shape& target);

// The numbers of an operand of any numeric type that holds whole numbers; nothing while they are not known.
// Core ML's networks carry shapes and indices as floats, so these are read too.
std::optional<std::vector<std::int64_t>> integers(const Value& value);
// Likewise for operand i, with `otherwise` when it is not given.
std::optional<std::vector<std::int64_t>> integers(const Call& call, std::size_t i,
                                                  std::vector<std::int64_t> otherwise);
// Operand i as one float; `otherwise` when not given or not known.
float scalar(const Call& call, std::size_t i, float otherwise);

// Fills an output if the node has it.
void set_output(Call& call, std::size_t i, DataType type, Shape shape);
bool wanted(const Call& call, std::size_t i);
// The number of operands that must be there is met.
bool has_operands(const Call& call, std::size_t n);

// infer of operators whose result looks like their first operand.
Status infer_same(Call& call);
// infer of operators of two operands that broadcast.
Status infer_broadcast(Call& call);
// The same for any number of operands.
Status infer_broadcast_all(Call& call);

template <class T>
const T* in(const Call& call, std::size_t i) {
  return static_cast<const T*>(call.inputs[i].data);
}
template <class T>
T* out(const Call& call, std::size_t i = 0) {
  return static_cast<T*>(call.outputs[i].data);
}

}  // namespace mlq::kernels
