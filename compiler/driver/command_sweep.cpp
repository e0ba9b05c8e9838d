// `mlqc sweep`: many settings, one import, one run of the float model.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "compiler/driver/commands.h"
#include "compiler/driver/compile_model.h"
#include "compiler/driver/details.h"
#include "compiler/driver/model_file.h"
#include "compiler/driver/page.h"
#include "compiler/driver/steps.h"
#include "compiler/graph/rewrite.h"
#include "compiler/plugins/plugins.h"
#include "compiler/quantize/quantize.h"
#include "compiler/support/bytes.h"
#include "compiler/support/parallel.h"
#include "compiler/validate/measure.h"

namespace mlqc {

using Json = nlohmann::ordered_json;

namespace {

// What tables and plots show, where an output has it.
const std::vector<std::string> shown = {"top1_agreement", "accuracy", "ssim", "psnr_db", "snr_db"};

struct Run {
  QuantizeSettings settings;
  std::vector<std::byte> artifact;
  Measured measured;
};

struct Times {
  double quantize = 0, reference = 0, candidates = 0;
};

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

[[noreturn]] void usage(const std::string& what, const std::string& hint) {
  throw Error(Exit::usage, {{}, what, "MLQ123", hint, {}});
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& words) {
  const std::string meant = nearest(word, words);
  return meant.empty() ? fmt::format("one of {}", fmt::join(words, ", ")) : "did you mean '" + meant + "'?";
}

// "kmeans_lut", "linear:per_channel" or "linear:per_group:16".
QuantizeSettings settings_of(const std::string& word) {
  QuantizeSettings settings;
  const std::size_t colon = word.find(':'), second = word.find(':', colon + 1);
  settings.algorithm = word.substr(0, colon);
  if (colon != std::string::npos) settings.granularity = word.substr(colon + 1, second - colon - 1);
  std::vector<std::string> names;
  for (const Algorithm& algorithm : algorithms()) names.emplace_back(algorithm.name);
  if (!find_algorithm(settings.algorithm))
    usage(fmt::format("there is no algorithm '{}'", settings.algorithm),
          did_you_mean(settings.algorithm, names));
  const std::vector<std::string> granularities = {"per_tensor", "per_channel", "per_group", "per_block"};
  if (colon != std::string::npos &&
      std::ranges::find(granularities, settings.granularity) == granularities.end())
    usage(fmt::format("there is no granularity '{}'", settings.granularity),
          did_you_mean(settings.granularity, granularities));
  if (settings.granularity == "per_group" || settings.granularity == "per_block") {
    const std::string text = colon < second && second != std::string::npos ? word.substr(second + 1) : "";
    int& size = settings.granularity == "per_group" ? settings.group_size : settings.block_size;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
    if (error != std::errc() || end != text.data() + text.size() || size < 1)
      usage(fmt::format("'{}' needs a size", word),
            fmt::format("for example '{}:{}:16'", settings.algorithm, settings.granularity));
  }
  return settings;
}

int bits_of(const std::string& word, const Algorithm& algorithm) {
  int bits = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), bits);
  if (error != std::errc() || end != word.data() + word.size() || bits < algorithm.min_bits ||
      bits > algorithm.max_bits)
    usage(fmt::format("{} does not take '{}' bits", algorithm.name, word),
          fmt::format("it takes {} to {}", algorithm.min_bits, algorithm.max_bits));
  return bits;
}

std::vector<Run> runs_of(const Options& options) {
  std::vector<std::string> words = options.algorithms, bits = options.bits;
  if (words.empty()) words = {"linear", "kmeans_lut"};
  if (bits.empty()) bits = {"8", "6", "5", "4"};
  std::vector<Run> runs;
  for (const std::string& word : words)
    for (const std::string& number : bits) {
      Run run{settings_of(word), {}, {}};
      run.settings.bits = bits_of(number, *find_algorithm(run.settings.algorithm));
      runs.push_back(std::move(run));
    }
  return runs;
}

void quantize_into(Run& run, Manifest manifest, const Source& source, const mlq::Graph& reference) {
  manifest.quantize.settings.value = run.settings;
  manifest.emit = {{"mlq", {}}};  // what other formats can hold is no question here
  run.artifact = write_artifact(manifest, source, quantize(reference, plan(reference, manifest)));
}

Times run_all(std::vector<Run>& runs, const Manifest& manifest, const Inputs& inputs, Progress& progress) {
  Times times;
  const mlq::Graph& reference = inputs.graph;
  double before = now();
  for (std::size_t i = 0; i < runs.size(); ++i) {
    progress.show("quantizing", i, runs.size());
    quantize_into(runs[i], manifest, inputs.source, reference);
  }
  times.quantize = now() - before;
  std::vector<ModelMaker> candidates;
  for (const Run& run : runs)
    candidates.push_back([&run, &inputs](int threads) {
      return load_artifact({run.artifact, nullptr}, "a candidate", threads, inputs.classes);
    });
  before = now();
  // What has passed since the last sample belongs to the model that runs, its loading too.
  const auto show = [&](std::size_t model, std::size_t done, std::size_t total) {
    const double after = now();
    (model == 0 ? times.reference : times.candidates) += after - std::exchange(before, after);
    progress.show("validating", done, total);
  };
  std::vector<Measured> measured = measure_all([&](int threads) { return load_graph(reference, threads); },
                                               candidates, *inputs.samples, show);
  for (std::size_t i = 0; i < runs.size(); ++i) runs[i].measured = std::move(measured[i]);
  return times;
}

