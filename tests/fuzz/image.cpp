// Any bytes are a picture or refused with a sentence.
#include "compiler/validate/image_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)mlqc::read_image(std::as_bytes(std::span(data, size)));
  return 0;
}
