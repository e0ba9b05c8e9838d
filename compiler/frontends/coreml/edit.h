// Changing runs of bytes inside nested length-prefixed messages.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "compiler/frontends/coreml/weights.h"

namespace mlqc::coreml {

// Bytes that take the place of a run; runs do not overlap.
struct Edit {
  Extent what;
  std::vector<std::byte> with;
  int frame = -1;  // the innermost frame around the run
};

// The file with the edits made and the lengths of all enclosing messages set right. Every other byte stays.
std::vector<std::byte> apply(std::span<const std::byte> file, std::span<const Frame> frames,
                             std::vector<Edit> edits);

// A number as protobuf writes it.
std::vector<std::byte> varint(std::uint64_t value);

}  // namespace mlqc::coreml
