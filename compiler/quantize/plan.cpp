#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <set>

#include "compiler/quantize/blocks.h"
#include "compiler/quantize/classes.h"
#include "compiler/quantize/custom_lut.h"
#include "compiler/quantize/quantize.h"
#include "compiler/quantize/weights.h"
#include "compiler/support/error.h"

namespace mlqc {

namespace {

constexpr int half = 16, keep = 32;
constexpr std::string_view granularities[] = {"per_tensor", "per_channel", "per_group", "per_block",
                                              "per_class"};

[[noreturn]] void fail(const Place& where, std::string code, std::string what, std::string hint) {
  throw Error(Exit::usage, {where, std::move(what), std::move(code), std::move(hint), {}});
}

// Settings and the places they come from.
struct Choice {
  QuantizeSettings settings;
  Place algorithm, bits, step, granularity, group_size, block_size;
};

Choice choice_for_all(const QuantizeSection& section) {
  return {section.settings,    section.algorithm,  section.bits,      section.step,
          section.granularity, section.group_size, section.block_size};
}

// A rule's granularity brings its own sizes, unless it is the section's.
void set_granularity(const LayerRule& rule, Choice& choice) {
  QuantizeSettings& settings = choice.settings;
  if (rule.granularity) {
    if (settings.granularity != rule.granularity->value) settings.group_size = settings.block_size = 0;
    settings.granularity = *rule.granularity;
    choice.granularity = rule.granularity->where;
  }
  if (rule.group_size) {
    settings.group_size = *rule.group_size;
    choice.group_size = rule.group_size->where;
  }
  if (rule.block_size) {
    settings.block_size = *rule.block_size;
    choice.block_size = rule.block_size->where;
  }
}

Choice choice_of(const LayerRule& rule, const QuantizeSection& section) {
  Choice choice = choice_for_all(section);
  // What a rule leaves open stands at the rule, not at the section: that is where the reader has to look.
  choice.algorithm = choice.bits = choice.step = rule.match.where;
  choice.granularity = choice.group_size = choice.block_size = rule.match.where;
  if (rule.algorithm) {
    choice.settings.algorithm = *rule.algorithm;
    choice.algorithm = rule.algorithm->where;
    // The section's granularity was for the section's algorithm, which may have another default.
    if (section.granularity.line == 0) choice.settings.granularity.clear();
    if (choice.settings.algorithm == "none" && !rule.bits) choice.settings.bits = keep;
  }
  if (!has_step(choice.settings.algorithm)) choice.settings.step = 0;
  if (rule.step) {
    choice.settings.step = *rule.step;
    choice.step = rule.step->where;
  }
  // It has a step; what the section says of bits is about other algorithms.
  if (rule.algorithm && has_step(rule.algorithm->value)) choice.settings.bits = 8;
  if (rule.bits) {
    choice.settings.bits = *rule.bits;
    choice.bits = rule.bits->where;
  }
  set_granularity(rule, choice);
  return choice;
}

std::vector<std::string> algorithm_names() {
  std::vector<std::string> names = {"none"};
  for (const Algorithm& algorithm : algorithms()) names.emplace_back(algorithm.name);
  names.emplace_back("custom_lut");
  names.emplace_back("uniform");
  names.emplace_back("trellis");
  return names;
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& words) {
  const std::string near = nearest(word, words);
  return near.empty() ? "" : fmt::format("did you mean '{}'?", near);
}

// What an emitted format cannot hold, in its own words; "" where it can. `holds`: what to say instead.
struct Format {
  std::string_view name;
  std::string (*refusal)(bool table, const std::string& granularity);
  const char* (*holds)(bool table);
};

bool is_table(const Algorithm& algorithm) { return algorithm.name.ends_with("_lut"); }

std::string anything(bool, const std::string&) { return ""; }
const char* nothing_else(bool) { return ""; }

// NeuralNetwork.proto: WeightParams have one table, or one scale for all or for each output channel.
std::string no_coreml(bool table, const std::string& granularity) {
  if (granularity == "per_tensor" || granularity == "per_class") return "";
  if (granularity == "per_channel" && !table) return "";
  const char* what = granularity == "per_channel" ? "channel"
                     : granularity == "per_group" ? "group of channels"
                                                  : "block of weights";
  return fmt::format("one {} for each {}", table ? "table" : "scale", what);
}

constexpr Format formats[] = {
    {"mlq", anything, nothing_else},
    {"coreml", no_coreml,
     [](bool table) {
       return table ? "say 'granularity: per_tensor'" : "say 'granularity: per_channel' or 'per_tensor'";
     }},
    {"onnx", anything, nothing_else},
};

std::string formats_that_hold(bool table, const std::string& granularity) {
  std::string names;
  for (const Format& format : formats)
    if (format.refusal(table, granularity).empty())
      names += (names.empty() ? "" : ", ") + std::string(format.name);
  return names;
}

void check_formats(const Choice& choice, const Algorithm& algorithm, const Manifest& manifest) {
  const bool table = is_table(algorithm);
  const std::string& granularity = choice.settings.granularity;
  for (const At<std::string>& emit : manifest.emit)
    for (const Format& format : formats) {
      if (format.name != emit.value) continue;
      const std::string refusal = format.refusal(table, granularity);
      if (refusal.empty()) continue;
      const Place& where = choice.granularity.line ? choice.granularity : emit.where;
      fail(where, "MLQ133", fmt::format("the format '{}' cannot hold {}", format.name, refusal),
           fmt::format("{}, or emit only: {}", format.holds(table), formats_that_hold(table, granularity)));
    }
}

// A size goes with its granularity, and the other way round.
void check_size(const Choice& choice, const std::string& granularity, const std::string& key, int size,
                const Place& where) {
  const bool asked = choice.settings.granularity == granularity;
  if (size != 0 && !asked)
    fail(where, "MLQ131", fmt::format("'{}' goes with 'granularity: {}'", key, granularity),
         fmt::format("say 'granularity: {}', or leave '{}' out", granularity, key));
  if (size < 1 && asked)
    fail(choice.granularity, "MLQ131", fmt::format("'{}' needs '{}'", granularity, key),
         fmt::format("for example '{}: {}'", key, granularity == "per_group" ? 16 : 32));
}

void check_step(const Choice& choice, const Algorithm& algorithm, const std::string& storage) {
  const bool stepped = has_step(algorithm.name);
  if (stepped && choice.settings.step == 0)
    fail(choice.algorithm, "MLQ131", fmt::format("'algorithm: {}' needs 'step'", algorithm.name),
         "give for example 'step: 0.25'");
  if (stepped && choice.settings.bits < 8)
    fail(choice.bits, "MLQ131", fmt::format("'{}' has a 'step', not bits", algorithm.name), "remove 'bits'");
  if (!stepped && choice.settings.step != 0)
    fail(choice.step, "MLQ131", fmt::format("'{}' has 2^bits levels and no 'step'", algorithm.name),
         "'step' goes with 'algorithm: uniform' and 'trellis'");
  if (algorithm.name == "trellis" && storage != "coded")
    fail(choice.algorithm, "MLQ131",
         "'trellis' saves a bit of each weight that only coded weights can leave out",
         "say 'storage: coded', or 'algorithm: uniform'");
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
  if (algorithm->name == "custom_lut" && !has_custom_lut())
    fail(choice.algorithm, "MLQ314", "the function of 'custom_lut' has no code",
         "give its source to the build, mlq_add_model(... QUANTIZERS file.cpp), or the built module to mlqc, "
         "--plugin FILE");
  check_step(choice, *algorithm, manifest.quantize.storage);
  if (settings.bits < algorithm->min_bits || settings.bits > algorithm->max_bits)
    fail(choice.bits, "MLQ131", fmt::format("'{}' has no {} bits", algorithm->name, settings.bits),
         fmt::format("it has {} to {}; 16 are half floats, 32 keep the weights", algorithm->min_bits,
                     algorithm->max_bits));
  if (settings.granularity.empty()) settings.granularity = algorithm->default_granularity;
  if (std::ranges::find(granularities, settings.granularity) == std::end(granularities))
    fail(choice.granularity, "MLQ131", fmt::format("there is no granularity '{}'", settings.granularity),
         fmt::format("one of {}", fmt::join(granularities, ", ")));
  if (settings.granularity == "per_class" && !has_step(algorithm->name))
    fail(choice.granularity, "MLQ131", fmt::format("'{}' has no granularity 'per_class'", algorithm->name),
         "it goes with 'algorithm: uniform' and 'trellis'");
  check_size(choice, "per_group", "group_size", settings.group_size, choice.group_size);
  check_size(choice, "per_block", "block_size", settings.block_size, choice.block_size);
  if (settings.rounding != "nearest" && settings.rounding != "compensated")
    fail(manifest.quantize.rounding, "MLQ131", fmt::format("no rounding '{}'", settings.rounding),
         "say 'rounding: nearest' or 'rounding: compensated'");
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

// What compensation leaves as halves: see to_levels. An even table is no line for those who store it.
bool has_halves(const QuantizeSettings& settings, const Algorithm& algorithm) {
  if (settings.rounding != "compensated") return false;
  return algorithm.fit == Fit::free || (algorithm.fit == Fit::affine && !is_table(algorithm));
}

// Why a tensor stays as it is; "" when it does not. `beside_halves`: a weight of its layer becomes half
// floats.
std::string kept_because(const Constant& constant, const mlq::Tensor& tensor, const TensorPlan& plan,
                         bool beside_halves) {
  const QuantizeSettings& settings = plan.settings;
  const auto count = static_cast<std::size_t>(mlq::element_count(tensor.shape).value_or(0));
  if (settings.bits == keep) return "the manifest keeps it";
  if (count == 0) return "it has no elements";
  if (!constant.weight) {
    // Core ML's formats have weights and bias of a layer both as floats or both as half floats.
    if (!beside_halves) return tensor.shape.size() < 2 ? "it is a vector" : "no layer multiplies by it";
    if (tensor.quantization) return "it is quantized already";
  }
  if (settings.bits == half && tensor.type == mlq::DataType::float16) return "it holds half floats already";
  const std::size_t now = bytes_now(tensor, count), then = packed_bytes(tensor, plan);
  if (then >= now) return fmt::format("it would not shrink: {} bytes now, {} then", now, then);
  return "";
}

// What holds for layers: the rules in their order, then what is said for all.
struct Choices {
  Choices(const Manifest& manifest) : section(manifest.quantize) {
    const Choice for_all = checked(choice_for_all(section), manifest);
    for (const LayerRule& rule : section.layers) list.push_back(checked(choice_of(rule, section), manifest));
    list.push_back(for_all);
  }

  std::size_t of(const std::string& layer) const {
    std::size_t i = 0;
    while (i < section.layers.size() && !matches(section.layers[i], layer)) ++i;
    return i;
  }

  const QuantizeSection& section;
  std::vector<Choice> list;
};

// A size beyond what any layer of its rule has, or of the model for all, was meant for another axis, or is
// mistyped.
void check_reach(const mlq::Graph& graph, const std::vector<Constant>& constants, const Choices& choices) {
  std::vector<std::int64_t> most_out(choices.list.size()), most_in(choices.list.size());
  for (const Constant& constant : constants) {
    if (!constant.weight) continue;
    const mlq::Shape& shape = graph.tensors[static_cast<std::size_t>(constant.tensor)].shape;
    for (const std::size_t i : {choices.of(constant.layer), choices.list.size() - 1}) {
      most_out[i] = std::max(most_out[i], shape[static_cast<std::size_t>(constant.axis)]);
      most_in[i] = std::max(most_in[i], shape[static_cast<std::size_t>(constant.input_axis)]);
    }
  }
  for (std::size_t i = 0; i < choices.list.size(); ++i) {
    const Choice& choice = choices.list[i];
    const auto check = [](int size, std::int64_t most, const char* axis, const Place& where) {
      if (most > 0 && size > most)
        fail(where, "MLQ131", fmt::format("no layer has {} {} channels: the most are {}", size, axis, most),
             fmt::format("give at most {}", most));
    };
    check(choice.settings.group_size, most_out[i], "output", choice.group_size);
    check(choice.settings.block_size, most_in[i], "input", choice.block_size);
  }
}

// What of algorithms with a step depends on the layer.
void check_levels(const TensorPlan& entry, const mlq::Graph& graph, const Choice& choice,
                  const Manifest& manifest) {
  if (!has_step(entry.settings.algorithm)) return;
  if (entry.settings.granularity == "per_class") {
    const std::optional<ClassLayer> classes = class_layer(graph);
    if (!classes || classes->weights != entry.tensor)
      fail(choice.granularity, "MLQ131",
           fmt::format("the output channels of '{}' are no classes", entry.layer),
           "'per_class' is for the layer right before the scores");
  }
  for (const At<std::string>& emit : manifest.emit)
    if (emit.value != "mlq" && is_wide(graph.tensors[static_cast<std::size_t>(entry.tensor)], entry))
      fail(choice.step, "MLQ133",
           fmt::format("the format '{}' holds 256 levels, and '{}' has more at this step", emit.value,
                       entry.layer),
           "give a wider 'step', or emit only: mlq");
}

}  // namespace

std::size_t packed_bytes(const mlq::Tensor& tensor, const TensorPlan& plan) {
  const QuantizeSettings& settings = plan.settings;
  const auto count = static_cast<std::size_t>(mlq::element_count(tensor.shape).value_or(0));
  if (settings.bits == half) return 2 * count;
  const Algorithm& algorithm = *find_algorithm(settings.algorithm);
  const std::size_t groups = mlq::group_count(tensor.shape, blocks_of(plan, tensor.shape)).value_or(0);
  const std::size_t numbers = is_table(algorithm) ? std::size_t{1} << settings.bits : 2;
  const std::size_t each = has_halves(settings, algorithm) ? half / 8 : sizeof(float);
  return (count * static_cast<std::size_t>(settings.bits) + 7) / 8 + groups * numbers * each;
}

QuantizationPlan plan(const mlq::Graph& graph, const Manifest& manifest) {
  const Choices choices(manifest);
  check_patterns(graph, manifest.quantize);
  const std::vector<Constant> constants = float_constants(graph);
  check_reach(graph, constants, choices);
  std::set<std::string> half_layers;
  for (const Constant& constant : constants)
    if (constant.weight && choices.list[choices.of(constant.layer)].settings.bits == half)
      half_layers.insert(constant.layer);
  QuantizationPlan result;
  for (const Constant& constant : constants) {
    TensorPlan entry{constant.tensor,    constant.layer, constant.op, constant.axis, {}, "",
                     constant.input_axis};
    const Choice& choice = choices.list[choices.of(constant.layer)];
    entry.settings = choice.settings;
    entry.kept_because = kept_because(constant, graph.tensors[static_cast<std::size_t>(constant.tensor)],
                                      entry, half_layers.contains(constant.layer));
    if (!entry.kept_because.empty()) entry.settings = {};
    check_levels(entry, graph, choice, manifest);
    result.push_back(std::move(entry));
  }
  return result;
}

}  // namespace mlqc
