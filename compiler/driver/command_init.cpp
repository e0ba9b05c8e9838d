#include <fmt/format.h>

#include <algorithm>

#include "compiler/driver/commands.h"
#include "compiler/driver/values.h"
#include "compiler/frontends/frontend.h"
#include "compiler/manifest/manifest.h"
#include "compiler/support/bytes.h"
#include "compiler/validate/image_input.h"

namespace mlqc {

namespace fs = std::filesystem;

namespace {

// A double-quoted YAML scalar.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string described(const std::vector<mlq::Feature>& features, const char* title) {
  std::string text;
  for (const mlq::Feature& f : features) {
    // Names come from the model: a line break in one must not leave the comment.
    std::string name = f.name;
    std::ranges::replace_if(
        name, [](unsigned char c) { return c < 32; }, '?');
    text += fmt::format("#   {} {}: {} {}\n", title, name, word_of(f.kind), mlq::to_string(f.shape));
  }
  return text;
}

bool has(const mlq::Graph& graph, mlq::FeatureKind kind, const std::vector<mlq::Feature>& features) {
  (void)graph;
  return std::ranges::any_of(features, [&](const mlq::Feature& f) { return f.kind == kind; });
}

// Random numbers do for a start; real inputs are better.
std::string samples_lines(const mlq::Graph& graph) {
  const std::string photographs = "  # samples: { images: photos, limit: 256 }\n";
  std::string better = "a folder of .npy files with real inputs.\n  # samples: { tensors: samples }\n";
  if (graph.inputs.size() == 1 && graph.inputs[0].kind == mlq::FeatureKind::image)
    better = "a folder of photographs as the app will see them.\n" + photographs;
  else if (graph.inputs.size() == 1 && is_nhwc(graph.inputs[0]))
    better = fmt::format(
        "a folder of photographs, if it takes pictures; scale and bias as it was trained:\n"
        "  # interface: {{ inputs: {{ {}: {{ as: image, layout: nhwc, scale: 1, bias: 0 }} }} }}\n{}",
        quoted(graph.inputs[0].name), photographs);
  return "  # Better: " + better + "  samples: { random: 64 }\n";
}

std::string manifest_for(const mlq::Graph& graph, const std::string& model, const std::string& name) {
  const bool scores = has(graph, mlq::FeatureKind::scores, graph.outputs);
  std::string text = "# yaml-language-server: $schema=mlq.schema.json\n# What is in the model:\n";
  text += described(graph.inputs, "input") + described(graph.outputs, "output");
  text += fmt::format("schema: 1\nmodel:\n  file: {}\n\n", quoted(model));
  text +=
      "quantize:\n  algorithm: kmeans_lut # or linear, linear_symmetric, linear_lut\n  bits: 8 # 1 to 8, 16 "
      "for half floats\n";
  text +=
      "  # layers: # exceptions by layer name, the first that matches wins\n  #   - { match: \"conv1*\", "
      "bits: 16, reason: \"costs most\" }\n\n";
  text += "validate:\n" + samples_lines(graph) + "\n";
  text += "gate:\n";
  if (scores)
    text += "  - { metric: top1_agreement, at_least: 0.95 }\n";
  else
    for (const mlq::Feature& f : graph.outputs)
      if (f.kind != mlq::FeatureKind::label)
        text += fmt::format("  - {{ output: {}, metric: snr_db, at_least: 20 }}\n", quoted(f.name));
  text +=
      "  # - { metric: size, at_most: 1.4 MiB }\n  # With a baseline, also what got worse: max_drop: 0.005\n";
  text += fmt::format("# baseline: baselines/{}.json # written by 'mlqc accept'\n", name);
  return text;
}

// Beside the model, as users keep them.
fs::path default_file(const fs::path& model) {
  std::string stem = model.stem().string();
  std::ranges::transform(stem, stem.begin(), [](unsigned char c) { return std::tolower(c); });
  return model.parent_path() / (stem + ".mlq.yaml");
}

}  // namespace

Exit run_init(const Options& options) {
  const fs::path model = options.arguments[0];
  const fs::path file = options.out.empty() ? default_file(model) : options.out;
  std::error_code error;
  if (fs::exists(fs::symlink_status(file, error)))
    throw Error(Exit::usage,
                {{file.string()}, "this file exists already", "MLQ502", "name another one with -o", {}});
  const mlq::Graph graph = import_graph(read_source(model));
  const fs::path folder = fs::absolute(file).parent_path();
  const std::string text = manifest_for(graph, fs::absolute(model).lexically_relative(folder).string(),
                                        file.stem().stem().string());
  parse_manifest(file, text);  // what we write, we accept
  write_if_changed(file, text);
  fmt::print("wrote {}\n", file.string());
  return Exit::good;
}

}  // namespace mlqc
