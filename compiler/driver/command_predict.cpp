#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "compiler/driver/commands.h"
#include "compiler/driver/model_file.h"
#include "compiler/driver/values.h"
#include "compiler/plugins/plugins.h"
#include "compiler/support/bytes.h"
#include "compiler/support/parallel.h"
#include "compiler/validate/npy.h"
#include "compiler/validate/samples.h"
#include "mlq/scores.h"

namespace mlqc {

using Json = nlohmann::ordered_json;
using Pairs = std::vector<std::pair<std::string, std::string>>;

namespace {

constexpr std::size_t shown = 5;

[[noreturn]] void usage(const std::string& what, const std::string& hint) {
  throw Error(Exit::usage, {{}, what, "MLQ123", hint, {}});
}

// The feature of that name, else at that position.
std::size_t find_feature(const std::vector<mlq::Feature>& features, const std::string& name,
                         const char* kind) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < features.size(); ++i) {
    if (features[i].name == name) return i;
    names.push_back(features[i].name);
  }
  std::size_t position = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), position);
  if (error == std::errc() && end == name.data() + name.size() && position < features.size()) return position;
  const std::string meant = nearest(name, names);
  usage(fmt::format("the model has no {} '{}'", kind, name),
        meant.empty() ? fmt::format("it has {}", fmt::join(names, ", ")) : "did you mean '" + meant + "'?");
}

std::vector<mlq::Array> read_inputs(const mlq::Graph& graph, const Pairs& files) {
  std::vector<mlq::Array> inputs(graph.inputs.size());
  std::vector<bool> given(inputs.size());
  for (const auto& [name, file] : files) {
    const std::size_t i = find_feature(graph.inputs, name, "input");
    if (given[i]) usage(fmt::format("'{}' is given twice", graph.inputs[i].name), "");
    auto array = load_input(file, graph, i);
    if (!array) throw Error(Exit::usage, {{}, array.error(), "MLQ405", "", {}});
    inputs[i] = std::move(*array);
    given[i] = true;
  }
  for (std::size_t i = 0; i < given.size(); ++i)
    if (!given[i])
      usage(fmt::format("nothing is given for '{}'", graph.inputs[i].name),
            fmt::format("add --input {}=FILE", graph.inputs[i].name));
  return inputs;
}

std::vector<mlq::Array> predict(const mlq::Model& model, const std::vector<mlq::Array>& inputs) {
  std::vector<mlq::View> views;
  for (const mlq::Array& input : inputs) views.push_back(input.view());
  auto outputs = model.predict(views);
  if (!outputs) throw Error(Exit::model, {{}, outputs.error(), "MLQ391", "", {}});
  return std::move(*outputs);
}

std::string label_of(const mlq::Graph& graph, double index) {
  const auto i = static_cast<std::size_t>(index);
  return i < graph.labels.size() ? graph.labels[i] : std::to_string(i);
}

void print(const mlq::Graph& graph, const mlq::Feature& output, const mlq::Array& array) {
  const std::vector<double> values = values_of(array);
  if (output.kind == mlq::FeatureKind::label && !values.empty())
    return fmt::print("{}: {}\n", output.name, label_of(graph, values[0]));
  fmt::print("{}: {} {} {}\n", output.name, word_of(output.kind), mlq::name_of(array.type),
             mlq::to_string(array.shape));
  if (output.kind == mlq::FeatureKind::scores && array.type == mlq::DataType::float32) {
    for (const std::size_t i : mlq::wrapper::greatest(array.floats(), shown))
      fmt::print("  {:<40} {:.6g}\n", label_of(graph, static_cast<double>(i)), values[i]);
    return;
  }
  for (std::size_t i = 0; i < std::min(values.size(), shown); ++i)
    fmt::print("  [{}] {:.6g}\n", i, values[i]);
  if (values.size() > shown) fmt::print("  and {} more\n", values.size() - shown);
}

Json to_json(const mlq::Graph& graph, const mlq::Feature& output, const mlq::Array& array) {
  const std::vector<double> values = values_of(array);
  Json json = {{"kind", word_of(output.kind)},
               {"type", mlq::name_of(array.type)},
               {"shape", array.shape},
               {"values", values}};
  if (output.kind == mlq::FeatureKind::label && !values.empty()) json["label"] = label_of(graph, values[0]);
  if (output.kind == mlq::FeatureKind::scores) json["labels"] = graph.labels;
  return json;
}

void save(const mlq::Graph& graph, const std::vector<mlq::Array>& outputs, const Options& options) {
  for (const auto& [name, file] : options.saves)
    write_if_changed(file, write_npy(outputs[find_feature(graph.outputs, name, "output")]));
  if (options.json.empty()) return;
  Json json = {{"schema", 1}, {"outputs", Json::object()}};
  for (std::size_t i = 0; i < outputs.size(); ++i)
    json["outputs"][graph.outputs[i].name] = to_json(graph, graph.outputs[i], outputs[i]);
  write_if_changed(options.json, json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace

Exit run_predict(const Options& options) {
  const ModelFile file = open_model(options.arguments[0], load_plugins(options.plugins).classes);
  const std::vector<mlq::Array> inputs = read_inputs(file.graph, options.inputs);
  for (const auto& [name, path] : options.saves) find_feature(file.graph.outputs, name, "output");
  const mlq::Model model = file.load(threads());
  const std::vector<mlq::Array> outputs = predict(model, inputs);
  for (std::size_t i = 0; i < outputs.size(); ++i) print(file.graph, file.graph.outputs[i], outputs[i]);
  save(file.graph, outputs, options);
  return Exit::good;
}

}  // namespace mlqc
