#include "runtime-stub/src/trellis.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace mlq {

namespace {

// The loops over weights beside each other, whose chains know nothing of each other, become vector code.

constexpr std::uint8_t all_if(std::uint8_t bit) { return static_cast<std::uint8_t>(-(bit & 1)); }

constexpr std::uint8_t next(std::uint8_t state, std::uint8_t input) {
  return static_cast<std::uint8_t>(state >> 1 ^ (all_if(state) & trellis::output_mask) ^
                                   (all_if(input) & trellis::input_mask));
}

void restore_bytes(std::uint8_t* __restrict indices, std::span<std::uint8_t> states) {
  std::uint8_t* __restrict state = states.data();
  for (std::size_t i = 0; i < states.size(); ++i) {
    const std::uint8_t stored = indices[i];
    indices[i] = static_cast<std::uint8_t>(stored << 1 | (state[i] & 1));
    state[i] = next(state[i], stored);
  }
}

void restore_pairs(std::uint8_t* __restrict indices, std::span<std::uint8_t> states) {
  std::uint8_t* __restrict state = states.data();
  for (std::size_t i = 0; i < states.size(); ++i) {
    const std::uint8_t high = indices[2 * i], low = indices[2 * i + 1];
    indices[2 * i] = static_cast<std::uint8_t>(high << 1 | low >> 7);
    indices[2 * i + 1] = static_cast<std::uint8_t>(low << 1 | (state[i] & 1));
    state[i] = next(state[i], low);
  }
}

// These return in `wrong` whether a low bit is another than the state says.
void drop_bytes(std::uint8_t* __restrict indices, std::span<std::uint8_t> states, std::uint8_t& wrong) {
  std::uint8_t* __restrict state = states.data();
  for (std::size_t i = 0; i < states.size(); ++i) {
    const std::uint8_t whole = indices[i];
    wrong |= (whole ^ state[i]) & 1;
    indices[i] = whole >> 1;
    state[i] = next(state[i], whole >> 1);
  }
}

void drop_pairs(std::uint8_t* __restrict indices, std::span<std::uint8_t> states, std::uint8_t& wrong) {
  std::uint8_t* __restrict state = states.data();
  for (std::size_t i = 0; i < states.size(); ++i) {
    const std::uint8_t high = indices[2 * i], low = indices[2 * i + 1];
    wrong |= (low ^ state[i]) & 1;
    indices[2 * i] = high >> 1;
    indices[2 * i + 1] = static_cast<std::uint8_t>(high << 7 | low >> 1);
    state[i] = next(state[i], low >> 1);
  }
}

// Calls step(indices, states) for rows of weights whose chains lie beside each other, one row after the
// other.
template <class Step>
void walk(const Tensor& tensor, std::byte* indices, const Step& step) {
  const auto axis = static_cast<std::size_t>(tensor.quantization->trellis->axis);
  const auto length = static_cast<std::size_t>(tensor.quantization->trellis->length);
  const auto along = static_cast<std::size_t>(tensor.shape[axis]);
  const std::size_t width = tensor.quantization->bits == 16 ? 2 : 1;
  std::size_t inner = 1, outer = 1;
  for (std::size_t d = 0; d < tensor.shape.size(); ++d)
    (d < axis ? outer : inner) *= d == axis ? 1 : static_cast<std::size_t>(tensor.shape[d]);
  std::vector<std::uint8_t> states(inner);
  auto* at = reinterpret_cast<std::uint8_t*>(indices);
  for (std::size_t row = 0; row < outer * along; ++row, at += inner * width) {
    if (row % along % length == 0) std::ranges::fill(states, static_cast<std::uint8_t>(trellis::first));
    step(at, std::span(states));
  }
}

}  // namespace

void restore_low_bits(const Tensor& tensor, std::byte* indices) {
  walk(tensor, indices, tensor.quantization->bits == 16 ? restore_pairs : restore_bytes);
}

bool drop_low_bits(const Tensor& tensor, std::byte* indices) {
  std::uint8_t wrong = 0;
  const auto step = tensor.quantization->bits == 16 ? drop_pairs : drop_bytes;
  walk(tensor, indices, [&](std::uint8_t* at, std::span<std::uint8_t> states) { step(at, states, wrong); });
  return wrong == 0;
}

bool suits(const Trellis& trellis, const Shape& shape) {
  return trellis.axis >= 0 && static_cast<std::size_t>(trellis.axis) < shape.size() && trellis.length > 0;
}

}  // namespace mlq
