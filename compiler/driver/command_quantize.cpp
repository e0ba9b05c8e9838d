#include "compiler/driver/calibrate.h"
#include "compiler/driver/commands.h"
#include "compiler/driver/compile_model.h"
#include "compiler/driver/diagnostics.h"
#include "compiler/driver/interface.h"
#include "compiler/driver/key.h"
#include "compiler/driver/steps.h"
#include "compiler/driver/tune.h"
#include "compiler/frontends/beside.h"
#include "compiler/plugins/plugins.h"
#include "compiler/support/bytes.h"

namespace mlqc {

namespace fs = std::filesystem;

namespace {

// A sample that comes or goes changes its folder's time.
void add_folders(const SamplesSection& section, std::vector<fs::path>& read) {
  if (!section.images && !section.tensors) return;
  const fs::path folder = section.images ? section.images->value : section.tensors->value;
  read.push_back(folder);
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, fs::directory_options::skip_permission_denied, error), end;
       !error && it != end; it.increment(error))
    if (it->is_directory(error)) read.push_back(it->path());
}

std::vector<fs::path> files_read(const Manifest& manifest, const Inputs& inputs, const Options& options) {
  std::vector<fs::path> read = {manifest.file, inputs.source.path};
  const std::vector<fs::path> beside = files_beside(inputs.source);
  read.insert(read.end(), beside.begin(), beside.end());
  read.insert(read.end(), options.plugins.begin(), options.plugins.end());
  for (const std::optional<Samples>* samples : {&inputs.samples, &inputs.calibration})
    if (*samples)
      for (const Samples::Item& item : (*samples)->items)
        read.insert(read.end(), item.files.begin(), item.files.end());
  const std::vector<fs::path> named = interface_files(manifest);
  read.insert(read.end(), named.begin(), named.end());
  if (manifest.labels && fs::is_regular_file(manifest.labels->value)) read.push_back(manifest.labels->value);
  if (manifest.samples) add_folders(*manifest.samples, read);
  if (inputs.calibration) add_folders(*manifest.calibrate, read);
  return read;
}

// Sections of the language that nothing reads yet: silence would let their writer believe otherwise.
void warn_of_idle_sections(const Manifest& manifest, const Options& options) {
  const auto warn = [&](const Place& where, const std::string& section) {
    report({where, "'" + section + "' has no effect in this version", "MLQ113", "remove it", {}},
           Severity::warning, options);
  };
  if (manifest.calibrate && !needs_calibration(manifest)) warn(manifest.calibrate->where, "calibrate");
}

}  // namespace

Step quantize_step(const Options& options) {
  const Manifest manifest = parse_manifest(options.arguments[0]);
  const Inputs inputs = read_inputs(manifest, load_plugins(options.plugins));
  const Step done{Exit::good, files_read(manifest, inputs, options), {}};
  const Key key = key_of(manifest, inputs, options.plugins);
  const fs::path key_file = output_file(options, ".key");
  if (is_current(key_file, key)) return done;

  warn_of_idle_sections(manifest, options);
  check_folder(options);
  const std::string name = output_name(options);
  Progress progress(options.progress, name);
  const Manifest chosen = tuned(manifest, inputs, output_file(options, ".recipe.yaml"), progress);
  const Compiled made = compile_model(chosen, inputs, name, progress);
  // Nothing is written before everything is made; the key comes last, so that a build that was cut off here
  // is not taken for a finished one.
  std::vector<fs::path> outputs;
  for (const auto& [extension, bytes] : made.files) {
    outputs.push_back(output_file(options, extension));
    write_if_changed(outputs.back(), bytes);
  }
  outputs.push_back(output_file(options, ".measured.json"));
  write_if_changed(outputs.back(), to_json(made.report));
  write_if_changed(output_file(options, ".details.json"), made.details);
  write_key(key_file, key, outputs);
  return done;
}

Exit run_quantize(const Options& options) { return finish(options, quantize_step(options)); }

}  // namespace mlqc
