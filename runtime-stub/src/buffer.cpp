#include "runtime-stub/src/buffer.h"

#include <cstdlib>
#include <cstring>

namespace mlq {

Result<std::shared_ptr<Buffer>> Buffer::make(std::size_t bytes, std::size_t limit) {
  if (bytes > limit)
    return Failure{"a tensor or the memory plan needs " + std::to_string(bytes) +
                   " bytes, above the limit of " + std::to_string(limit)};
  void* data = nullptr;
  const std::size_t padded = aligned(bytes) + alignment;
  if (posix_memalign(&data, alignment, padded) != 0)
    return Failure{"no memory for " + std::to_string(bytes) + " bytes"};
  // What kernels may read past the end must not be noise to memory checkers.
  std::memset(static_cast<std::byte*>(data) + bytes, 0, padded - bytes);
  return std::shared_ptr<Buffer>(new Buffer(static_cast<std::byte*>(data), bytes));
}

Buffer::~Buffer() { std::free(data_); }

}  // namespace mlq
