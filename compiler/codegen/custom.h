// What the manifest's custom layers are in generated code.
#pragma once

#include <string>
#include <vector>

#include "compiler/manifest/manifest.h"

namespace mlqc {

struct CustomType {
  std::string name;  // of the class in the graph
  std::string type;  // "::app::GridSampler"
};

// Each class once, in the manifest's order.
std::vector<CustomType> custom_types(const Manifest& manifest);
// Each header once. Throws Error (Exit::usage) on one that `#include` cannot name.
std::vector<std::string> custom_headers(const Manifest& manifest);

}  // namespace mlqc
