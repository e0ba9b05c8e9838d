#include <unordered_map>

#include "mlq/graph.h"
#include "runtime-stub/src/blocks.h"
#include "runtime-stub/src/trellis.h"

namespace mlq {

namespace {

// Deep enough for every network, shallow enough for the stack.
constexpr int max_nesting = 16;

std::string describe(const Tensor& tensor) { return "tensor '" + tensor.name + "'"; }
std::string describe(const Node& node) { return "node '" + node.name + "' (" + node.op + ")"; }
std::string describe(const Feature& feature) { return "feature '" + feature.name + "'"; }

Status check_shape(const Shape& shape, const std::string& owner) {
  if (shape.size() > max_rank) return Failure{owner + " has " + std::to_string(shape.size()) + " dimensions"};
  for (const std::int64_t dimension : shape)
    if (dimension < -1) return Failure{owner + " has the impossible dimension " + std::to_string(dimension)};
  return {};
}

Status check_quantization(const Tensor& tensor) {
  const Quantization& q = *tensor.quantization;
  const std::string who = describe(tensor);
  if (!tensor.data) return Failure{who + " is quantized but no constant"};
  if (tensor.type != DataType::float32) return Failure{who + " is quantized but not of type float32"};
  if ((q.bits < 1 || q.bits > 8) && (q.bits != 16 || !q.table.empty()))
    return Failure{who + " has " + std::to_string(q.bits) + " bits, not 1 to 8"};
  const auto groups = group_count(tensor.shape, q.blocks);
  if (!groups)
    return Failure{who + " of shape " + to_string(tensor.shape) + " is quantized in blocks of " +
                   to_string(q.blocks) + ", which do not suit it"};
  if (q.trellis && !suits(*q.trellis, tensor.shape))
    return Failure{who + " has a trellis that does not suit its shape"};
  if (q.scale.empty() == q.table.empty()) return Failure{who + " needs either scales or a table"};
  if (q.offset.size() != q.scale.size()) return Failure{who + " needs an offset for each scale"};
  const std::size_t parameters = q.table.empty() ? q.scale.size() : q.table.size() >> q.bits;
  if (parameters != *groups || (!q.table.empty() && q.table.size() != *groups << q.bits))
    return Failure{who + " has quantization parameters for " + std::to_string(parameters) +
                   " groups, not for " + std::to_string(*groups)};
  return {};
}

Status check_tensor(const Tensor& tensor) {
  const std::string who = describe(tensor);
  if (size_of(tensor.type) == 0) return Failure{who + " is of an unknown type"};
  if (Status status = check_shape(tensor.shape, who); !status) return status;
  if (tensor.data && !element_count(tensor.shape))
    return Failure{who + " is a constant of the impossible shape " + to_string(tensor.shape)};
  if (tensor.quantization)
    if (Status status = check_quantization(tensor); !status) return status;
  if (!tensor.data) return {};
  const auto needed = data_size(tensor);
  if (!needed) return Failure{who + " is larger than any memory"};
  if (tensor.data->bytes.size() < *needed)
    return Failure{who + " of shape " + to_string(tensor.shape) + " needs " + std::to_string(*needed) +
                   " bytes and has " + std::to_string(tensor.data->bytes.size())};
  return {};
}

// One graph's tensors while its nodes are gone through in order.
class Checker {
 public:
  explicit Checker(const Graph& graph, Checker* outer = nullptr)
      : graph_(graph), outer_(outer), depth_(outer ? outer->depth_ + 1 : 0) {}

  Status run() {
    if (graph_.tensors.size() > INT32_MAX) return Failure{"the graph has too many tensors"};
    if (depth_ > max_nesting) return Failure{"graphs are nested deeper than " + std::to_string(max_nesting)};
    known_.resize(graph_.tensors.size());
    produced_.resize(graph_.tensors.size());
    for (std::size_t i = 0; i < graph_.tensors.size(); ++i) {
      if (Status status = check_tensor(graph_.tensors[i]); !status) return status;
      known_[i] = graph_.tensors[i].data.has_value();
    }
    for (const Feature& feature : graph_.inputs)
      if (Status status = define_input(feature); !status) return status;
    for (const Node& node : graph_.nodes)
      for (const TensorId id : node.outputs) mark_produced(id);
    for (const Node& node : graph_.nodes)
      if (Status status = check_node(node); !status) return status;
    for (const Feature& feature : graph_.outputs)
      if (Status status = check_output(feature); !status) return status;
    return {};
  }

 private:
  bool in_range(TensorId id) const { return id >= 0 && static_cast<std::size_t>(id) < graph_.tensors.size(); }

