// Trellis-coded quantization (Marcellin and Fischer, 1990; JPEG 2000 part 2, annex A): a weight's levels are
// every second one of a fine grid, and which half it is follows from the weights before it. So the low bit of
// an index need not be stored, and still the best of all permitted sequences comes nearly as close to the
// weights as the fine grid does: up to 1.5 dB less noise at equal bytes.
//
// Weights hang together in chains: those of neighbouring indices along `axis` of the shape, all other indices
// being equal; a chain begins anew after every `length` indices. kernels/trellis_code.h says what follows
// what.
#pragma once

#include <cstddef>

#include "mlq/graph.h"
#include "runtime-stub/kernels/trellis_code.h"

namespace mlq {

// Indices of 8 or 16 bits (the most significant byte first), in the tensor's order, without their low bits,
// become whole. The tensor has a trellis that suits its shape.
void restore_low_bits(const Tensor& tensor, std::byte* indices);

// And back; false where the low bits are others than the trellis says.
bool drop_low_bits(const Tensor& tensor, std::byte* indices);

// Whether chains along its axis can be had in a tensor of this shape.
bool suits(const Trellis& trellis, const Shape& shape);

}  // namespace mlq
