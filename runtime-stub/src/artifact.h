// The .mlq file (see artifact.fbs).
#pragma once

#include <cstdint>

#include "mlq/graph.h"

namespace mlq {

inline constexpr std::uint32_t artifact_format = 1;
// Of a file with coded constants, which older readers would take for packed ones.
inline constexpr std::uint32_t artifact_format_coded = 2;
// Of a file with quantized constants whose groups lie otherwise than along an axis.
inline constexpr std::uint32_t artifact_format_blocks = 3;
// Of a file whose description of the network is compressed.
inline constexpr std::uint32_t artifact_format_compressed = 4;
// Of a file some of whose constants have a trellis, or scales or tables in half precision, or are coded and
// have indices of 16 bits, whose high bytes may be left out.
inline constexpr std::uint32_t artifact_format_trellis = 5;
// "mlqmodel" as a little-endian number.
inline constexpr std::uint64_t artifact_magic = 0x6c65646f6d716c6d;
// Where the Artifact begins: behind the header.
inline constexpr std::size_t artifact_begin = 64;
// What all bytes of constants are aligned to; the largest type has 8 bytes.
inline constexpr std::size_t artifact_alignment = 16;

// The offset of a scale whose level 0 is number `zero`.
inline float offset_of(float scale, int zero) {
  return static_cast<float>(-static_cast<double>(zero) * static_cast<double>(scale));
}
// The zero that all offsets follow from, or -1 where there is none.
int common_zero(const Quantization& quantization);

struct ArtifactContent {
  Graph graph;  // its constants but coded ones are parts of the file's bytes, and share their owner
  std::string interface_digest;
  std::string source_sha256;
};

// The whole content, checked (mlq::check included). Touches no bytes of constants but coded ones, which are
// decoded here, each within `memory_limit`. Takes memory in proportion to the file, whatever that says.
Result<ArtifactContent> read_artifact(const Data& file, std::size_t memory_limit = SIZE_MAX / 2);

}  // namespace mlq
