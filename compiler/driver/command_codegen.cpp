#include "compiler/backends/backend.h"
#include "compiler/codegen/codegen.h"
#include "compiler/driver/commands.h"
#include "compiler/driver/custom_layers.h"
#include "compiler/driver/interface.h"
#include "compiler/driver/model_file.h"
#include "compiler/driver/steps.h"
#include "compiler/frontends/beside.h"
#include "compiler/plugins/plugins.h"
#include "compiler/support/bytes.h"

namespace mlqc {

Step codegen_step(const Options& options) {
  const Manifest manifest = parse_manifest(options.arguments[0]);
  const Source source = read_model(manifest, load_plugins(options.plugins).classes);
  const mlq::Graph graph = with_interface(import_graph(source), manifest);
  check_custom_layers(manifest, graph);
  const Wrapper wrapper =
      generate_wrapper(graph, manifest, output_name(options), interface_digest(graph), source.sha256);
  check_folder(options);
  write_if_changed(output_file(options, ".hpp"), wrapper.header);
  write_if_changed(output_file(options, ".cpp"), wrapper.source);
  std::vector<std::filesystem::path> read = interface_files(manifest);
  read.insert(read.begin(), {manifest.file, source.path});
  const std::vector<std::filesystem::path> beside = files_beside(source);
  read.insert(read.end(), beside.begin(), beside.end());
  read.insert(read.end(), options.plugins.begin(), options.plugins.end());
  return {Exit::good, read, {}};
}

Exit run_codegen(const Options& options) { return finish(options, codegen_step(options)); }

}  // namespace mlqc
