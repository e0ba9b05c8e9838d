#include "compiler/graph/layout.h"

namespace mlqc {
namespace {

using mlq::Shape;
using mlq::TensorId;

// Nothing moves when there is one channel or one place.
bool same_bytes(const Shape& nchw) { return nchw[1] == 1 || (nchw[2] == 1 && nchw[3] == 1); }

Shape to_rank_4(Shape shape) {
  shape.insert(shape.begin(), 4 - shape.size(), 1);
  return shape;
}

std::vector<float> move_channels_last(const std::vector<float>& values, const Shape& s) {
  std::vector<float> moved(values.size());
  std::int64_t channels = s[1], plane = s[2] * s[3];
  for (std::size_t i = 0; i < values.size(); ++i) {
    auto k = static_cast<std::int64_t>(i);
    std::int64_t n = k / (channels * plane), c = k / plane % channels, p = k % plane;
    moved[(n * plane + p) * channels + c] = values[i];
  }
  return moved;
}

}  // namespace

Layout::Layout(mlq::Graph& graph)
    : graph_(graph), first_(graph.tensors.size(), false), twin_(graph.tensors.size(), mlq::no_tensor) {
  Uses uses = uses_of(graph);
  for (std::size_t i = 0; i < first_.size(); ++i) first_[i] = uses.producer[i] < 0;
}

void Layout::convert(TensorId from, TensorId to, const std::vector<std::int64_t>& perm) {
  const mlq::Tensor& source = graph_.tensors[from];
  const Shape shape = graph_.tensors[to].shape;
  bool reshape = mlq::element_count(shape) && same_bytes(perm[1] == 2 ? source.shape : shape);
  std::string name = graph_.tensors[to].name;
  if (reshape) {
    TensorId target = mlq::add_constant(graph_, name + "/shape", {4}, std::span<const std::int64_t>(shape));
    mlq::Node node{"Reshape", name, {from, target}, {to}, {}};
    // A dimension of 0 means 0 here.
    node.attributes["allowzero"] = std::int64_t{1};
    nodes.push_back(std::move(node));
  } else {
    nodes.push_back({"Transpose", name, {from}, {to}, {{"perm", perm}}});
  }
}

void Layout::see_new_tensors() {
  first_.resize(graph_.tensors.size(), true);
  twin_.resize(graph_.tensors.size(), mlq::no_tensor);
}

TensorId Layout::first(TensorId id) {
  see_new_tensors();
  if (id == mlq::no_tensor || first_[id]) return id;
  convert(twin_[id], id, {0, 3, 1, 2});
  first_[id] = true;
  return id;
}

TensorId Layout::last(TensorId id) {
  see_new_tensors();
  if (twin_[id] != mlq::no_tensor) return twin_[id];
  TensorId twin = make_last(id);
  first_[id] = true;
  convert(id, twin, {0, 2, 3, 1});
  return twin;
}

TensorId Layout::make_last(TensorId id) {
  const mlq::Tensor tensor = graph_.tensors[id];
  TensorId twin =
      mlq::add_tensor(graph_, {tensor.name + ":nhwc", tensor.type, to_last(tensor.shape), {}, {}});
  see_new_tensors();
  twin_[id] = twin;
  first_[id] = false;
  return twin;
}

TensorId Layout::make_first(TensorId id) {
  if (id != mlq::no_tensor) first_[id] = true;
  return id;
}

TensorId Layout::constant_last(TensorId id) {
  see_new_tensors();
  const mlq::Tensor tensor = graph_.tensors[id];
  auto count = mlq::element_count(tensor.shape);
  if (!count || tensor.shape.size() > 4) return mlq::no_tensor;
  if (*count == 1) return id;
  if (twin_[id] != mlq::no_tensor) return twin_[id];
  auto values = floats_of(graph_, id);
  if (!values) return mlq::no_tensor;
  Shape shape = to_rank_4(tensor.shape);
  twin_[id] =
      mlq::add_constant(graph_, tensor.name + ":nhwc", to_last(shape), move_channels_last(*values, shape));
  TensorId twin = twin_[id];
  return twin;
}

}  // namespace mlqc
