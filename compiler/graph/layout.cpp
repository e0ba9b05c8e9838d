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

// Row-major values of `shape`, their axes permuted.
std::vector<float> permuted(const std::vector<float>& values, const Shape& shape, const Permutation& perm) {
  Shape stride(4, 1), size(4);
  for (std::size_t i = 3; i-- > 0;) stride[i] = stride[i + 1] * shape[i + 1];
  for (std::size_t i = 0; i < 4; ++i) size[i] = shape[perm[i]];
  std::vector<float> result;
  result.reserve(values.size());
  for (std::int64_t a = 0; a < size[0]; ++a)
    for (std::int64_t b = 0; b < size[1]; ++b)
      for (std::int64_t c = 0; c < size[2]; ++c)
        for (std::int64_t d = 0; d < size[3]; ++d)
          result.push_back(
              values[a * stride[perm[0]] + b * stride[perm[1]] + c * stride[perm[2]] + d * stride[perm[3]]]);
  return result;
}

}  // namespace

Layout::Layout(mlq::Graph& graph, Permutation to_twin, Permutation from_twin)
    : graph_(graph),
      to_twin_(std::move(to_twin)),
      from_twin_(std::move(from_twin)),
      suffix_(to_twin_ == first_to_last ? ":nhwc" : ":nchw"),
      plain_(graph.tensors.size(), false),
      twin_(graph.tensors.size(), mlq::no_tensor) {
  Uses uses = uses_of(graph);
  for (std::size_t i = 0; i < plain_.size(); ++i) plain_[i] = uses.producer[i] < 0;
}

void Layout::convert(TensorId from, TensorId to, const Permutation& perm) {
  const mlq::Tensor& source = graph_.tensors[from];
  const Shape shape = graph_.tensors[to].shape;
  bool reshape = mlq::element_count(shape) && same_bytes(perm == first_to_last ? source.shape : shape);
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
  plain_.resize(graph_.tensors.size(), true);
  twin_.resize(graph_.tensors.size(), mlq::no_tensor);
}

TensorId Layout::plain(TensorId id) {
  see_new_tensors();
  if (id == mlq::no_tensor || plain_[id]) return id;
  convert(twin_[id], id, from_twin_);
  plain_[id] = true;
  return id;
}

TensorId Layout::twin(TensorId id) {
  see_new_tensors();
  if (twin_[id] != mlq::no_tensor) return twin_[id];
  TensorId twin = make_twin(id);
  plain_[id] = true;
  convert(id, twin, to_twin_);
  return twin;
}

TensorId Layout::make_twin(TensorId id) {
  const mlq::Tensor tensor = graph_.tensors[id];
  TensorId twin = mlq::add_tensor(graph_, {tensor.name + suffix_, tensor.type, moved(tensor.shape), {}, {}});
  see_new_tensors();
  twin_[id] = twin;
  plain_[id] = false;
  return twin;
}

void Layout::adopt_twin(TensorId id, TensorId twin) {
  see_new_tensors();
  twin_[id] = twin;
  plain_[id] = false;
}

TensorId Layout::make_plain(TensorId id) {
  if (id != mlq::no_tensor) plain_[id] = true;
  return id;
}

TensorId Layout::constant_twin(TensorId id) {
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
      mlq::add_constant(graph_, tensor.name + suffix_, moved(shape), permuted(*values, shape, to_twin_));
  TensorId twin = twin_[id];
  return twin;
}

}  // namespace mlqc
