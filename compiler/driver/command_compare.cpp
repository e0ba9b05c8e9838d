#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "compiler/driver/commands.h"
#include "compiler/driver/model_file.h"
#include "compiler/driver/page.h"
#include "compiler/driver/progress.h"
#include "compiler/plugins/plugins.h"
#include "compiler/support/bytes.h"
#include "compiler/validate/layerwise.h"
#include "compiler/validate/measure.h"

namespace mlqc {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void usage(const std::string& what, const std::string& hint) {
  throw Error(Exit::usage, {{}, what, "MLQ123", hint, {}});
}

bool is_tensor_folder(const fs::path& folder) {
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    if (it->path().extension() == ".npy") return true;
  return false;
}

// "random:N", a folder with .npy files, or a folder of images.
SamplesSection samples_section(const Options& options) {
  SamplesSection section;
  section.seed.value = options.seed;
  if (options.limit) section.limit = At<int>{options.limit, {}};
  const std::string& text = options.samples;
  if (text.starts_with("random:")) {
    int count = 0;
    const auto [end, error] = std::from_chars(text.data() + 7, text.data() + text.size(), count);
    if (error != std::errc() || end != text.data() + text.size() || count < 1)
      usage(fmt::format("'{}' is no number of random samples", text), "write for example random:64");
    section.random = At<int>{count, {}};
  } else if (is_tensor_folder(text)) {
    section.tensors = At<fs::path>{text, {}};
  } else {
    section.images = At<fs::path>{text, {}};
  }
  return section;
}

// Only the metrics that were asked for.
void select(Measured& measured, const std::vector<std::string>& wanted) {
  std::vector<std::string> known;
  for (const Metric& metric : metrics()) known.emplace_back(metric.name);
  for (const std::string& name : wanted)
    if (!find_metric(name)) {
      const std::string meant = nearest(name, known);
      usage(
          fmt::format("there is no metric '{}'", name),
          meant.empty() ? fmt::format("one of {}", fmt::join(known, ", ")) : "did you mean '" + meant + "'?");
    }
  if (wanted.empty()) return;
  for (auto& [output, figures] : measured.outputs)
    std::erase_if(
        figures, [&](const auto& figure) { return std::ranges::find(wanted, figure.first) == wanted.end(); });
}

void print(const Report& report, const ModelFile& a, const ModelFile& b) {
  fmt::print("A {} ({} bytes)\nB {} ({} bytes)\n{} samples\n\n", a.path, a.bytes, b.path, b.bytes,
             report.sample_count);
  fmt::print("{:<24} {:<16} {:>12}  {}\n", "output", "metric", "value", "95 % interval");
  for (const auto& [output, figures] : report.outputs)
    for (const auto& [metric, m] : figures) {
      const std::string interval =
          m.lower == m.upper ? "" : fmt::format("{:.4f} to {:.4f}", m.lower, m.upper);
      fmt::print("{:<24} {:<16} {:>12.6g}  {}\n", output, metric, m.value, interval);
    }
  for (const FailedSample& sample : report.failed) fmt::print("failed: {}: {}\n", sample.name, sample.why);
}

// The report's own words, so that one reader serves both.
nlohmann::ordered_json comparison_json(const Report& report, const ModelFile& a, const ModelFile& b) {
  const auto whole = nlohmann::ordered_json::parse(to_json(report));
  const auto model = [](const ModelFile& m) {
    return nlohmann::ordered_json{{"file", m.path}, {"sha256", m.sha256}, {"bytes", m.bytes}};
  };
  nlohmann::ordered_json json = {{"schema", 1},
                                 {"a", model(a)},
                                 {"b", model(b)},
                                 {"samples", whole["samples"]},
                                 {"outputs", whole["outputs"]}};
  return json;
}

constexpr double exact = 200;                // decibels of equal values
constexpr std::size_t samples_by_layer = 4;  // every value of every layer is kept for one sample at a time

const LayerDifference* first_difference(const std::vector<LayerDifference>& layers) {
  const auto found = std::ranges::find_if(layers, [](const LayerDifference& l) { return l.snr_db < exact; });
  return found == layers.end() ? nullptr : &*found;
}

const LayerDifference* largest_loss(const std::vector<LayerDifference>& layers) {
  const auto found = std::ranges::max_element(layers, {}, &LayerDifference::lost);
  return found == layers.end() || found->lost <= 0 ? nullptr : &*found;
}

void print(const std::vector<LayerDifference>& layers) {
  const LayerDifference *first = first_difference(layers), *worst = largest_loss(layers);
  fmt::print("\n{:<44} {:<18} {:>10} {:>10}\n", "layer", "operator", "SNR dB", "lost here");
  for (const LayerDifference& layer : layers)
    fmt::print("{:<44} {:<18} {:>10} {:>10}\n", layer.name, layer.op,
               layer.snr_db >= exact ? "equal" : fmt::format("{:.1f}", layer.snr_db),
               layer.lost > 0 ? fmt::format("{:.1f}", layer.lost) : "");
  if (first) fmt::print("they part at '{}'", first->name);
  if (worst) fmt::print("; '{}' adds most, {:.1f} dB below what it reads", worst->name, worst->lost);
  fmt::print("{}\n", first ? "" : "no layer differs");
}

void add_layers(nlohmann::ordered_json& json, const std::vector<LayerDifference>& layers) {
  const LayerDifference *first = first_difference(layers), *worst = largest_loss(layers);
  json["first"] = first ? nlohmann::ordered_json(first->name) : nlohmann::ordered_json();
  json["worst"] = worst ? nlohmann::ordered_json(worst->name) : nlohmann::ordered_json();
  json["worst_drop"] = worst ? worst->lost : 0;
  json["layers"] = nlohmann::ordered_json::array();
  for (const LayerDifference& layer : layers)
    json["layers"].push_back(
        {{"name", layer.name}, {"op", layer.op}, {"snr_db", layer.snr_db}, {"lost", layer.lost}});
}

}  // namespace

Exit run_compare(const Options& options) {
  const std::vector<mlq::CustomClass> classes = load_plugins(options.plugins).classes;
  const ModelFile a = open_model(options.arguments[0], classes);
  const ModelFile b = open_model(options.arguments[1], classes);
  const Samples samples = find_samples(samples_section(options), a.graph);
  Report report;
  {
    Progress progress(options.progress, "compare");
    Measured measured = measure(a.load, b.load, samples, [&](std::size_t done, std::size_t total) {
      progress.show("running", done, total);
    });
    select(measured, options.metrics);
    report.outputs = measured.outputs;
    report.rankings = measured.rankings;
    report.failed = measured.failed;
    report.sample_count = measured.count;
    report.samples_sha256 = samples.sha256;
  }
  print(report, a, b);
  nlohmann::ordered_json json = comparison_json(report, a, b);
  if (options.layers || !options.html.empty()) {
    const std::vector<LayerDifference> layers = compare_layers(a.graph, b.graph, samples, samples_by_layer);
    print(layers);
    add_layers(json, layers);
  }
  const auto text = [&](int indent) {
    return json.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  };
  if (!options.json.empty()) write_if_changed(options.json, text(2));
  if (!options.html.empty()) write_if_changed(options.html, html_page("compare", "two models", text(-1)));
  if (report.sample_count == 0)
    throw Error(Exit::usage,
                {{options.samples},
                 "no sample could be run",
                 "MLQ210",
                 report.failed.empty() ? "" : report.failed[0].name + ": " + report.failed[0].why,
                 {}});
  return Exit::good;
}

}  // namespace mlqc
