// The code of trellis-coded quantization (runtime-stub/src/trellis.h): Ungerboeck's of 256 states for levels
// along a line (Channel coding with multilevel/phase signals, 1982, table I). A weight's second lowest bit is
// its input, the lowest its output, which the state before it tells.
#pragma once

namespace mlq::trellis {

inline constexpr unsigned states = 256, first = 0;
// The parity checks are 515 and 362 in octal; without their lowest bits they say which bits of the state an
// output and an input turn over.
inline constexpr unsigned output_mask = 0515 >> 1, input_mask = 0362 >> 1;

constexpr unsigned low_bit(unsigned state) { return state & 1; }
constexpr unsigned next(unsigned state, unsigned input) {
  return state >> 1 ^ (low_bit(state) ? output_mask : 0) ^ (input ? input_mask : 0);
}

}  // namespace mlq::trellis
