// What the model's users see: arrays and images in; arrays, images and scores out.
#include <onnx/onnx_pb.h>

#include <algorithm>

#include "compiler/backends/onnx_writer/writer.h"

namespace mlqc::onnx_writer {

namespace {

using mlq::Feature;
using mlq::FeatureKind;

void describe(const Feature& feature, const std::string& name, const Shape& shape,
              ::onnx::ValueInfoProto& to) {
  to.set_name(name);
  to.set_doc_string(feature.description);
  auto& type = *to.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx_format::onnx_type(feature.type));
  auto& dims = *type.mutable_shape();
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (shape[i] < 0)
      dims.add_dim()->set_dim_param(name + "_" + std::to_string(i));
    else
      dims.add_dim()->set_dim_value(shape[i]);
}

// Equal wherever both are known.
bool fit(const Shape& a, const Shape& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](auto x, auto y) { return x == y || x < 0 || y < 0; });
}

bool is_longer(const Shape& longer, const Shape& shorter) {
  const auto more = static_cast<std::ptrdiff_t>(longer.size()) - static_cast<std::ptrdiff_t>(shorter.size());
  return more > 0 &&
         std::all_of(longer.begin(), longer.begin() + more, [](auto size) { return size == 1; }) &&
         fit({longer.begin() + more, longer.end()}, shorter);
}

// Several open dimensions are only kept where ones in front come or go.
void reshape(Writer& w, const std::string& x, const Shape& from, const Shape& to, const std::string& y) {
  if (fit(from, to)) {
    w.add("Identity", {x}, {y});
    return;
  }
  if (std::count(to.begin(), to.end(), -1) <= 1) {
    const std::string target = w.ints(to);
    w.add("Reshape", {x, target}, {y});
    return;
  }
  const bool grows = is_longer(to, from);
  w.require(grows || is_longer(from, to), "has open dimensions in places of their own");
  Ints axes;
  for (std::size_t i = 0; i < std::max(from.size(), to.size()) - std::min(from.size(), to.size()); ++i)
    axes.push_back(static_cast<std::int64_t>(i));
  const std::string places = w.ints(axes);
  w.add(grows ? "Unsqueeze" : "Squeeze", {x, places}, {y});
}

const Feature* find_kind(const mlq::Graph& graph, FeatureKind kind) {
  const auto found = std::ranges::find(graph.outputs, kind, &Feature::kind);
  return found == graph.outputs.end() ? nullptr : &*found;
}

void write_output(Writer& w, ::onnx::GraphProto& to, const Feature& feature, const std::string& name,
                  const Shape& shape) {
  describe(feature, name, shape, *to.add_output());
  const mlq::Tensor& tensor = w.tensor(feature.tensor);
  const int type = onnx_format::onnx_type(feature.type);
  std::string x = w.value(feature.tensor);
  if (x == name) return;
  if (type_of(tensor) != type) x = w.cast(x, type);
  reshape(w, x, tensor.shape, shape, name);
}

// Of a classifier that names its label alone, the scores that the label is of.
void write_unnamed_scores(Writer& w, ::onnx::GraphProto& to, const Feature& label) {
  Feature scores = label;
  scores.type = mlq::DataType::float32;
  write_output(w, to, scores, w.unique("classLabelProbs"), w.tensor(label.tensor).shape);
}

}  // namespace

void write_inputs(Writer& w, ::onnx::GraphProto& to) {
  for (const Feature& feature : w.graph.inputs) {
    const int type = onnx_format::onnx_type(feature.type);
    w.require(type != onnx_format::t_none, "has an input of a type that ONNX has not");
    describe(feature, feature.name, feature.shape, *to.add_input());
    const mlq::Tensor& inner = w.tensor(feature.tensor);
    std::string x = feature.name;
    if (type != type_of(inner)) x = w.cast(x, type_of(inner));
    if (!fit(feature.shape, inner.shape)) {
      const std::string shaped = w.fresh();
      reshape(w, x, feature.shape, inner.shape, shaped);
      x = shaped;
    }
    w.name_value(feature.tensor, x);
  }
}

void name_outputs(Writer& w) {
  std::set<TensorId> named;
  for (const Feature& input : w.graph.inputs) named.insert(input.tensor);
  for (const Feature& output : w.graph.outputs) {
    const mlq::Tensor& tensor = w.tensor(output.tensor);
    const bool plain = output.kind != FeatureKind::label && tensor.shape == output.shape && !tensor.data &&
                       onnx_format::onnx_type(output.type) == type_of(tensor);
    const bool is_input =
        std::ranges::any_of(w.graph.inputs, [&](const Feature& f) { return f.name == output.name; });
    if (plain && !is_input && named.insert(output.tensor).second) w.name_value(output.tensor, output.name);
  }
}

void write_outputs(Writer& w, ::onnx::GraphProto& to) {
  for (const Feature& feature : w.graph.outputs) {
    if (feature.kind == FeatureKind::label) continue;
    w.require(std::ranges::none_of(w.graph.inputs, [&](const Feature& f) { return f.name == feature.name; }),
              "has an output of the same name as an input");
    write_output(w, to, feature, feature.name, feature.shape);
  }
  const Feature* label = find_kind(w.graph, FeatureKind::label);
  if (label && !find_kind(w.graph, FeatureKind::scores)) write_unnamed_scores(w, to, *label);
}

}  // namespace mlqc::onnx_writer
