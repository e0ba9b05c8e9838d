// The parts of Winograd's convolution F(4x4, 3x3) that no vector code is needed for.
#pragma once

#include <cstddef>

namespace mlq::kernels::winograd {

inline constexpr std::size_t points = 36;  // 6x6

// G g G^T: the nine taps of one channel, row by row and `stride` floats apart, to 36 numbers. Computed in
// double.
void transform_filter(const float* taps, std::size_t stride, float* to);

// Memory of this thread for `floats`, aligned, its content undefined; the same until more is asked for, freed
// when the thread ends. Two of them: 0 and 1. Null when the system has none.
float* scratch(int which, std::size_t floats);

}  // namespace mlq::kernels::winograd
