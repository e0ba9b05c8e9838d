// Model files in, Graph out. Adding a format is a folder here and one row in frontends.cpp.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mlq/custom_layer.h"
#include "mlq/graph.h"

namespace mlqc {

// Code of the user's for a class or operator of the model, and what the manifest says of it.
struct CustomEntry {
  std::string layer_class;  // the class, also of what `op` becomes
  std::string op;           // the operator that it stands for; "" where the model itself names the class
  mlq::Parameters parameters;
  std::string description;
  bool quantize_weights = false;
  std::shared_ptr<const mlq::CustomClass> code;  // null: named in the manifest, but no plugin brings it
};

// A model file as it lies on the disk, and what the user adds to it.
struct Source {
  std::filesystem::path path;
  mlq::Data bytes;          // mapped
  std::string sha256;       // of the bytes; of a folder: of all its files
  std::string_view format;  // "coreml", ...: the row of the table that read it
  std::vector<CustomEntry> custom_layers = {};
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
