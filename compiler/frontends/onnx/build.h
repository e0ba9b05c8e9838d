// A Graph under construction out of a GraphProto.
//
// A result's shape is known as soon as its node is added, and what follows from small constants is computed
// at once, so that shape arithmetic of the file is numbers here. Each value keeps the element type that it
// has in the file (types.h); sequences and optionals are lists that exist only while the graph is being
// built.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/frontends/frontend.h"
#include "compiler/frontends/onnx/types.h"
#include "mlq/graph.h"

namespace onnx {
class AttributeProto;
class FunctionProto;
class GraphProto;
class NodeProto;
class TensorProto;
}  // namespace onnx

namespace mlqc::onnx_format {

using mlq::Shape;
using mlq::TensorId;
using Ints = std::vector<std::int64_t>;
using Attributes = std::map<std::string, mlq::Attribute, std::less<>>;

// A tensor, a sequence of values, or nothing (an operand that is not given, an empty optional).
struct Value {
  TensorId id = mlq::no_tensor;
  int type = t_none;
  std::shared_ptr<const std::vector<Value>> list = nullptr;  // of a sequence

  bool given() const { return id != mlq::no_tensor || list; }
};
using Values = std::vector<Value>;

// What is the same for every graph of one file.
struct Model {
  const Source& source;
  std::shared_ptr<const void> owner;  // of the parsed file
  std::map<std::string, int, std::less<>> opsets = {};
  std::map<std::string, const ::onnx::FunctionProto*> functions = {};  // by "domain::name"
  std::string open = {};  // what to do where a dimension of an input must be known
  int fresh = 0;          // numbers values that have no name
  int lowered = 0;        // nodes so far
  int depth = 0;          // of functions and subgraphs

  int opset(std::string_view domain = "") const;
};

// Names of the file and what they stand for: those of a graph or of a function's body.
struct Names {
  std::map<std::string, Value> values = {};
  std::map<std::string, const ::onnx::TensorProto*> initializers = {};  // not asked for yet
  const std::map<std::string, const ::onnx::AttributeProto*>* attributes =
      nullptr;  // of a call of a function
};

class Build {
 public:
  explicit Build(Model& m, Build* around = nullptr) : model(m), outer(around) {}

  Model& model;
  Build* outer;  // of a subgraph, whose nodes may read what is around it
  mlq::Graph graph;
  Names names;

  // What is lowered from here on; messages say: node 'a' (Conv).
  void begin(std::string name, std::string kind);
  const std::string& name() const { return name_; }
  // Throws Error MLQ336: the node, its kind, and what is wrong.
  [[noreturn]] void fail(const std::string& what) const;
  void require(bool good, const char* what) const;

  // Results have the element type of the first operand of the same kind (float, integer, boolean); an
  // operator whose results have a fixed type says it.
  Value node(std::string op, const Values& inputs, Attributes attributes = {}, int type = t_none);
  Values nodes(std::string op, const Values& inputs, std::size_t outputs, Attributes attributes = {},
               int type = t_none);
  // A node whose results' types and shapes the caller knows: control flow, and what must not be folded.
  Values stated(std::string op, const Values& inputs, Attributes attributes,
                const std::vector<std::pair<int, Shape>>& results);
  // In a subgraph: the value of the graph around it.
  Value from_outer(const Value& value) { return capture(value, *outer); }

  // A new tensor that has no value yet: an input.
  Value input(const std::string& name, int type, Shape shape);
  Value floats(const Shape& shape, std::span<const float> values);
  Value number(float value);                     // a float scalar
  Value ints(const Ints& values);                // a vector
  Value scalar(std::int64_t value);              // an integer
  Value truth(bool value);                       // a boolean scalar
  Value constant(mlq::Tensor tensor, int type);  // as it is

  // Of a name in the file; an empty name is nothing. Throws MLQ336 when nothing makes it.
  Value resolve(const std::string& name);
  // The tensor takes the file's name unless it has one.
  void define(const std::string& name, Value value);
  // The initializer behind a name, or null when it is none.
  const ::onnx::TensorProto* initializer(const std::string& name) const;

  const mlq::Tensor& tensor(const Value& value) const {
    return graph.tensors[static_cast<std::size_t>(value.id)];
  }
  const Shape& shape(const Value& value) const { return tensor(value).shape; }
  std::int64_t rank(const Value& value) const { return static_cast<std::int64_t>(shape(value).size()); }
  std::int64_t axis(std::int64_t axis, std::int64_t rank) const;
  // A dimension that must be known now.
  std::int64_t dim(const Value& value, std::int64_t axis) const;
  bool is_constant(const Value& value) const { return value.given() && tensor(value).data.has_value(); }
  std::optional<Ints> known_ints(const Value& value) const;
  // Fails, saying `what` it is, when it is not constant.
  Ints constant_ints(const Value& value, const char* what) const;
  std::optional<float> known_float(const Value& value) const;

  // Common short forms.
  Value add(const Value& a, const Value& b) { return node("Add", {a, b}); }
  Value sub(const Value& a, const Value& b) { return node("Sub", {a, b}); }
  Value mul(const Value& a, const Value& b) { return node("Mul", {a, b}); }
  Value div(const Value& a, const Value& b) { return node("Div", {a, b}); }
  Value matmul(const Value& a, const Value& b) { return node("MatMul", {a, b}); }
  Value reshape(const Value& x, const Ints& target) { return node("Reshape", {x, ints(target)}); }
  Value transpose(const Value& x, const Ints& perm) { return node("Transpose", {x}, {{"perm", perm}}); }
  Value unsqueeze(const Value& x, const Ints& axes) { return node("Unsqueeze", {x, ints(axes)}); }
  Value squeeze(const Value& x, const Ints& axes) { return node("Squeeze", {x, ints(axes)}); }
  Value gather(const Value& x, const Value& indices, std::int64_t axis) {
    return node("Gather", {x, indices}, {{"axis", axis}});
  }
  Value slice(const Value& x, std::int64_t axis, std::int64_t from, std::int64_t to, std::int64_t step = 1);
  Value concat(const Values& parts, std::int64_t axis) { return node("Concat", parts, {{"axis", axis}}); }
  Value reduce(const char* op, const Value& x, const Ints& axes, bool keep);
  Value shape_of(const Value& x) { return node("Shape", {x}, {}, t_int64); }
  // The value converted to a type, as Cast does it: put on the type's grid.
  Value cast(const Value& x, int type, bool saturate = true, const std::string& rounding = "up");
  // The same numbers as float32 or int64, without a grid.
  Value as_float(const Value& x);
  Value as_integer(const Value& x);
  // Wraps the number around in its type; nothing for 64 bits and floats.
  Value wrapped(const Value& x, int type);

 private:
  std::string fresh_name();
  TensorId result(std::string name);
  Value capture(const Value& value, const Build& from);
  std::optional<Value> look_up(const std::string& name);

  std::string name_, kind_;
  std::set<TensorId> unnamed_;
  std::set<std::string> given_;  // names that tensors have got
  std::map<std::pair<const Build*, TensorId>, TensorId> captured_;
};

}  // namespace mlqc::onnx_format
