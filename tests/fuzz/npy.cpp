// Any bytes are an array or refused with a sentence; an array survives being written and read.
#include "compiler/validate/npy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto array = mlqc::read_npy(std::as_bytes(std::span(data, size)));
  if (!array) return 0;
  const std::string written = mlqc::write_npy(*array);
  const auto again = mlqc::read_npy(std::as_bytes(std::span(written)));
  if (!again || again->shape != array->shape || again->bytes != array->bytes) __builtin_trap();
  return 0;
}
