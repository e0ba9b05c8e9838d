// Aligned memory whose absence is a sentence, not an exception.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "mlq/result.h"

namespace mlq {

// Of every address in an arena: a cache line, and the widest vector register.
inline constexpr std::size_t alignment = 64;

// `bytes` rounded up to whole cache lines. Callers have bounded it.
constexpr std::size_t aligned(std::size_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

class Buffer {
 public:
  // Fails when `bytes` is above `limit` or the system has no memory. One more cache line than asked for may
  // be read, because vector kernels read past the end of their operands.
  static Result<std::shared_ptr<Buffer>> make(std::size_t bytes, std::size_t limit);
  ~Buffer();
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  std::byte* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  Buffer(std::byte* data, std::size_t size) : data_(data), size_(size) {}
  std::byte* data_;
  std::size_t size_;
};

}  // namespace mlq
