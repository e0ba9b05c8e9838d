// Model files in, Graph out. Adding a format is a folder here and one row in frontends.cpp.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "mlq/graph.h"

namespace mlqc {

// A model file as it lies on the disk.
struct Source {
  std::filesystem::path path;
  mlq::Data bytes;          // mapped
  std::string sha256;       // of the bytes
  std::string_view format;  // "coreml", ...: the row of the table that read it
};

struct Frontend {
  std::string_view format;
  std::string_view extension;  // ".mlmodel"
  // Throws Error (Exit::model). All unsupported layers are named at once.
  mlq::Graph (*import)(const Source& source);
};

std::span<const Frontend> frontends();

// Maps and hashes the file, chooses the front end by extension. Throws Error: missing (MLQ301), empty
// (MLQ302), a Git-LFS pointer (MLQ303), an HTML page (MLQ304), no known extension (MLQ305).
Source read_source(const std::filesystem::path& path);

// The source's network as its maker meant it: quantized weights stay quantized, preprocessing of images is
// nodes of the graph, checked by mlq::check, shapes inferred.
mlq::Graph import_graph(const Source& source);

}  // namespace mlqc
