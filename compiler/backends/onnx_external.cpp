#include "compiler/backends/onnx_external.h"

#include <onnx/onnx_pb.h>

#include <charconv>
#include <map>
#include <tuple>

#include "compiler/frontends/onnx/external.h"

namespace mlqc {

namespace {

using ::onnx::GraphProto;
using ::onnx::NodeProto;
using ::onnx::TensorProto;

std::int64_t number(const std::string& text, std::int64_t otherwise) {
  std::int64_t value = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

class Gathering {
 public:
  Gathering(const Source& source, const std::string& location) : source_(source), location_(location) {}

  std::vector<std::byte> bytes;

  void graph(GraphProto& graph) {
    for (TensorProto& tensor : *graph.mutable_initializer()) move(tensor);
    nodes(*graph.mutable_node());
  }
  void nodes(google::protobuf::RepeatedPtrField<NodeProto>& list) {
    for (NodeProto& node : list)
      for (auto& attribute : *node.mutable_attribute()) {
        if (attribute.has_t()) move(*attribute.mutable_t());
        for (TensorProto& tensor : *attribute.mutable_tensors()) move(tensor);
        if (attribute.has_g()) graph(*attribute.mutable_g());
        for (GraphProto& inner : *attribute.mutable_graphs()) graph(inner);
      }
  }

 private:
  using Place = std::tuple<std::string, std::int64_t, std::int64_t>;

  // Where tensors share bytes, they go on doing so.
  void move(TensorProto& tensor) {
    if (tensor.data_location() != TensorProto::EXTERNAL) return;
    Place from{"", 0, -1};
    for (const auto& entry : tensor.external_data()) {
      if (entry.key() == "location") std::get<0>(from) = entry.value();
      if (entry.key() == "offset") std::get<1>(from) = number(entry.value(), 0);
      if (entry.key() == "length") std::get<2>(from) = number(entry.value(), -1);
    }
    const auto [known, is_new] = moved_.try_emplace(from);
    if (is_new) known->second = append(tensor.name(), from);
    tensor.clear_external_data();
    add(tensor, "location", location_);
    add(tensor, "offset", std::to_string(known->second.first));
    add(tensor, "length", std::to_string(known->second.second));
  }

  // Readers that map the file want large tensors at the start of a page.
  std::pair<std::size_t, std::size_t> append(const std::string& name, const Place& from) {
    const auto& [location, offset, length] = from;
    const mlq::Data data = onnx_format::read_external(source_, name, location, offset, length);
    const std::size_t step = data.bytes.size() < 1 << 16 ? 64 : 4096;
    bytes.resize((bytes.size() + step - 1) / step * step);
    const std::size_t start = bytes.size();
    bytes.insert(bytes.end(), data.bytes.begin(), data.bytes.end());
    return {start, data.bytes.size()};
  }

  static void add(TensorProto& tensor, const char* key, const std::string& value) {
    auto& entry = *tensor.add_external_data();
    entry.set_key(key);
    entry.set_value(value);
  }

  const Source& source_;
  const std::string& location_;
  std::map<Place, std::pair<std::size_t, std::size_t>> moved_;
};

}  // namespace

std::vector<std::byte> gather_external(const Source& source, ::onnx::ModelProto& model,
                                       const std::string& location) {
  Gathering gathering(source, location);
  gathering.graph(*model.mutable_graph());
  for (auto& function : *model.mutable_functions()) gathering.nodes(*function.mutable_node());
  return std::move(gathering.bytes);
}

}  // namespace mlqc