// The first sample's pictures, from float to the fewest bits: one strip per algorithm.
Json strips_of(const std::vector<Run>& runs, const Inputs& inputs) {
  Json strips = Json::array();
  if (!picture_output(inputs.graph)) return strips;
  std::optional<PictureRange> range;
  const auto draw = [&](const mlq::Model& model, int bits, std::size_t bytes) {
    const std::string uri = first_picture(model, *inputs.samples, range);
    return Json{{"bits", bits}, {"bytes", bytes}, {"uri", uri}};
  };
  const Json first = draw(load_graph(inputs.graph, threads()), 32, inputs.source.bytes.bytes.size());
  std::string last;
  for (const Run& run : runs) {
    const std::string name = fmt::format("{} {}", run.settings.algorithm, granularity_text(run.settings));
    if (name != std::exchange(last, name))
      strips.push_back({{"algorithm", name}, {"pictures", Json::array({first})}});
    strips.back()["pictures"].push_back(
        draw(load_artifact({run.artifact, nullptr}, "a candidate", threads(), inputs.classes),
             run.settings.bits, run.artifact.size()));
  }
  return strips;
}

Json run_json(const Run& run) {
  Report report;
  report.outputs = run.measured.outputs;
  for (auto& [output, figures] : report.outputs)
    for (auto& [metric, figure] : figures) figure.samples.clear();  // a sweep is about settings
  return {{"algorithm", run.settings.algorithm},
          {"bits", run.settings.bits},
          {"granularity", granularity_text(run.settings)},
          {"bytes", run.artifact.size()},
          {"outputs", Json::parse(to_json(report))["outputs"]}};
}

Json sweep_json(const std::vector<Run>& runs, const Inputs& inputs, const std::string& name,
                const Times& times) {
  Json json = {
      {"schema", 1},
      {"model", name},
      {"source_bytes", inputs.source.bytes.bytes.size()},
      {"samples",
       {{"count", runs[0].measured.count},
        {"failed", runs[0].measured.failed.size()},
        {"sha256", inputs.samples->sha256}}},
      {"seconds",
       {{"quantize", times.quantize}, {"reference", times.reference}, {"candidates", times.candidates}}},
      {"runs", Json::array()}};
  for (const Run& run : runs) json["runs"].push_back(run_json(run));
  return json;
}

void print(const std::vector<Run>& runs) {
  for (const auto& [output, figures] : runs[0].measured.outputs)
    for (const std::string& metric : shown) {
      if (!figures.contains(metric)) continue;
      fmt::print("\n{} of '{}'\n{:<20} {:>4} {:<12} {:>12} {:>12}\n", metric, output, "algorithm", "bits",
                 "granularity", "bytes", metric.substr(0, 12));
      for (const Run& run : runs)
        fmt::print("{:<20} {:>4} {:<12} {:>12} {:>12.5g}\n", run.settings.algorithm, run.settings.bits,
                   run.settings.granularity.empty() ? "default" : granularity_text(run.settings),
                   run.artifact.size(), run.measured.outputs.at(output).at(metric).value);
    }
}

std::string page_of(Json json, const std::vector<Run>& runs, const Inputs& inputs) {
  std::vector<std::string> higher;
  for (const Metric& metric : metrics())
    if (metric.higher_is_better) higher.emplace_back(metric.name);
  json["shown"] = shown;
  json["higher"] = higher;
  json["strips"] = strips_of(runs, inputs);
  return html_page("sweep", "sweep of " + json["model"].get<std::string>(),
                   json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace

Exit run_sweep(const Options& options) {
  const Manifest manifest = parse_manifest(options.arguments[0]);
  std::vector<Run> runs = runs_of(options);
  if (!manifest.samples)
    throw Error(Exit::usage, {{manifest.file.string()},
                              "a sweep needs samples",
                              "MLQ209",
                              "add 'validate: { samples: { images: FOLDER } }'",
                              {}});
  const Inputs inputs = read_inputs(manifest, load_plugins(options.plugins));
  Times times;
  {
    Progress progress(options.progress, "sweep");
    times = run_all(runs, manifest, inputs, progress);
  }
  const Json json = sweep_json(runs, inputs, output_name(options), times);
  fmt::print("{} samples; float {:.2f} s, {} candidates {:.2f} s, quantizing {:.2f} s\n",
             runs[0].measured.count, times.reference, runs.size(), times.candidates, times.quantize);
  print(runs);
  if (!options.json.empty())
    write_if_changed(options.json, json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  if (!options.html.empty()) write_if_changed(options.html, page_of(json, runs, inputs));
  return Exit::good;
}

}  // namespace mlqc
