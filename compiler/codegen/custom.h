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

// The name from the outermost namespace: "::app::ink".
std::string global_name(const std::string& name);

// Each class once, in the manifest's order.
std::vector<CustomType> custom_types(const Manifest& manifest);
// Each header once, those of layers first; those of metrics and quantizers are for plugins only. Throws Error
// (Exit::usage) on one that `#include` cannot name.
std::vector<std::string> custom_headers(const Manifest& manifest);
std::vector<std::string> metric_headers(const Manifest& manifest);

}  // namespace mlqc
