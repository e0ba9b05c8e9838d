#include "tests/codegen/fixtures.h"

namespace mlqc {

using mlq::DataType;
using mlq::FeatureKind;

mlq::Feature feature(std::string name, FeatureKind kind, mlq::Shape shape, DataType type) {
  mlq::Feature made;
  made.name = std::move(name);
  made.kind = kind;
  made.shape = std::move(shape);
  made.type = type;
  return made;
}

mlq::Graph classifier_graph() {
  mlq::Graph graph;
  graph.inputs = {feature("image", FeatureKind::image, {1, 3, 227, 227})};
  graph.inputs[0].description = "The picture to name";
  graph.inputs[0].color = mlq::Color::bgr;
  graph.outputs = {feature("classLabel", FeatureKind::label, {1}),
                   feature("classLabelProbs", FeatureKind::scores, {3})};
  graph.outputs[1].description = "How sure the net is";
  graph.labels = {"tench", "great white shark", "say \"cheese\"?\?/"};
  graph.metadata = {{"description", "Names what a picture shows.\nTrained on ImageNet."},
                    {"author", "A. Maker"}};
  return graph;
}

mlq::Graph array_graph() {
  mlq::Graph graph;
  graph.inputs = {feature("sequence", FeatureKind::tensor, {1, -1, 80}),
                  feature("grid", FeatureKind::tensor, {-1, -1}, DataType::int32),
                  feature("mask", FeatureKind::tensor, {4}, DataType::boolean),
                  feature("half", FeatureKind::tensor, {2, 2}, DataType::float16)};
  graph.outputs = {feature("hidden", FeatureKind::tensor, {1, -1, 16}),
                   feature("count", FeatureKind::tensor, {}, DataType::int64),
                   feature("exact", FeatureKind::tensor, {2, 3}, DataType::float64)};
  return graph;
}

mlq::Graph image_graph() {
  mlq::Graph graph;
  graph.inputs = {feature("photo", FeatureKind::image, {3, -1, -1})};
  graph.outputs = {feature("styled", FeatureKind::image, {3, -1, -1}),
                   feature("year", FeatureKind::label, {1}), feature("years", FeatureKind::scores, {3})};
  graph.outputs[0].color = mlq::Color::gray;
  graph.labels = {"-9223372036854775808", "7", "1999"};
  graph.integer_labels = true;
  return graph;
}

mlq::Graph hostile_graph() {
  mlq::Graph graph;
  for (const char* name :
       {"class", "input.1", "495", "a//b::c-d", "_Reserved", "x__y", "größe", "日本", "Input", "inputs",
        "linux", "module", "\"); int main() {} //", "trailing_", "Output"}) {
    graph.inputs.push_back(feature(name, FeatureKind::tensor, {2}));
  }
  graph.inputs[0].description = "ends with a backslash \\";
  graph.inputs[1].description = "ends */ a comment\r\nand \xE2\x80\xAE reverses \xFF bytes";
  graph.inputs[2].description = "${VAR} {{mustache}} <%name%> )mustache\" \\\n\\";
  graph.outputs = {feature("predict", FeatureKind::tensor, {1}), feature("load", FeatureKind::tensor, {1}),
                   feature("output", FeatureKind::tensor, {1}),
                   feature(std::string("nul\0byte", 8), FeatureKind::tensor, {1})};
  graph.metadata = {{"description", "#error \\"}, {"license", "?\?/"}};
  return graph;
}

}  // namespace mlqc
