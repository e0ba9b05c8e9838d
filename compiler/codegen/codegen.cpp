#include "compiler/codegen/codegen.h"

#include <fmt/format.h>

#include <charconv>
#include <kainjow/mustache.hpp>
#include <limits>

#include "compiler/codegen/custom.h"
#include "compiler/codegen/features.h"
#include "compiler/codegen/names.h"
#include "compiler/codegen/templates.h"
#include "compiler/codegen/text.h"
#include "mlq/version.h"

namespace mlqc {

namespace {

using kainjow::mustache::data;
using kainjow::mustache::mustache;

data lines_of(const std::string& text) {
  data lines{data::type::list};
  for (const std::string& line : comment_lines(text)) {
    lines << data{"line", line.empty() ? line : " " + line};
  }
  return lines;
}

// The model's own words first, then what the type does not say, then the name where C++ cannot say it.
std::string feature_doc(const mlq::Feature& feature, const mlq::Graph& graph, const std::string& field,
                        bool is_input) {
  std::string doc = feature.description.empty() ? "" : feature.description + "\n";
  doc += type_sentence(feature, graph, is_input);
  if (field != feature.name) doc += "\nthe model calls it " + string_literal(feature.name);
  return doc;
}

std::optional<int> top_k_of(const mlq::Feature& feature,
                            const std::map<std::string, At<FeatureSection>>& sections) {
  const auto section = sections.find(feature.name);
  if (section == sections.end() || !section->second.value.top_k) return {};
  const At<int>& top_k = *section->second.value.top_k;
  if (feature.kind == mlq::FeatureKind::scores) return top_k.value;
  throw Error(Exit::usage, {top_k.where,
                            fmt::format("'{}' has no scores of which there could be a top", feature.name),
                            "MLQ166",
                            "remove `top_k`, or move it to the output with the scores",
                            {}});
}

data features_of(const mlq::Graph& graph, const Manifest& manifest, bool is_input) {
  const auto& features = is_input ? graph.inputs : graph.outputs;
  const auto& sections = is_input ? manifest.interface.inputs : manifest.interface.outputs;
  const auto names = field_names(features, manifest, sections, is_input ? "input" : "output");
  const Labels labels = labels_of(graph);
  data list{data::type::list};
  for (std::size_t i = 0; i < features.size(); ++i) {
    const mlq::Feature& feature = features[i];
    data item;
    item["field"] = names[i];
    item["type"] = is_input ? input_type(feature) : output_type(feature, labels);
    item["rank"] = std::to_string(feature_rank(feature, labels));
    item["info"] = feature_info(feature, labels);
    item["extra"] = take_arguments(feature, labels, top_k_of(feature, sections));
    item["doc"] = lines_of(feature_doc(feature, graph, names[i], is_input));
    list << item;
  }
  return list;
}

std::string integer_literal(const std::string& label) {
  std::int64_t value = 0;
  const auto [end, fault] = std::from_chars(label.data(), label.data() + label.size(), value);
  if (fault != std::errc{} || end != label.data() + label.size()) {
    throw Error(Exit::model,
                {{},
                 fmt::format("the model's label {} is no whole number of 64 bits", string_literal(label)),
                 "MLQ399",
                 "",
                 {}});
  }
  // C++ has no literal for the least number, only for its successor.
  if (value == std::numeric_limits<std::int64_t>::min()) return fmt::format("-{} - 1", -(value + 1));
  return std::to_string(value);
}

data labels_data(const mlq::Graph& graph) {
  data list{data::type::list};
  for (const std::string& label : graph.labels) {
    const std::string literal = graph.integer_labels
                                    ? integer_literal(label)
                                    : fmt::format("{{{}, {}}}", string_literal(label), label.size());
    list << data{"literal", literal};
  }
  return list;
}

void add_custom_layers(data& values, const Manifest& manifest) {
  data headers{data::type::list}, classes{data::type::list};
  for (const std::string& header : custom_headers(manifest)) headers << data{"header", header};
  for (const CustomType& custom : custom_types(manifest)) {
    data item;
    item["type"] = custom.type;
    item["literal"] = string_literal(custom.name);
    classes << item;
  }
  values["has_custom"] = !manifest.custom_layers.empty();
  values["headers"] = std::move(headers);
  values["classes"] = std::move(classes);
}

// In a plugin only: apps do not measure.
void add_metrics(data& values, const Manifest& manifest) {
  data headers{data::type::list}, metrics{data::type::list};
  for (const std::string& header : metric_headers(manifest)) headers << data{"header", header};
  for (const OwnMetricSection& metric : manifest.metrics) {
    data item;
    item["function"] = global_name(metric.function.value);
    item["literal"] = string_literal(metric.name.value);
    metrics << item;
  }
  values["has_metrics"] = !manifest.metrics.empty();
  values["metric_headers"] = std::move(headers);
  values["metrics"] = std::move(metrics);
}

void add_quantizer(data& values, const Manifest& manifest) {
  if (!manifest.quantize.function) return;
  const std::string& name = manifest.quantize.function->value;
  data item;
  item["function"] = global_name(name);
  item["literal"] = string_literal(name);
  values["quantizer"] = std::move(item);
}

void add_origin(data& values, const Manifest& manifest, const std::string& name) {
  values["version"] = fmt::format("{}.{}.{}", mlq::version_major, mlq::version_minor, mlq::version_patch);
  values["major"] = std::to_string(mlq::version_major);
  values["minor"] = std::to_string(mlq::version_minor);
  values["manifest"] = comment_lines(manifest.file.filename().string() + ".").front();
  values["name"] = name;
}

std::string class_doc(const mlq::Graph& graph, const std::string& class_name) {
  std::string doc;
  for (const auto& [key, value] : graph.metadata) {
    if (!value.empty()) doc += (key == "description" ? "" : key + ": ") + value + "\n";
  }
  return doc.empty() ? class_name + ", a neural network." : doc;
}

std::string render(std::string_view text, const data& values) {
  mustache renderer{std::string(text)};
  // The output is C++, not HTML.
  renderer.set_custom_escape([](const std::string& plain) { return plain; });
  std::string rendered = renderer.is_valid() ? renderer.render(values) : "";
  if (!renderer.is_valid()) throw Error(Exit::internal, {{}, renderer.error_message(), "MLQ901", "", {}});
  return rendered;
}

}  // namespace

Wrapper generate_wrapper(const mlq::Graph& graph, const Manifest& manifest, const std::string& name,
                         const std::string& interface_digest, const std::string& source_sha256) {
  const std::string class_word = class_name(manifest, name), space = name_space(manifest);
  data values;
  add_origin(values, manifest, name);
  add_custom_layers(values, manifest);
  values["class"] = class_word;
  if (!space.empty()) values["namespace"] = space;
  values["doc"] = lines_of(class_doc(graph, class_word));
  values["inputs"] = features_of(graph, manifest, true);
  values["outputs"] = features_of(graph, manifest, false);
  values["has_labels"] = labels_of(graph) != Labels::none;
  values["label_type"] = labels_of(graph) == Labels::integer ? "::std::int64_t" : "::std::string_view";
  values["labels"] = labels_data(graph);
  values["digest"] = interface_digest;
  values["source_sha256"] = source_sha256;
  return {render(header_template, values), render(source_template, values)};
}

std::string generate_plugin(const Manifest& manifest, const std::string& name) {
  if (manifest.custom_layers.empty() && manifest.metrics.empty() && !manifest.quantize.function)
    throw Error(Exit::usage,
                {{manifest.file.string()},
                 "the manifest names no code of its own, so there is nothing to make a plugin of",
                 "MLQ104",
                 "add 'custom_layers', 'validate: { metrics }' or 'quantize: { function }', or remove "
                 "CUSTOM_LAYERS, METRICS and QUANTIZERS from mlq_add_model",
                 {}});
  data values;
  add_origin(values, manifest, name);
  add_custom_layers(values, manifest);
  add_metrics(values, manifest);
  add_quantizer(values, manifest);
  return render(plugin_template, values);
}

}  // namespace mlqc
