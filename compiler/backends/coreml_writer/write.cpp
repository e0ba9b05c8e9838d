#include "compiler/backends/coreml_writer/write.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>

#include "compiler/backends/coreml_writer/rewrites.h"
#include "compiler/backends/coreml_writer/writer.h"
#include "compiler/frontends/coreml/model.pb.h"
#include "compiler/support/error.h"

namespace mlqc::coreml_writer {

namespace {

using Family = std::span<const Row> (*)();

constexpr Family families[] = {
    activation_rows,    arithmetic_rows, control_rows, custom_rows, dense_rows,
    normalization_rows, recurrent_rows,  search_rows,  shape_rows,  spatial_rows,
};

void collect_unknown(const mlq::Graph& graph, Diagnostic& diagnostic) {
  for (const mlq::Node& node : graph.nodes) {
    for (const auto& [key, value] : node.attributes)
      if (const auto* inner = std::get_if<std::shared_ptr<const mlq::Graph>>(&value))
        collect_unknown(**inner, diagnostic);
    if (find_row(node.op)) continue;
    std::string text = "a Core ML model cannot be written: layer '" + node.name + "' has the operator " +
                       node.op + ", which mlq has no layer for";
    if (diagnostic.what.empty())
      diagnostic.what = std::move(text);
    else
      diagnostic.notes.push_back(std::move(text));
  }
}

void check_supported(const Source& source, const mlq::Graph& graph) {
  Diagnostic diagnostic{{source.path.string()}, "", "MLQ502", "do not emit coreml", {}};
  collect_unknown(graph, diagnostic);
  if (!diagnostic.what.empty()) throw Error(Exit::usage, std::move(diagnostic));
}

bool is_classifier(const mlq::Graph& graph) {
  return !graph.labels.empty() &&
         std::any_of(graph.outputs.begin(), graph.outputs.end(), [](const auto& output) {
           return output.kind == mlq::FeatureKind::scores || output.kind == mlq::FeatureKind::label;
         });
}

void write_metadata(const mlq::Graph& graph, coreml::Metadata& to) {
  for (const auto& [key, value] : graph.metadata) {
    if (key == "description")
      to.set_short_description(value);
    else if (key == "version")
      to.set_version_string(value);
    else if (key == "author")
      to.set_author(value);
    else if (key == "license")
      to.set_license(value);
    else
      (*to.mutable_user_defined())[key] = value;
  }
}

// Outputs that are a node's result as it is are named after the feature at once; nothing else takes the names
// of the others.
void name_outputs(Writer& writer, const mlq::Graph& graph) {
  std::set<TensorId> named;
  for (const mlq::Feature& input : graph.inputs) named.insert(input.tensor);
  std::set<std::string> inputs;
  for (const mlq::Feature& input : graph.inputs) inputs.insert(input.name);
  for (const mlq::Feature& output : graph.outputs) writer.reserve(output.name);
  for (const mlq::Feature& output : graph.outputs) {
    const mlq::Tensor& tensor = writer.tensor(output.tensor);
    const bool plain = output.kind == mlq::FeatureKind::tensor || output.kind == mlq::FeatureKind::image;
    if (plain && tensor.shape == output.shape && !tensor.data && !inputs.count(output.name) &&
        named.insert(output.tensor).second)
      writer.name_blob(output.tensor, output.name);
  }
}

// Maps in the order of their keys: the same graph gives the same bytes.
std::vector<std::byte> serialized(const coreml::Model& model) {
  std::string text;
  {
    google::protobuf::io::StringOutputStream stream(&text);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    model.SerializeToCodedStream(&coded);
  }
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

}  // namespace

const Row* find_row(std::string_view op) {
  for (const Family family : families)
    for (const Row& row : family())
      if (row.op == op) return &row;
  return nullptr;
}

void write_nodes(Writer& writer) {
  for (const mlq::Node& node : writer.graph.nodes) {
    writer.begin(node);
    const Row& row = *find_row(node.op);
    row.write(writer, row);
  }
}

std::vector<std::byte> write(const Source& source, const mlq::Graph& from) {
  // Weights are what the candidate says; shapes of results may not have been inferred since the last rewrite.
  mlq::Graph graph = from;
  static_cast<void>(mlq::infer_shapes(graph).ok());
  loop_late_resets(graph);
  check_supported(source, graph);
  coreml::Model model;
  coreml::NeuralNetwork& network =
      is_classifier(graph) ? *model.mutable_neural_network_classifier() : *model.mutable_neural_network();
  network.set_array_input_shape_mapping(coreml::NeuralNetwork::EXACT_ARRAY_MAPPING);
  network.set_image_input_shape_mapping(coreml::NeuralNetwork::RANK4_IMAGE_MAPPING);
  Writer writer(source, graph, network);
  write_inputs(writer, model);
  name_outputs(writer, graph);
  write_nodes(writer);
  write_outputs(writer, model, network);
  write_metadata(graph, *model.mutable_description()->mutable_metadata());
  model.set_specification_version(writer.version);
  return serialized(model);
}

}  // namespace mlqc::coreml_writer
