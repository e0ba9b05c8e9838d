// A Graph under construction, for formats whose images are channels-last: TFLite, TensorFlow, Keras.
//
// Tensors keep the order of axes that the source gives them. Spatial operators (spatial.h) stand between two
// transpositions, which simplify() cancels. A result's shape is known as soon as its node is added, and what
// follows from small constants is computed at once, so that shape arithmetic of the source is numbers here.
// Integers are int64 inside; a feature says the type that users pass.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/frontends/frontend.h"
#include "mlq/graph.h"

namespace mlqc::nhwc {

using mlq::Shape;
using mlq::TensorId;
using Ids = std::vector<TensorId>;
using Ints = std::vector<std::int64_t>;
using Attributes = std::map<std::string, mlq::Attribute, std::less<>>;

class Build {
 public:
  explicit Build(const Source& source) : source(source) {}
  // The graph of a branch or of a loop's body: it reads what `outer`, which must outlive it, captures for it.
  explicit Build(Build& outer)
      : source(outer.source), name_(outer.name_), kind_(outer.kind_), outer_(&outer) {}

  const Source& source;
  mlq::Graph graph;

  // What is lowered from here on. Nodes and weights take the name; messages say both: layer 'a' (Conv2D).
  void begin(std::string name, std::string kind);
  const std::string& name() const { return name_; }

  // Throws Error MLQ312: the layer, its kind, and what is wrong.
  [[noreturn]] void fail(const std::string& what) const;
  // fail() unless `good`.
  void require(bool good, const char* what) const;

  TensorId node(std::string op, Ids inputs, Attributes attributes = {});
  Ids nodes(std::string op, Ids inputs, std::size_t outputs, Attributes attributes = {});
  // A node whose results are as `results` say (type and shape): one that runs nested graphs.
  Ids stated(std::string op, Ids inputs, Attributes attributes, const std::vector<mlq::Tensor>& results);

  bool nested() const { return outer_ != nullptr; }
  // Here, a tensor of the graph around; constants are constants here as well.
  TensorId capture(TensorId outer);
  // A value that comes from the nested graph's node, and one that goes back to it.
  TensorId argument(const std::string& name, mlq::DataType type, const Shape& shape);
  void result(TensorId id);
  // The nested graph. Its constants of floats move to the outermost one, where quantizer and back ends look
  // for weights; it reads them there.
  std::shared_ptr<const mlq::Graph> finish();
  // A body is lowered again once its shapes are known: its weights have the same names then.
  const std::map<std::string, int, std::less<>>& names() { return root().used_; }
  void forget_names_since(std::map<std::string, int, std::less<>> names) { root().used_ = std::move(names); }

  // An input of the graph; its tensor is int64 where `type` is an integer. -1 as the first dimension, where
  // it is that of the batch, becomes 1: apps predict one sample at a time.
  TensorId input(const std::string& name, mlq::DataType type, Shape shape, bool batch = true);
  void output(const std::string& name, TensorId id);

  TensorId number(float value);  // a scalar
  TensorId floats(const Shape& shape, std::span<const float> values);
  TensorId ints(const Ints& values);  // a vector
  TensorId scalar(std::int64_t value);

  const mlq::Tensor& tensor(TensorId id) const { return graph.tensors[static_cast<std::size_t>(id)]; }
  const Shape& shape(TensorId id) const { return tensor(id).shape; }
  int rank(TensorId id) const { return static_cast<int>(shape(id).size()); }
  bool is_constant(TensorId id) const { return tensor(id).data.has_value(); }
  // The axis counted from the front; fails outside [-rank, rank).
  std::int64_t axis(std::int64_t axis, int rank) const;
  // The numbers of an operand; fails, saying `what` it is, when it is not constant.
  Ints constant_ints(TensorId id, const char* what) const;

  // With its axes permuted. Of a constant: another constant "<layer>/<field>", quantized as the first one.
  TensorId permuted(TensorId id, const Ints& perm, const char* field);
  // The same bytes under another shape of the same size.
  TensorId reshaped(TensorId id, const Shape& shape, const char* field);
  // The constant under the name "<layer>/<field>": what quantization and reports call it.
  TensorId named(TensorId id, const char* field);

  // Common short forms.
  TensorId cast(TensorId id, mlq::DataType type);  // nothing when it is of the type already
  TensorId reshape(TensorId id, const Ints& target) { return node("Reshape", {id, ints(target)}); }
  TensorId transpose(TensorId id, const Ints& perm) { return node("Transpose", {id}, {{"perm", perm}}); }
  // The dimensions as an int64 vector: a constant where they are known.
  TensorId shape_of(TensorId id);

 private:
  std::string fresh_name(std::string_view what);
  std::string weight_name(const char* field);
  Build& root() { return outer_ ? outer_->root() : *this; }

  std::string name_, kind_;
  std::map<std::string, int, std::less<>> used_;  // names of weights given so far
  int fresh_ = 0;
  Build* outer_ = nullptr;
  std::map<TensorId, TensorId> captured_;  // of the graph around: here
  std::set<std::string> moved_;            // weights of nested graphs
};

// ONNX's number of a type (TensorProto.DataType).
std::int64_t onnx_type(mlq::DataType type);

}  // namespace mlqc::nhwc
