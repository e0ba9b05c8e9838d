#include "compiler/driver/interface.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "compiler/graph/edit.h"
#include "compiler/support/bytes.h"
#include "compiler/support/error.h"

namespace mlqc {

namespace {

namespace fs = std::filesystem;
using mlq::Color;
using mlq::Feature;
using mlq::FeatureKind;
using mlq::Graph;
using mlq::Shape;
using mlq::TensorId;

[[noreturn]] void fail(const Place& where, const char* code, const std::string& what,
                       const std::string& hint) {
  throw Error(Exit::usage, {where, what, code, hint, {}});
}

Feature& find(std::vector<Feature>& features, const std::string& name, const Place& where, const char* kind) {
  std::vector<std::string> known;
  for (Feature& feature : features) {
    if (feature.name == name) return feature;
    known.push_back(feature.name);
  }
  const std::string meant = nearest(name, known);
  fail(where, "MLQ162", fmt::format("the model has no {} '{}'", kind, name),
       meant.empty() ? fmt::format("it has: {}", fmt::join(known, ", "))
                     : fmt::format("did you mean '{}'?", meant));
}

mlq::Tensor& tensor(Graph& graph, TensorId id) { return graph.tensors[static_cast<std::size_t>(id)]; }

// --- inputs

// A picture's place among the dimensions of an input: [N, C, H, W], [N, H, W, C], the same without N, [H, W].
struct Picture {
  bool channels_last = false;
  std::int64_t channels = 1, height = 0, width = 0;
};

Picture picture_of(const Feature& input, const Shape& shape, const PictureSection& section) {
  const Place& where = section.as->where;
  Shape dims = shape;
  if (dims.size() == 4 && dims[0] == 1) dims.erase(dims.begin());
  const auto refuse = [&](const std::string& what, const char* hint) {
    fail(where, "MLQ167",
         fmt::format("the input '{}' of shape {} {}", input.name, mlq::to_string(shape), what), hint);
  };
  if (dims.size() == 2) return {false, 1, dims[0], dims[1]};
  if (dims.size() != 3) refuse("is no image", "an image has the shape 1xCxHxW or 1xHxWxC, C being 1 or 3");
  const auto is_color = [](std::int64_t n) { return n == 1 || n == 3; };
  const bool first = is_color(dims[0]), last = is_color(dims[2]);
  if (!first && !last) refuse("is no image", "the channels of an image are one or three");
  bool channels_last = last;
  if (section.layout) {
    channels_last = section.layout->value == "nhwc";
    if (!(channels_last ? last : first))
      fail(section.layout->where, "MLQ167",
           fmt::format("the input '{}' of shape {} is not '{}'", input.name, mlq::to_string(shape),
                       section.layout->value),
           channels_last ? "say 'layout: nchw'" : "say 'layout: nhwc'");
  } else if (first && last) {
    refuse("has its channels first or last", "say 'layout: nchw' or 'layout: nhwc'");
  }
  if (channels_last) return {true, dims[2], dims[0], dims[1]};
  return {false, dims[0], dims[1], dims[2]};
}

Color color_of(const Feature& input, const Picture& picture, const PictureSection& section) {
  const std::string word = section.color ? section.color->value : picture.channels == 1 ? "gray" : "rgb";
  if ((word == "gray") != (picture.channels == 1))
    fail(section.color->where, "MLQ167",
         fmt::format("the input '{}' has {} channels", input.name, picture.channels),
         picture.channels == 1 ? "say 'color: gray'" : "say 'color: rgb' or 'color: bgr'");
  return word == "gray" ? Color::gray : word == "bgr" ? Color::bgr : Color::rgb;
}

// Numbers of red, green and blue in the order of the model's channels.
std::vector<float> by_channel(const std::optional<At<std::vector<float>>>& numbers, Color color,
                              float otherwise) {
  if (!numbers) return {otherwise};
  std::vector<float> values = numbers->value;
  if (color == Color::bgr) std::reverse(values.begin(), values.end());
  return values;
}

// Nodes from the pixels to the tensor that the network reads.
class Preprocessing {
 public:
  Preprocessing(Graph& graph, const std::string& input) : graph_(graph), name_(input + "/preprocessing") {}

