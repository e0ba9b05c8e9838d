// Entropy-coded indices (`storage: coded`).
//
// A coded constant is 1 or 2 planes, the high bytes of its indices (where they have 16 bits) and the low
// ones. A plane is chunks of up to `coded_chunk` bytes, each a 32-bit little-endian size and a stream of the
// CRAM codec rANS Nx16 of order 0 (https://samtools.github.io/hts-specs/CRAMcodecs.pdf, section 3) that
// leaves out its own size; its frequencies stand at its beginning.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "mlq/graph.h"

namespace mlq {

inline constexpr std::size_t coded_chunk = std::size_t{1} << 20;
// An index takes at least this part of a byte: what claims to hold more is refused before memory is taken.
inline constexpr std::size_t most_per_coded_byte = 128;

// Constants whose data are coded become such that `dequantize` reads: 8 bits an index (the table filled up to
// 256 entries), or 16. Streams are decoded by all processors at once. Fails on a damaged stream that the
// decoder notices; indices stay within their tables in any case. At most `memory_limit` bytes each.
Status decode_constants(std::span<Tensor* const> coded, std::size_t memory_limit);

}  // namespace mlq
