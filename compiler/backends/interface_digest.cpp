#include "compiler/backends/backend.h"
#include "compiler/support/bytes.h"

namespace mlqc {

namespace {

// Fields with their lengths: no two interfaces give the same text.
class Text {
 public:
  void add(std::string_view field) {
    text_ += std::to_string(field.size()) + ':';
    text_ += field;
  }
  void add(std::int64_t number) { add(std::to_string(number)); }
  const std::string& all() const { return text_; }

 private:
  std::string text_;
};

void add_features(Text& text, std::span<const mlq::Feature> features) {
  text.add(static_cast<std::int64_t>(features.size()));
  for (const mlq::Feature& feature : features) {
    text.add(feature.name);
    text.add(static_cast<std::int64_t>(feature.kind));
    text.add(mlq::to_string(feature.shape));
    text.add(mlq::name_of(feature.type));
    // Of anything but an image, the colour means nothing.
    text.add(feature.kind == mlq::FeatureKind::image ? static_cast<std::int64_t>(feature.color) : 0);
  }
}

}  // namespace

std::string interface_digest(const mlq::Graph& graph) {
  Text text;
  add_features(text, graph.inputs);
  add_features(text, graph.outputs);
  text.add(graph.integer_labels);
  for (const std::string& label : graph.labels) text.add(label);
  return sha256(text.all());
}

}  // namespace mlqc
