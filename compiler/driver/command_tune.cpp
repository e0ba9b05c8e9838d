// `mlqc tune`: searches the bits of layers and prints them as lines of a manifest.
#include <fmt/format.h>

#include "compiler/driver/commands.h"
#include "compiler/driver/steps.h"
#include "compiler/driver/tune.h"
#include "compiler/plugins/plugins.h"
#include "compiler/support/bytes.h"

namespace mlqc {

Exit run_tune(const Options& options) {
  const Manifest manifest = parse_manifest(options.arguments[0]);
  if (manifest.quantize.settings->bits != auto_bits)
    throw Error(Exit::usage, {manifest.quantize.bits,
                              "there is nothing to search: the manifest gives all bits",
                              "MLQ134",
                              "say 'bits: auto' with a 'budget'",
                              {}});
  const Inputs inputs = read_inputs(manifest, load_plugins(options.plugins));
  std::string text;
  {
    Progress progress(options.progress, output_name(options));
    text = recipe_text(manifest, tune(manifest, inputs, progress), recipe_key(manifest, inputs));
  }
  fmt::print("{}", text);
  if (options.out.empty()) return Exit::good;
  check_folder(options);
  write_if_changed(output_file(options, ".recipe.yaml"), text);
  return Exit::good;
}

}  // namespace mlqc
