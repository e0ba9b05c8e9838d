// How one operator is computed. Built-in kernels are rows of the table in kernels/table.cpp.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "mlq/graph.h"

namespace mlq {

// Bytes behind each operand that a kernel may read (never write): vector code of the kernel library loads
// whole registers. Buffers and copies of constants are allocated with so much room behind them.
inline constexpr std::size_t padding_after = 64;

// An operand or result of one node: what is known of it so far. `data` is null while only type and shape are
// known. Constants reach kernels as float32 (or their integer type), dequantized; `infer` sees the data of
// constants of integers and of at most 1024 floats.
//
// Addresses are multiples of 64 and one cache line behind the end may be read, but for constants: theirs are
// multiples of the element's size, with nothing behind them.
struct Value {
  DataType type = DataType::float32;
  Shape shape;
  void* data = nullptr;
  bool constant = false;  // data never changes between evaluations

  const float* floats() const { return static_cast<const float*>(data); }
  float* floats() { return static_cast<float*>(data); }
  const std::int64_t* int64s() const { return static_cast<const std::int64_t*>(data); }
};

// One node with its operands. An optional operand that is not given has an empty shape and null data, and
// `given(i)` is false.
struct Call {
  const Node& node;
  std::span<const Value> inputs;
  std::span<Value> outputs;
  void* threads = nullptr;  // a pthreadpool_t, or null for the caller's thread alone

  bool given(std::size_t i) const {
    return i < inputs.size() && i < node.inputs.size() && node.inputs[i] != no_tensor;
  }
};

// A node made ready for operands at fixed addresses and of fixed shapes: packed weights, a library's
// operator.
struct Prepared {
  virtual ~Prepared() = default;
  virtual Status run(void* threads) = 0;
  // The same for operands and results that lie `shift` bytes further on, with the same weights; or null: then
  // it has to be prepared anew. Called while other threads may be in run().
  virtual std::unique_ptr<Prepared> moved([[maybe_unused]] std::ptrdiff_t shift) const { return nullptr; }
};

struct Kernel {
  std::string_view op;
  // Fills the outputs' type and shape from the inputs' type and shape, and from the data of those that have
  // it. A dimension that depends on data not yet known is -1. Fails on operands the operator does not allow.
  Status (*infer)(Call& call);
  // Computes the outputs' data. All shapes are known. Null when only `prepare` exists.
  Status (*evaluate)(const Call& call);
  // Optional, preferred by the executor when shapes are static: may keep pointers to non-constant operands
  // and outputs, but not to constants, which may be freed afterwards. Returns null to fall back to evaluate.
  Result<std::unique_ptr<Prepared>> (*prepare)(const Call& call) = nullptr;
  // Reads element i of an operand only to compute element i of outputs[0]: both may lie at the same address
  // when they have the same number of bytes. (Reshape is one too: then there is nothing to copy.)
  bool in_place = false;
};

// The kernel of an operator, or null.
const Kernel* find_kernel(std::string_view op);

}  // namespace mlq