  // Unless it changes nothing.
  TensorId arithmetic(const char* op, TensorId x, const std::vector<float>& values, float neutral) {
    if (std::ranges::all_of(values, [&](float value) { return value == neutral; })) return x;
    const auto n = static_cast<std::int64_t>(values.size());
    return node(op, {x, mlq::add_constant(graph_, fresh(), n == 1 ? Shape{} : Shape{n, 1, 1}, values)});
  }
  TensorId transpose(TensorId x, const Shape& order) { return node("Transpose", {x}, {{"perm", order}}); }
  TensorId reshape(TensorId x, const Shape& shape) {
    const auto n = static_cast<std::int64_t>(shape.size());
    return node("Reshape",
                {x, mlq::add_constant(graph_, fresh(), {n}, std::span<const std::int64_t>(shape))});
  }
  TensorId cast(TensorId x, mlq::DataType type, std::int64_t onnx_type) {
    const TensorId y = node("Cast", {x}, {{"to", onnx_type}});
    tensor(graph_, y).type = type;
    return y;
  }
  // The last node, or a new one, makes `target`; all before what was there.
  void finish(TensorId last, TensorId target) {
    if (nodes_.empty()) node("Identity", {last});
    nodes_.back().outputs = {target};
    graph_.nodes.insert(graph_.nodes.begin(), nodes_.begin(), nodes_.end());
  }

 private:
  std::string fresh() { return fmt::format("{}:{}", name_, count_++); }
  TensorId node(const char* op, std::vector<TensorId> inputs,
                std::map<std::string, mlq::Attribute, std::less<>> attributes = {}) {
    const TensorId y = mlq::add_tensor(graph_, {fresh(), mlq::DataType::float32, {}, {}, {}});
    nodes_.push_back({op, "preprocessing", std::move(inputs), {y}, std::move(attributes)});
    return y;
  }

  Graph& graph_;
  std::string name_;
  std::vector<mlq::Node> nodes_;
  int count_ = 0;
};

void make_image(Graph& graph, Feature& input, const PictureSection& section) {
  const TensorId target = input.tensor;
  const Shape shape = tensor(graph, target).shape;
  const mlq::DataType type = tensor(graph, target).type;
  if (input.kind == FeatureKind::image)
    fail(section.as->where, "MLQ167", fmt::format("the input '{}' is an image already", input.name),
         "remove 'as' and what belongs to it; the model says how its pixels are prepared");
  if (type != mlq::DataType::float32 && type != mlq::DataType::int64)
    fail(section.as->where, "MLQ167",
         fmt::format("the input '{}' has elements of the type {}", input.name, name_of(type)),
         "an image is made of floats or integers");
  const Picture picture = picture_of(input, shape, section);
  input.kind = FeatureKind::image;
  input.color = color_of(input, picture, section);
  input.type = mlq::DataType::float32;
  input.shape = {1, picture.channels, picture.height, picture.width};

  tensor(graph, target).name = input.name + "/prepared";
  input.tensor = mlq::add_tensor(graph, {input.name, mlq::DataType::float32, input.shape, {}, {}});
  Preprocessing steps(graph, input.name);
  TensorId x = steps.arithmetic("Mul", input.tensor, by_channel(section.scale, input.color, 1), 1);
  x = steps.arithmetic("Add", x, by_channel(section.bias, input.color, 0), 0);
  if (picture.channels_last) x = steps.transpose(x, {0, 2, 3, 1});
  if (shape.size() != 4) x = steps.reshape(x, shape);
  constexpr std::int64_t onnx_int64 = 7;
  if (type == mlq::DataType::int64) x = steps.cast(x, type, onnx_int64);
  steps.finish(x, target);
}

// --- outputs

std::vector<std::string> lines_of(const At<fs::path>& file) {
  std::string text;
  try {
    text = read_text(file.value);
  } catch (const Error& error) {
    fail(file.where, "MLQ168", error.diagnostic().what, "name a text file with one label a line");
  }
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    if (line.ends_with('\r')) line.pop_back();
    lines.push_back(std::move(line));
    at = end + 1;
  }
  return lines;
}

void add_softmax(Graph& graph, Feature& output) {
  const Shape shape = tensor(graph, output.tensor).shape;
  std::int64_t axis = static_cast<std::int64_t>(shape.size()) - 1;
  while (axis > 0 && shape[static_cast<std::size_t>(axis)] == 1) --axis;
  const TensorId y =
      mlq::add_tensor(graph, {output.name + "/softmax", mlq::DataType::float32, shape, {}, {}});
  graph.nodes.push_back({"Softmax", "softmax", {output.tensor}, {y}, {{"axis", axis}}});
  output.tensor = y;
}

void add_labels(Graph& graph, Feature& output, const At<fs::path>& file) {
  if (!graph.labels.empty() && output.kind != FeatureKind::scores)
    fail(file.where, "MLQ168", "the labels of this model belong to another output",
         "only one output can have labels");
  const std::vector<std::string> labels = lines_of(file);
  const auto elements = mlq::element_count(tensor(graph, output.tensor).shape);
  if (!elements || *elements != static_cast<std::int64_t>(labels.size()))
    fail(file.where, "MLQ168",
         fmt::format("{} has {} lines, the output '{}' of shape {} has {} scores", file->string(),
                     labels.size(), output.name, mlq::to_string(output.shape), elements.value_or(-1)),
         "one label a line, in the order of the scores");
  graph.labels = labels;
  graph.integer_labels = false;
  output.kind = FeatureKind::scores;
  output.type = mlq::DataType::float32;
  output.shape = {*elements};
  const Feature best{
      "classLabel",        "The label of the highest score.", FeatureKind::label, output.tensor, {1},
      mlq::DataType::int64};
  if (std::ranges::none_of(graph.outputs, [](const Feature& f) {
        return f.kind == FeatureKind::label || f.name == "classLabel";
      }))
    graph.outputs.push_back(best);
}

bool is_asked(const ClassifierSection& section) {
  return section.labels || (section.softmax && section.softmax->value);
}

}  // namespace

