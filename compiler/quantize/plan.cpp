#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <set>

#include "compiler/quantize/custom_lut.h"
#include "compiler/quantize/quantize.h"
#include "compiler/quantize/weights.h"
#include "compiler/support/error.h"

namespace mlqc {

namespace {

constexpr int half = 16, keep = 32;

[[noreturn]] void fail(const Place& where, std::string code, std::string what, std::string hint) {
  throw Error(Exit::usage, {where, std::move(what), std::move(code), std::move(hint), {}});
}

// Settings and the places they come from.
struct Choice {
  QuantizeSettings settings;
  Place algorithm, bits, levels, granularity;
};

Choice choice_for_all(const QuantizeSection& section) {
  return {section.settings, section.algorithm, section.bits, section.levels, section.granularity};
}

Choice choice_of(const LayerRule& rule, const QuantizeSection& section) {
  Choice choice = choice_for_all(section);
  // What a rule leaves open stands at the rule, not at the section: that is where the reader has to look.
  choice.algorithm = choice.bits = choice.levels = choice.granularity = rule.match.where;
  if (rule.algorithm) {
    choice.settings.algorithm = *rule.algorithm;
    choice.algorithm = rule.algorithm->where;
    // The section's granularity was for the section's algorithm, which may have another default.
    if (section.granularity.line == 0) choice.settings.granularity.clear();
    if (choice.settings.algorithm == "none" && !rule.bits) choice.settings.bits = keep;
  }
  if (rule.algorithm || rule.bits) choice.settings.levels = 0;
  if (rule.levels) {
    choice.settings.levels = *rule.levels;
    choice.levels = rule.levels->where;
  }
  if (rule.bits) {
    choice.settings.bits = *rule.bits;
    choice.bits = rule.bits->where;
  }
  if (rule.granularity) {
    choice.settings.granularity = *rule.granularity;
    choice.granularity = rule.granularity->where;
  }
  return choice;
}

std::vector<std::string> algorithm_names() {
  std::vector<std::string> names = {"none"};
  for (const Algorithm& algorithm : algorithms()) names.emplace_back(algorithm.name);
  names.emplace_back("custom_lut");
  return names;
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& words) {
  const std::string near = nearest(word, words);
  return near.empty() ? "" : fmt::format("did you mean '{}'?", near);
}

// What an emitted format cannot hold, in its own words; "" where it can.
struct Format {
  std::string_view name;
  const char* (*refusal)(const Algorithm& algorithm, const QuantizeSettings& settings);
};

bool is_table(const Algorithm& algorithm) { return algorithm.name.ends_with("_lut"); }

constexpr Format formats[] = {
    {"mlq", [](const Algorithm&, const QuantizeSettings&) { return ""; }},
    {"coreml",
     [](const Algorithm& algorithm, const QuantizeSettings& settings) {
       return is_table(algorithm) && settings.granularity == "per_channel" ? "one table for each channel"
                                                                           : "";
     }},
    {"onnx", [](const Algorithm&, const QuantizeSettings&) { return ""; }},
};

std::string formats_that_hold(const Algorithm& algorithm, const QuantizeSettings& settings) {
  std::string names;
  for (const Format& format : formats)
    if (!*format.refusal(algorithm, settings))
      names += (names.empty() ? "" : ", ") + std::string(format.name);
  return names;
}

void check_formats(const Choice& choice, const Algorithm& algorithm, const Manifest& manifest) {
  for (const At<std::string>& emit : manifest.emit)
    for (const Format& format : formats) {
      if (format.name != emit.value) continue;
      const char* refusal = format.refusal(algorithm, choice.settings);
      if (!*refusal) continue;
      const Place& where = choice.granularity.line ? choice.granularity : emit.where;
      fail(where, "MLQ133", fmt::format("the format '{}' cannot hold {}", format.name, refusal),
           fmt::format("say 'granularity: per_tensor', or emit only: {}",
                       formats_that_hold(algorithm, choice.settings)));
    }
}

void check_levels(const Choice& choice, const Algorithm& algorithm) {
  const int levels = choice.settings.levels;
  if (levels == 0) return;
  if (algorithm.name != "linear")
    fail(choice.levels, "MLQ131", fmt::format("'{}' has 2^bits levels", algorithm.name),
         "'levels' goes with 'algorithm: linear'");
  if (levels > 1 << choice.settings.bits)
    fail(choice.levels, "MLQ131",
         fmt::format("{} bits hold {} levels", choice.settings.bits, 1 << choice.settings.bits),
         "give more bits or fewer levels");
}

// Fills the granularity in. Half floats and kept weights need no algorithm.
Choice checked(Choice choice, const Manifest& manifest) {
  QuantizeSettings& settings = choice.settings;
  const Algorithm* algorithm = find_algorithm(settings.algorithm);
  if (!algorithm && settings.algorithm != "none")
    fail(choice.algorithm, "MLQ131", fmt::format("no algorithm '{}'", settings.algorithm),
         did_you_mean(settings.algorithm, algorithm_names()));
  if (settings.bits == half || settings.bits == keep) return choice;
  if (!algorithm)
    fail(choice.bits, "MLQ131", fmt::format("{} bits need an algorithm", settings.bits),
         "give 'algorithm', for example kmeans_lut");
  if (!algorithm->quantize && !has_custom_lut())
    fail(choice.algorithm, "MLQ314", "the function of 'custom_lut' has no code",
         "give its source to the build, mlq_add_model(... QUANTIZERS file.cpp), or the built module to mlqc, "
         "--plugin FILE");
  if (settings.bits < algorithm->min_bits || settings.bits > algorithm->max_bits)
    fail(choice.bits, "MLQ131", fmt::format("'{}' has no {} bits", algorithm->name, settings.bits),
         fmt::format("it has {} to {}; 16 are half floats, 32 keep the weights", algorithm->min_bits,
                     algorithm->max_bits));
  if (settings.granularity.empty()) settings.granularity = algorithm->default_granularity;
  const bool known = settings.granularity == "per_channel"  ? algorithm->per_channel
                     : settings.granularity == "per_tensor" ? algorithm->per_tensor
                                                            : false;
  if (!known)
    fail(choice.granularity, "MLQ131",
         fmt::format("'{}' has no granularity '{}'", algorithm->name, settings.granularity),
         fmt::format("it has{}{}", algorithm->per_tensor ? " per_tensor" : "",
                     algorithm->per_channel ? " per_channel" : ""));
  if (settings.rounding != "nearest" && settings.rounding != "compensated")
    fail(manifest.quantize.rounding, "MLQ131", fmt::format("no rounding '{}'", settings.rounding),
         "say 'rounding: nearest' or 'rounding: compensated'");
  check_levels(choice, *algorithm);
  check_formats(choice, *algorithm, manifest);
  return choice;
}

bool matches(const LayerRule& rule, const std::string& layer) {
  return fnmatch(rule.match->c_str(), layer.c_str(), 0) == 0;
}

// A rule that is about no layer is a mistake, most often one of spelling.
void check_patterns(const mlq::Graph& graph, const QuantizeSection& section) {
  std::set<std::string> layers;
  for (const mlq::Node& node : graph.nodes) layers.insert(node.name);
  for (const LayerRule& rule : section.layers) {
    const auto matching = [&](const std::string& layer) { return matches(rule, layer); };
    if (std::any_of(layers.begin(), layers.end(), matching)) continue;
    const std::string meant = did_you_mean(rule.match, {layers.begin(), layers.end()});
    fail(rule.match.where, "MLQ132", fmt::format("'{}' matches no layer of the model", rule.match.value),
         meant.empty() ? "'mlqc inspect MODEL' lists the layers" : meant);
  }
}

// Bytes of the data and of what explains them. A tensor that its source has quantized counts as the floats it
// stands for: the manifest asks for other numbers, not only for smaller ones.
std::size_t bytes_now(const mlq::Tensor& tensor, std::size_t count) {
  return tensor.quantization ? count * sizeof(float) : tensor.data->bytes.size();
}

std::size_t bytes_then(const mlq::Tensor& tensor, std::size_t count, const QuantizeSettings& settings,
                       int axis) {
  if (settings.bits == half) return 2 * count;
  const std::size_t groups = settings.granularity == "per_channel"
                                 ? static_cast<std::size_t>(tensor.shape[static_cast<std::size_t>(axis)])
                                 : 1;
  const std::size_t parameters =
      is_table(*find_algorithm(settings.algorithm)) ? std::size_t{1} << settings.bits : 2;
  return (count * static_cast<std::size_t>(settings.bits) + 7) / 8 + groups * parameters * sizeof(float);
}

// Why a tensor stays as it is; "" when it does not. `beside_halves`: a weight of its layer becomes half
// floats.
std::string kept_because(const Constant& constant, const mlq::Tensor& tensor,
                         const QuantizeSettings& settings, bool beside_halves) {
  const auto count = static_cast<std::size_t>(mlq::element_count(tensor.shape).value_or(0));
  if (settings.bits == keep) return "the manifest keeps it";
  if (count == 0) return "it has no elements";
  if (!constant.weight) {
    // Core ML's formats have weights and bias of a layer both as floats or both as half floats.
    if (!beside_halves) return tensor.shape.size() < 2 ? "it is a vector" : "no layer multiplies by it";
    if (tensor.quantization) return "it is quantized already";
  }
  if (settings.bits == half && tensor.type == mlq::DataType::float16) return "it holds half floats already";
  const std::size_t now = bytes_now(tensor, count), then = bytes_then(tensor, count, settings, constant.axis);
  if (then >= now) return fmt::format("it would not shrink: {} bytes now, {} then", now, then);
  return "";
}

const Choice& chosen(const std::string& layer, const QuantizeSection& section, const Choice& for_all,
                     const std::vector<Choice>& by_rule) {
  for (std::size_t i = 0; i < by_rule.size(); ++i)
    if (matches(section.layers[i], layer)) return by_rule[i];
  return for_all;
}

}  // namespace

QuantizationPlan plan(const mlq::Graph& graph, const Manifest& manifest) {
  const QuantizeSection& section = manifest.quantize;
  const Choice for_all = checked(choice_for_all(section), manifest);
  std::vector<Choice> by_rule;
  for (const LayerRule& rule : section.layers) by_rule.push_back(checked(choice_of(rule, section), manifest));
  check_patterns(graph, section);

  const std::vector<Constant> constants = float_constants(graph);
  std::set<std::string> half_layers;
  for (const Constant& constant : constants)
    if (constant.weight && chosen(constant.layer, section, for_all, by_rule).settings.bits == half)
      half_layers.insert(constant.layer);
  QuantizationPlan result;
  for (const Constant& constant : constants) {
    TensorPlan entry{constant.tensor, constant.layer, constant.op, constant.axis, {}, ""};
    const QuantizeSettings& settings = chosen(constant.layer, section, for_all, by_rule).settings;
    entry.kept_because = kept_because(constant, graph.tensors[static_cast<std::size_t>(constant.tensor)],
                                      settings, half_layers.contains(constant.layer));
    if (entry.kept_because.empty()) entry.settings = settings;
    result.push_back(std::move(entry));
  }
  return result;
}

}  // namespace mlqc
