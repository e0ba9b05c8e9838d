#include "compiler/driver/model_file.h"

#include <fmt/format.h>

#include "compiler/driver/custom_layers.h"
#include "compiler/frontends/shapes.h"
#include "compiler/graph/rewrite.h"
#include "compiler/support/bytes.h"
#include "compiler/support/error.h"

namespace mlqc {

namespace {

// The caller's place, and the file's own in the sentence.
[[noreturn]] void rethrow_at(const Place& where, const std::filesystem::path& file, const Error& error) {
  Diagnostic diagnostic = error.diagnostic();
  diagnostic.what = fmt::format("{}: {}", file.string(), diagnostic.what);
  diagnostic.where = where;
  throw Error(error.exit(), diagnostic);
}

}  // namespace

Source read_model(const Manifest& manifest, std::span<const mlq::CustomClass> classes) {
  const At<std::filesystem::path>& file = manifest.model.file;
  Source source;
  try {
    source = read_source(file.value);
  } catch (const Error& error) {
    rethrow_at(file.where, file.value, error);
  }
  if (const auto& pin = manifest.model.sha256; pin && pin->value != source.sha256)
    throw Error(Exit::model, {pin->where,
                              fmt::format("{} is not the file that was pinned", file->string()),
                              "MLQ313",
                              fmt::format("its SHA-256 is {}", source.sha256),
                              {}});
  source.custom_layers = custom_entries(manifest, classes);
  for (const auto& [name, feature] : manifest.interface.inputs)
    if (feature->shapes) try {
        source = with_shapes(source, name, feature->shapes->value);
      } catch (const Error& error) {
        rethrow_at(feature->shapes->where, file.value, error);
      }
  return source;
}

mlq::Model load_graph(const mlq::Graph& graph, int threads) {
  auto model = mlq::Model::from_graph(prepare_for_runtime(simplify(graph)),
                                      {.threads = threads, .expected_interface = {}});
  if (!model)
    throw Error(Exit::model, {{}, "the runtime cannot run this model: " + model.error(), "MLQ391", "", {}});
  return std::move(*model);
}

mlq::Model load_artifact(const mlq::Data& data, const std::string& name, int threads,
                         std::span<const mlq::CustomClass> classes) {
  auto model = mlq::Model::from_bytes(
      data,
      {.threads = threads, .expected_interface = {}, .custom_layers = {classes.begin(), classes.end()}});
  if (!model) throw Error(Exit::model, {{name}, model.error(), "MLQ390", "", {}});
  return std::move(*model);
}

ModelFile open_model(const std::filesystem::path& path, std::span<const mlq::CustomClass> classes) {
  if (path.extension() == ".mlq") {
    const mlq::Data data = map_file(path);
    const auto load = [data, name = path.string(), own = std::vector(classes.begin(), classes.end())](
                          int threads) { return load_artifact(data, name, threads, own); };
    return {path.string(), "mlq", sha256(data.bytes), data.bytes.size(), load(1).graph(), load};
  }
  Source source = read_source(path);
  source.custom_layers = custom_entries(classes);
  const mlq::Graph graph = import_graph(source);
  return {path.string(), std::string(source.format),
          source.sha256, source.bytes.bytes.size(),
          graph,         [graph](int threads) { return load_graph(graph, threads); }};
}

}  // namespace mlqc
