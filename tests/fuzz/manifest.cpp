// Any text is a manifest or refused with an Error.
#include "compiler/manifest/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    mlqc::parse_manifest("fuzz.mlq.yaml", std::string(reinterpret_cast<const char*>(data), size));
  } catch (const mlqc::Error&) {
  }
  return 0;
}
