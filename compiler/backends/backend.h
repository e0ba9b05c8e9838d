// Graph to bytes. Adding a format is one file and one row in backends.cpp.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/frontends/frontend.h"
#include "mlq/graph.h"

namespace mlqc {

struct WrittenFile {
  std::string extension;
  std::vector<std::byte> bytes;
};

struct Backend {
  std::string_view name;       // as in `emit:`
  std::string_view extension;  // ".mlq"
  // `graph` has the source's tensors, some of them quantized. Deterministic.
  std::vector<std::byte> (*write)(const Source& source, const mlq::Graph& graph);
  std::string_view needs_format;  // the source's format it writes back into; "" takes any
  // Throws as `write` would of the network as it was imported, before anything takes time. None where
  // everything can be written.
  void (*check)(const Source& source, const mlq::Graph& graph) = nullptr;
  // As `write`, for `storage: coded`. None where the format has no such form, or this mlqc was built without.
  std::vector<std::byte> (*write_coded)(const Source& source, const mlq::Graph& graph) = nullptr;
  // As `write`, of a format whose files refer to each other: all of them, each to be called `name` and its
  // extension. None where there is one file only.
  std::vector<WrittenFile> (*write_files)(const Source& source, const mlq::Graph& graph,
                                          const std::string& name) = nullptr;
};

// By whichever of both the format has.
std::vector<WrittenFile> write_files(const Backend& backend, const Source& source, const mlq::Graph& graph,
                                     const std::string& name);

std::span<const Backend> backends();
const Backend* find_backend(std::string_view name);

// SHA-256 over what an app's compiled wrapper relies on: names, kinds, shapes, types, colours, labels. The
// wrapper records it and the runtime refuses an artifact with another one.
std::string interface_digest(const mlq::Graph& graph);

}  // namespace mlqc
