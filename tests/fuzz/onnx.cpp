// Any bytes are an ONNX model or refused with an Error.
#include "compiler/frontends/frontend.h"
#include "compiler/support/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    mlqc::import_graph({"fuzz.onnx", mlq::copy_data(std::span(data, size)), "", "onnx"});
  } catch (const mlqc::Error&) {
    return 0;
  }
  return 0;
}
