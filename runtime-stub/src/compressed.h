// Bytes that were compressed with zlib (RFC 1950), behind their size as a 32-bit little-endian number.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "mlq/result.h"
#include "runtime-stub/src/buffer.h"

namespace mlq {

// Fails where the bytes are no such thing, and where they claim to be more than the format can say in so few.
Result<std::shared_ptr<Buffer>> decompress(std::span<const std::byte> bytes);

}  // namespace mlq
