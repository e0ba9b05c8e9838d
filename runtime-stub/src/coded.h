// Entropy-coded indices (`storage: coded`).
//
// A coded constant is 1 or 2 planes, the high bytes of its indices (where they have 16 bits) and the low
// ones. Indices come by groups, those of the narrowest scale first: equal weights make indices the larger the
// narrower the scale is, and codes are short where indices near each other are alike. Within a group, and
// where there are tables, they come as in the tensor. A plane is chunks of `chunk_size` bytes, each a 32-bit
// little-endian size and a stream of the CRAM codec rANS Nx16 of order 0
// (https://samtools.github.io/hts-specs/CRAMcodecs.pdf, section 3) that leaves out its own size; its
// frequencies stand at its beginning. A stream of no bytes stands for zeros: most high bytes are.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "mlq/graph.h"

namespace mlq {

// An index takes at least this part of a byte: what claims to hold more is refused before memory is taken.
inline constexpr std::size_t most_per_coded_byte = 128;

// Indices of a chunk: few where chunks differ.
std::size_t chunk_size(const Tensor& tensor);

// Consecutive indices of a tensor, in the order in which they are coded; empty where that is the tensor's
// own. The tensor has a quantization that fits its shape.
struct CodedRun {
  std::size_t begin, count;
};
std::vector<CodedRun> coded_order(const Tensor& tensor);

// Constants whose data are coded become such that `dequantize` reads: 8 bits an index (the table filled up to
// 256 entries), or 16. Streams are decoded by all processors at once. Fails on a damaged stream that the
// decoder notices; indices stay within their tables in any case. At most `memory_limit` bytes each.
Status decode_constants(std::span<Tensor* const> coded, std::size_t memory_limit);

}  // namespace mlq
