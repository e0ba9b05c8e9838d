#include "compiler/driver/compile_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "compiler/backends/backend.h"
#include "compiler/driver/calibrate.h"
#include "compiler/driver/class_importance.h"
#include "compiler/driver/custom_layers.h"
#include "compiler/driver/details.h"
#include "compiler/driver/interface.h"
#include "compiler/driver/layers.h"
#include "compiler/driver/machine.h"
#include "compiler/driver/model_file.h"
#include "compiler/driver/own_metrics.h"
#include "compiler/graph/rewrite.h"
#include "compiler/plugins/plugins.h"
#include "compiler/quantize/custom_lut.h"
#include "compiler/quantize/quantize.h"
#include "compiler/support/bytes.h"
#include "compiler/support/parallel.h"
#include "compiler/validate/labels.h"
#include "compiler/validate/measure.h"

namespace mlqc {

namespace {

// Seconds since the last call.
class Stopwatch {
 public:
  double lap() {
    const Clock::time_point now = Clock::now();
    return std::chrono::duration<double>(now - std::exchange(last_, now)).count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point last_ = Clock::now();
};

// What a word of `emit` stands for, where this source can be written so.
const Backend& backend_for(const At<std::string>& word, const Source& source) {
  const Backend* backend = find_backend(word.value);
  if (!backend)
    throw Error(Exit::usage,
                {word.where, fmt::format("this mlqc cannot emit '{}'", word.value), "MLQ110", "", {}});
  if (!backend->needs_format.empty() && backend->needs_format != source.format)
    throw Error(
        Exit::usage,
        {word.where,
         fmt::format("'{}' is written from a {} model only", word.value, backend->needs_format),
         "MLQ112",
         fmt::format("{} is a {} model: remove '{}'", source.path.string(), source.format, word.value),
         {}});
  return *backend;
}

// Before anything takes time, all layers that a format cannot say, at the word's place.
void check_emit(const Manifest& manifest, const Source& source, const mlq::Graph& graph) {
  for (const At<std::string>& word : manifest.emit) {
    const Backend& backend = backend_for(word, source);
    if (backend.check) try {
        backend.check(source, graph);
      } catch (const Error& error) {
        Diagnostic diagnostic = error.diagnostic();
        diagnostic.where = word.where;
        throw Error(error.exit(), diagnostic);
      }
  }
}

std::map<std::string, std::vector<std::byte>> write_all(const Manifest& manifest, const Source& source,
                                                        const mlq::Graph& graph, const std::string& name) {
  std::map<std::string, std::vector<std::byte>> files;
  for (const At<std::string>& word : manifest.emit) {
    const Backend& backend = backend_for(word, source);
    if (backend.name == "mlq")
      files[std::string(backend.extension)] = write_artifact(manifest, source, graph);
    else
      for (WrittenFile& file : write_files(backend, source, graph, name))
        files[file.extension] = std::move(file.bytes);
  }
  return files;
}

// What ships is what is measured: the candidate is loaded from the artifact's own bytes.
void measure_into(Report& report, const mlq::Graph& reference, const std::vector<std::byte>& artifact,
                  const Inputs& inputs, Progress& progress) {
  const Samples& samples = *inputs.samples;
  const Measured measured = measure(
      [&](int threads) { return load_graph(reference, threads); },
      [&](int threads) {
        return load_artifact({artifact, nullptr}, report.model, threads, inputs.classes);
      },
      samples, [&](std::size_t done, std::size_t total) { progress.show("validating", done, total); });
  report.sample_count = measured.count;
  report.samples_sha256 = samples.sha256;
  report.failed = measured.failed;
  report.outputs = measured.outputs;
  report.rankings = measured.rankings;
  // A layer of the user's that fails on every sample is a fault of its own, not one of the samples.
  if (!inputs.classes.empty() && measured.count == 0 && !measured.failed.empty())
    throw Error(Exit::model,
                {{report.model}, "no sample could be run; " + measured.failed[0].why, "MLQ316", "", {}});
}

}  // namespace

Calibration calibration_of(const Inputs& inputs, Progress& progress) {
  return inputs.calibration ? calibration_of(*inputs.calibration, inputs.graph, progress) : Calibration{};
}

CompensatedGraph quantize_from(mlq::Graph start, const Inputs& inputs, const mlq::Graph& reference,
                               const QuantizationPlan& planned, Progress& progress) {
  const mlq::Graph nearest = quantize(reference, planned);
  for (const TensorPlan& entry : planned) {
    const auto id = static_cast<std::size_t>(entry.tensor);
    start.tensors[id] = nearest.tensors[id];
  }
  if (!inputs.calibration) return {std::move(start), {}};
  return compensated(reference, planned, std::move(start), calibration_of(inputs, progress),
                     calibration_memory);
}

std::vector<std::byte> write_artifact(const Manifest& manifest, const Source& source,
                                      const mlq::Graph& graph) {
  const Backend& backend = *find_backend("mlq");
  const At<std::string>& storage = manifest.quantize.storage;
  if (storage.value != "coded") return backend.write(source, graph);
  if (!backend.write_coded)
    throw Error(Exit::usage, {storage.where,
                              "this mlqc was built without htscodecs and cannot write coded weights",
                              "MLQ110",
                              "use 'packed', or build mlq with libhtscodecs-dev",
                              {}});
  return backend.write_coded(source, graph);
}

namespace {

// The plugins' function for the manifest's `custom_lut`, where they bring it.
void use_function(const Manifest& manifest, std::span<const mlq::PluginLut> luts) {
  use_custom_lut({});
  if (!manifest.quantize.function) return;
  const auto found = std::ranges::find(luts, manifest.quantize.function->value, &mlq::PluginLut::name);
  if (found != luts.end())
    use_custom_lut([lut = *found](const mlq::LutTask& task) { return call_lut(lut, task); });
}

}  // namespace

Inputs read_inputs(const Manifest& manifest, const Plugins& plugins) {
  Stopwatch watch;
  use_own_metrics(manifest, plugins.metrics);
  use_function(manifest, plugins.luts);
  Inputs inputs;
  inputs.classes = plugins.classes;
  inputs.source = read_model(manifest, inputs.classes);
  inputs.graph = with_interface(import_graph(inputs.source), manifest);
  check_custom_layers(manifest, inputs.graph);
  check_emit(manifest, inputs.source, inputs.graph);
  inputs.graph = simplify(std::move(inputs.graph));
  inputs.seconds = watch.lap();
  if (manifest.samples) inputs.samples = find_samples(*manifest.samples, inputs.graph);
  if (manifest.calibrate && needs_calibration(manifest)) {
    inputs.calibration = find_samples(*manifest.calibrate, inputs.graph);
    if (inputs.samples) check_apart(manifest, *inputs.calibration, *inputs.samples);
  }
  if (inputs.samples && manifest.labels)
    inputs.samples->labels = read_labels(*manifest.labels, *inputs.samples);
  return inputs;
}

Compiled compile_model(const Manifest& manifest, const Inputs& inputs, const std::string& name,
                       Progress& progress) {
  Compiled made;
  Report& report = made.report;
  report.model = name;
  report.version = version();
  report.isa = isa();
  report.threads = threads();
  report.source_sha256 = inputs.source.sha256;
  report.source_bytes = inputs.source.bytes.bytes.size();
  report.seconds["import"] = inputs.seconds;
  Stopwatch watch;

  progress.show("quantizing");
  const mlq::Graph& reference = inputs.graph;
  const QuantizationPlan planned = weighed_plan(reference, manifest, calibration_of(inputs, progress));
  {
    const CompensatedGraph candidate = quantize_from(reference, inputs, reference, planned, progress);
    report.seconds["quantize"] = watch.lap();
    made.files = write_all(manifest, inputs.source, candidate.graph, name);
    const bool coded = manifest.quantize.storage.value == "coded";
    report.layers = layer_reports(planned, reference, candidate, coded);
    report.weight_bytes = weight_bytes(candidate.graph, coded);
    made.details = "{\"layers\":" + layer_details(planned, reference, candidate.graph);
    report.seconds["write"] = watch.lap();
  }  // the candidate goes before models are loaded: peak memory counts

  const std::vector<std::byte>& artifact = made.files.at(".mlq");
  report.artifact_bytes = artifact.size();
  report.artifact_sha256 = sha256(artifact);
  if (inputs.samples) measure_into(report, reference, artifact, inputs, progress);
  report.seconds["measure"] = watch.lap();
  if (inputs.samples)
    made.details += ",\"pictures\":" + picture_details(report, *inputs.samples) +
                    ",\"outputs\":" + output_details(reference, artifact, *inputs.samples, inputs.classes);
  made.details += "}\n";
  return made;
}

}  // namespace mlqc