  void mark_produced(TensorId id) {
    if (in_range(id)) produced_[id] = true;
  }

  // In a subgraph, a tensor that nothing here gives a value is the outer graph's tensor of that name.
  bool readable(TensorId id) {
    return known_[id] || (!produced_[id] && outer_ && outer_->names_value(graph_.tensors[id].name));
  }

  bool names_value(const std::string& name) {
    if (ids_.empty())
      for (std::size_t i = 0; i < graph_.tensors.size(); ++i)
        ids_.emplace(graph_.tensors[i].name, static_cast<TensorId>(i));
    const auto found = ids_.find(name);
    return found != ids_.end() ? readable(found->second) : outer_ && outer_->names_value(name);
  }

  Status define_input(const Feature& feature) {
    if (Status status = check_feature(feature); !status) return status;
    if (known_[feature.tensor])
      return Failure{describe(feature) + " is an input, but its tensor is a constant or another input"};
    known_[feature.tensor] = true;
    return {};
  }

  Status check_output(const Feature& feature) {
    if (Status status = check_feature(feature); !status) return status;
    if (!readable(feature.tensor)) return Failure{describe(feature) + " is an output that no node computes"};
    return {};
  }

  Status check_feature(const Feature& feature) const {
    const std::string who = describe(feature);
    if (!in_range(feature.tensor)) return Failure{who + " has no tensor"};
    if (size_of(feature.type) == 0) return Failure{who + " is of an unknown type"};
    if (feature.kind > FeatureKind::label) return Failure{who + " is of an unknown kind"};
    if (feature.color > Color::bgr) return Failure{who + " has an unknown colour order"};
    if (Status status = check_shape(feature.shape, who); !status) return status;
    if (outer_) return {};  // of a subgraph, a feature only says which tensor it is
    const Shape& shape = graph_.tensors[feature.tensor].shape;
    if (feature.kind == FeatureKind::image) return check_image(feature, shape);
    const auto inside = element_count(shape), outside = element_count(feature.shape);
    if (feature.kind != FeatureKind::label && inside && outside && *inside != *outside)
      return Failure{who + " of shape " + to_string(feature.shape) + " does not fit its tensor of shape " +
                     to_string(shape)};
    const bool labelled = feature.kind == FeatureKind::label || feature.kind == FeatureKind::scores;
    if (labelled && inside && static_cast<std::size_t>(*inside) != graph_.labels.size())
      return Failure{who + " has " + std::to_string(*inside) + " scores for " +
                     std::to_string(graph_.labels.size()) + " labels"};
    return {};
  }

  static Status check_image(const Feature& feature, const Shape& shape) {
    const std::int64_t channels = feature.color == Color::gray ? 1 : 3;
    if (shape.size() == 4 && (shape[1] == channels || shape[1] == -1)) return {};
    return Failure{describe(feature) + " is an image of " + std::to_string(channels) +
                   " channels, but its tensor has the shape " + to_string(shape)};
  }

  Status check_node(const Node& node) {
    const std::string who = describe(node);
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const TensorId id = node.inputs[i];
      if (id == no_tensor) continue;
      const std::string operand = who + ": operand " + std::to_string(i + 1);
      if (!in_range(id)) return Failure{operand + " is not among the graph's tensors"};
      if (!readable(id)) return Failure{operand + ", " + describe(graph_.tensors[id]) + ", has no value yet"};
    }
    for (const auto& [key, attribute] : node.attributes)
      if (const auto* graph = std::get_if<std::shared_ptr<const Graph>>(&attribute))
        if (Status status = check_subgraph(graph->get(), who + ": " + key); !status) return status;
    for (const TensorId id : node.outputs) {
      if (id == no_tensor) continue;
      if (!in_range(id)) return Failure{who + ": a result is not among the graph's tensors"};
      if (known_[id])
        return Failure{who + ": its result, " + describe(graph_.tensors[id]) + ", has a value already"};
      known_[id] = true;
    }
    return {};
  }

  Status check_subgraph(const Graph* graph, const std::string& where) {
    if (!graph) return Failure{where + " is no graph"};
    const Status status = Checker(*graph, this).run();
    if (!status) return Failure{where + ": " + status.error()};
    return {};
  }

  const Graph& graph_;
  Checker* outer_;
  int depth_;
  std::vector<bool> known_;                             // has a value at this point
  std::vector<bool> produced_;                          // some node gives it a value
  std::unordered_map<std::string_view, TensorId> ids_;  // by name, built when a subgraph asks
};

}  // namespace

Status check(const Graph& graph) { return Checker(graph).run(); }

}  // namespace mlq