mlq::Graph with_interface(mlq::Graph graph, const Manifest& manifest) {
  bool changed = false;
  for (const auto& [name, section] : manifest.interface.inputs) {
    if (!section->picture.as) continue;
    make_image(graph, find(graph.inputs, name, section.where, "input"), section->picture);
    changed = true;
  }
  for (const auto& [name, section] : manifest.interface.outputs) {
    const ClassifierSection& classifier = section->classifier;
    if (!is_asked(classifier)) continue;
    Feature& output = find(graph.outputs, name, section.where, "output");
    if (classifier.softmax && classifier.softmax->value) add_softmax(graph, output);
    if (classifier.labels) add_labels(graph, output, *classifier.labels);
    changed = true;
  }
  if (!changed) return graph;
  if (const mlq::Status status = mlq::infer_shapes(graph); !status)
    fail({manifest.file.string()}, "MLQ167", "the interface does not fit the model: " + status.error(), "");
  return graph;
}

std::string interface_settings(const Manifest& manifest) {
  std::string text;
  const auto word = [](const auto& value) { return value ? value->value : std::string("-"); };
  const auto numbers = [](const auto& value) {
    return value ? fmt::format("{}", fmt::join(value->value, ",")) : std::string("-");
  };
  for (const auto& [name, section] : manifest.interface.inputs) {
    const PictureSection& p = section->picture;
    if (p.as)
      text += fmt::format("input {} {} {} {} {}\n", name, word(p.color), word(p.layout), numbers(p.scale),
                          numbers(p.bias));
    if (section->shapes) text += fmt::format("shapes {} {}\n", name, section->shapes->value);
  }
  for (const auto& [name, section] : manifest.interface.outputs) {
    const ClassifierSection& c = section->classifier;
    std::error_code error;
    if (!is_asked(c)) continue;
    const bool softmax = c.softmax && c.softmax->value;
    const bool readable = c.labels && fs::is_regular_file(c.labels->value, error);
    text += fmt::format("output {} {} {}\n", name, softmax,
                        readable ? sha256(map_file(c.labels->value).bytes) : "-");
  }
  return text;
}

std::vector<fs::path> interface_files(const Manifest& manifest) {
  std::vector<fs::path> files;
  for (const auto& [name, section] : manifest.interface.outputs)
    if (section->classifier.labels) files.push_back(section->classifier.labels->value);
  return files;
}

}  // namespace mlqc
