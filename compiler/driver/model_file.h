// The models that commands take: those that front ends read, and artifacts.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "compiler/frontends/frontend.h"
#include "compiler/manifest/manifest.h"
#include "compiler/validate/measure.h"
#include "mlq/graph.h"

namespace mlqc {

// The manifest's model. Errors point into the manifest; the digest that it pins is checked.
Source read_model(const Manifest& manifest, std::span<const mlq::CustomClass> classes = {});

// A graph of a front end as a model of the runtime. Throws Error (Exit::model).
mlq::Model load_graph(const mlq::Graph& graph, int threads);
mlq::Model load_artifact(const mlq::Data& data, const std::string& name, int threads,
                         std::span<const mlq::CustomClass> classes = {});

struct ModelFile {
  std::string path, format, sha256;
  std::size_t bytes = 0;
  mlq::Graph graph;  // as it is in the file
  ModelMaker load;
};
ModelFile open_model(const std::filesystem::path& path, std::span<const mlq::CustomClass> classes = {});

}  // namespace mlqc
