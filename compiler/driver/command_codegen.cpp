#include "compiler/backends/backend.h"
#include "compiler/codegen/codegen.h"
#include "compiler/driver/commands.h"
#include "compiler/driver/model_file.h"
#include "compiler/driver/steps.h"
#include "compiler/support/bytes.h"

namespace mlqc {

Step codegen_step(const Options& options) {
  const Manifest manifest = parse_manifest(options.arguments[0]);
  const Source source = read_model(manifest);
  const mlq::Graph graph = import_graph(source);
  const Wrapper wrapper =
      generate_wrapper(graph, manifest, output_name(options), interface_digest(graph), source.sha256);
  check_folder(options);
  write_if_changed(output_file(options, ".hpp"), wrapper.header);
  write_if_changed(output_file(options, ".cpp"), wrapper.source);
  return {Exit::good, {manifest.file, source.path}, {}};
}

Exit run_codegen(const Options& options) { return finish(options, codegen_step(options)); }

}  // namespace mlqc
