// The typed wrapper: what an app includes and links.
#pragma once

#include <string>

#include "compiler/manifest/manifest.h"
#include "mlq/graph.h"

namespace mlqc {

struct Wrapper {
  std::string header;  // NAME.hpp
  std::string source;  // NAME.cpp
};

// Needs only the interface: runs in milliseconds, before any weight is read. `name` is the CMake target, from
// which the class gets its name unless the manifest gives one. `interface_digest` is that of the back ends
// (backend.h): the wrapper loads no artifact with another one. Throws Error (Exit::usage) when two features
// end up with the same C++ name, with the `rename:` that would cure it.
Wrapper generate_wrapper(const mlq::Graph& graph, const Manifest& manifest, const std::string& name,
                         const std::string& interface_digest, const std::string& source_sha256);

// NAME.plugin.cpp: with the user's source, the module that mlqc runs custom layers and metrics from. Needs
// the manifest alone, because reading the model takes the module. Throws Error (Exit::usage) when there are
// none.
std::string generate_plugin(const Manifest& manifest, const std::string& name);

}  // namespace mlqc
