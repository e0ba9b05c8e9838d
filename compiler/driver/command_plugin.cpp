#include "compiler/codegen/codegen.h"
#include "compiler/driver/commands.h"
#include "compiler/driver/steps.h"
#include "compiler/support/bytes.h"

namespace mlqc {

Exit run_plugin(const Options& options) {
  const Manifest manifest = parse_manifest(options.arguments[0]);
  check_folder(options);
  write_if_changed(output_file(options, ".plugin.cpp"), generate_plugin(manifest, output_name(options)));
  return finish(options, {Exit::good, {manifest.file}, {}});
}

}  // namespace mlqc
