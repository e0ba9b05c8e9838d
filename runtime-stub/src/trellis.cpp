#include "runtime-stub/src/trellis.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace mlq {

namespace {

using States = std::array<std::array<std::uint8_t, 2>, trellis::states>;

constexpr States make_states() {
  States states{};
  for (unsigned state = 0; state < trellis::states; ++state)
    for (unsigned input : {0u, 1u})
      states[state][input] = static_cast<std::uint8_t>(trellis::next(state, input));
  return states;
}
constexpr States next_states = make_states();

// Calls step(indices of a weight, state before it), which returns the input, for all weights in order.
template <int bytes, class Step>
void walk(const Tensor& tensor, std::byte* indices, const Step& step) {
  const auto axis = static_cast<std::size_t>(tensor.quantization->trellis->axis);
  const auto length = static_cast<std::size_t>(tensor.quantization->trellis->length);
  const auto along = static_cast<std::size_t>(tensor.shape[axis]);
  std::size_t inner = 1, outer = 1;
  for (std::size_t d = 0; d < tensor.shape.size(); ++d)
    (d < axis ? outer : inner) *= d == axis ? 1 : static_cast<std::size_t>(tensor.shape[d]);
  std::vector<std::uint8_t> states(inner);
  for (std::size_t row = 0; row < outer * along; ++row) {
    if (row % along % length == 0) std::ranges::fill(states, static_cast<std::uint8_t>(trellis::first));
    for (std::uint8_t& state : states) {
      state = next_states[state][step(indices, state)];
      indices += bytes;
    }
  }
}

unsigned number(const std::byte* index) { return static_cast<unsigned>(*index); }

}  // namespace

void restore_low_bits(const Tensor& tensor, std::byte* indices) {
  if (tensor.quantization->bits != 16)
    return walk<1>(tensor, indices, [](std::byte* index, unsigned state) {
      const unsigned stored = number(index);
      *index = static_cast<std::byte>(stored << 1 | trellis::low_bit(state));
      return stored & 1;
    });
  walk<2>(tensor, indices, [](std::byte* index, unsigned state) {
    const unsigned stored = number(index) << 8 | number(index + 1);
    index[0] = static_cast<std::byte>(stored >> 7);
    index[1] = static_cast<std::byte>(stored << 1 | trellis::low_bit(state));
    return stored & 1;
  });
}

bool drop_low_bits(const Tensor& tensor, std::byte* indices) {
  bool as_said = true;
  if (tensor.quantization->bits != 16) {
    walk<1>(tensor, indices, [&](std::byte* index, unsigned state) {
      const unsigned whole = number(index);
      as_said &= (whole & 1) == trellis::low_bit(state);
      *index = static_cast<std::byte>(whole >> 1);
      return whole >> 1 & 1;
    });
    return as_said;
  }
  walk<2>(tensor, indices, [&](std::byte* index, unsigned state) {
    const unsigned whole = number(index) << 8 | number(index + 1);
    as_said &= (whole & 1) == trellis::low_bit(state);
    index[0] = static_cast<std::byte>(whole >> 9);
    index[1] = static_cast<std::byte>(whole >> 1);
    return whole >> 1 & 1;
  });
  return as_said;
}

bool suits(const Trellis& trellis, const Shape& shape) {
  return trellis.axis >= 0 && static_cast<std::size_t>(trellis.axis) < shape.size() && trellis.length > 0;
}

}  // namespace mlq
