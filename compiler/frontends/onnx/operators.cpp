#include "compiler/frontends/onnx/operators.h"

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <array>

#include "compiler/frontends/onnx/tensor.h"
#include "compiler/support/error.h"
#include "mlq/kernel.h"

namespace mlqc::onnx_format {

namespace {

using ::onnx::AttributeProto;
using ::onnx::NodeProto;

// Far more than any network has; functions that call functions can ask for any number.
constexpr int most_nodes = 1'000'000;
constexpr int deepest = 24;

std::string plain(const std::string& domain) { return domain == "ai.onnx" ? "" : domain; }

std::string name_of(const NodeProto& node) {
  if (!node.name().empty()) return node.name();
  for (const std::string& output : node.output())
    if (!output.empty()) return output;
  return node.op_type();
}

std::string join(const AttributeProto& attribute) {
  std::string text;
  for (const std::string& part : attribute.strings()) text += (text.empty() ? "" : ",") + part;
  return text;
}

std::optional<mlq::Attribute> to_attribute(const AttributeProto& proto) {
  switch (proto.type()) {
    case AttributeProto::INT:
      return proto.i();
    case AttributeProto::FLOAT:
      return proto.f();
    case AttributeProto::STRING:
      return proto.s();
    case AttributeProto::INTS:
      return Ints(proto.ints().begin(), proto.ints().end());
    case AttributeProto::FLOATS:
      return std::vector<float>(proto.floats().begin(), proto.floats().end());
    case AttributeProto::STRINGS:
      return join(proto);
    default:
      return {};
  }
}

struct Deeper {
  Model& model;
  explicit Deeper(Build& b) : model(b.model) {
    if (++model.depth > deepest) {
      --model.depth;
      b.fail("is nested too deep");
    }
  }
  ~Deeper() { --model.depth; }
};

const ::onnx::FunctionProto* function_of(const Model& model, const NodeProto& node) {
  const auto found = model.functions.find(plain(node.domain()) + "::" + node.op_type());
  return found == model.functions.end() ? nullptr : found->second;
}

// The body in place of the call, with names of its own.
void call(Op& op, const ::onnx::FunctionProto& function) {
  Build& b = op.b;
  const Deeper deeper(b);
  std::map<std::string, const AttributeProto*> attributes;
  for (const std::string& name : function.attribute())
    if (const AttributeProto* value = op.attribute(name)) attributes[name] = value;
  Names inner;
  inner.attributes = &attributes;
  for (int i = 0; i < function.input_size(); ++i)
    inner.values[function.input(i)] = op.maybe(static_cast<std::size_t>(i));
  std::swap(b.names, inner);
  for (const NodeProto& node : function.node()) lower(b, node);
  Values results;
  for (const std::string& name : function.output()) results.push_back(b.resolve(name));
  std::swap(b.names, inner);
  for (std::size_t i = 0; i < op.outputs() && i < results.size(); ++i) op.out(results[i], i);
}

// Operators whose results are counts or places, whatever their operands are.
constexpr auto places =
    std::to_array<std::string_view>({"Shape", "Size", "ArgMax", "ArgMin", "NonZero", "NonMaxSuppression"});
// Operators whose kernels compute floats only.
constexpr auto floats_only = std::to_array<std::string_view>({"MatMul",
                                                              "Gemm",
                                                              "MaxPool",
                                                              "AveragePool",
                                                              "ReduceMean",
                                                              "Mean",
                                                              "Resize",
                                                              "Softmax",
                                                              "Einsum",
                                                              "Det",
                                                              "Sqrt",
                                                              "Exp",
                                                              "Reciprocal",
                                                              "Ceil",
                                                              "Floor",
                                                              "Round",
                                                              "LpNormalization",
                                                              "GlobalAveragePool",
                                                              "ReduceL2",
                                                              "ReduceLogSum",
                                                              "ReduceLogSumExp",
                                                              "PRelu",
                                                              "LeakyRelu",
                                                              "IsInf",
                                                              "IsNaN"});
// Operators of integers that can leave the type of their operands.
constexpr auto leaving = std::to_array<std::string_view>(
    {"Add", "Sub", "Mul", "Neg", "Abs", "Pow", "Div", "Sum", "CumSum", "CumProd", "ReduceSum", "ReduceProd",
     "ReduceL1", "ReduceSumSquare", "MatMul", "Gemm", "BitwiseNot"});

template <std::size_t n>
bool among(std::string_view op, const std::array<std::string_view, n>& list) {
  return std::find(list.begin(), list.end(), op) != list.end();
}

void collect(const Model& model, const NodeProto& node, std::set<std::string>& missing, int depth);

template <class Nodes>
void collect_all(const Model& model, const Nodes& nodes, std::set<std::string>& missing, int depth) {
  if (depth > deepest) return;  // lowering says so
  for (const NodeProto& node : nodes) collect(model, node, missing, depth);
}

void collect(const Model& model, const NodeProto& node, std::set<std::string>& missing, int depth) {
  for (const AttributeProto& attribute : node.attribute())
    if (attribute.has_g()) collect_all(model, attribute.g().node(), missing, depth + 1);
  if (function_of(model, node)) return;  // bodies are looked at once, by check_supported
  const std::string domain = plain(node.domain());
  if (find_row(domain, node.op_type()) || (domain.empty() && mlq::find_kernel(node.op_type()))) return;
  missing.insert(
      fmt::format("{}{}{} ({})", domain, domain.empty() ? "" : ".", node.op_type(), name_of(node)));
}

}  // namespace

const std::string& Op::type() const { return proto.op_type(); }
std::size_t Op::inputs() const { return static_cast<std::size_t>(proto.input_size()); }
std::size_t Op::outputs() const { return static_cast<std::size_t>(proto.output_size()); }
const std::string& Op::input_name(std::size_t i) const { return proto.input(static_cast<int>(i)); }
bool Op::given(std::size_t i) const { return i < inputs() && !input_name(i).empty(); }

Value Op::maybe(std::size_t i) { return given(i) ? b.resolve(input_name(i)) : Value{}; }

Value Op::in(std::size_t i) {
  Value value = maybe(i);
  if (!value.given()) b.fail(fmt::format("needs its operand {}", i + 1));
  return value;
}

Values Op::ins() {
  Values values;
  for (std::size_t i = 0; i < inputs(); ++i) values.push_back(maybe(i));
  return values;
}

bool Op::wanted(std::size_t i) const { return i < outputs() && !proto.output(static_cast<int>(i)).empty(); }

void Op::out(const Value& value, std::size_t i) {
  if (wanted(i)) b.define(proto.output(static_cast<int>(i)), value);
}

void Op::outs(const Values& values) {
  for (std::size_t i = 0; i < values.size(); ++i) out(values[i], i);
}

const AttributeProto* Op::attribute(std::string_view name) const {
  for (const AttributeProto& attribute : proto.attribute()) {
    if (attribute.name() != name) continue;
    if (attribute.ref_attr_name().empty()) return &attribute;
    if (!b.names.attributes) return nullptr;
    const auto found = b.names.attributes->find(attribute.ref_attr_name());
    return found == b.names.attributes->end() ? nullptr : found->second;
  }
  return nullptr;
}

std::int64_t Op::i(std::string_view name, std::int64_t otherwise) const {
  const AttributeProto* found = attribute(name);
  return found ? found->i() : otherwise;
}
float Op::f(std::string_view name, float otherwise) const {
  const AttributeProto* found = attribute(name);
  return found ? found->f() : otherwise;
}
std::string Op::s(std::string_view name, const std::string& otherwise) const {
  const AttributeProto* found = attribute(name);
  return found ? found->s() : otherwise;
}
Ints Op::is(std::string_view name) const {
  const AttributeProto* found = attribute(name);
  return found ? Ints(found->ints().begin(), found->ints().end()) : Ints{};
}
std::vector<float> Op::fs(std::string_view name) const {
  const AttributeProto* found = attribute(name);
  return found ? std::vector<float>(found->floats().begin(), found->floats().end()) : std::vector<float>{};
}
std::optional<Value> Op::t(std::string_view name) const {
  const AttributeProto* found = attribute(name);
  if (!found || !found->has_t()) return {};
  mlq::Tensor tensor = to_tensor(found->t(), {b.model.source, b.model.owner});
  tensor.name.clear();  // names in attributes are nobody's: it gets that of the result
  return b.constant(std::move(tensor), found->t().data_type());
}

Attributes Op::attributes() const {
  Attributes all;
  for (const AttributeProto& mine : proto.attribute())
    if (const AttributeProto* value = attribute(mine.name()))
      if (auto converted = to_attribute(*value)) all.insert_or_assign(mine.name(), std::move(*converted));
  return all;
}

void pass(Op& op) {
  Values inputs = op.ins();
  while (!inputs.empty() && !inputs.back().given()) inputs.pop_back();
  const int type = among(op.type(), places) ? t_int64 : t_none;
  const int first = inputs.empty() ? t_none : inputs[0].type;
  const bool detour = among(op.type(), floats_only) && is_integer(first);
  if (detour)
    for (Value& input : inputs)
      if (is_integer(input.type)) input = op.b.as_float(input);
  Values results = op.b.nodes(op.type(), inputs, op.outputs(), op.attributes(), type);
  for (Value& result : results) {
    if (detour && is_float(result.type))
      result = op.b.cast(result, first);
    else if (is_integer(result.type) && among(op.type(), leaving))
      result = op.b.wrapped(result, result.type);
  }
  op.outs(results);
}

const Row* find_row(std::string_view domain, std::string_view op) {
  for (const auto rows : {arithmetic_rows(), array_rows(), attention_rows(), control_rows(), loss_rows(),
                          norm_rows(), quantized_rows(), sequence_rows(), signal_rows()})
    for (const Row& row : rows)
      if (row.op == op && row.domain == domain) return &row;
  return nullptr;
}

void check_supported(const Model& model, const ::onnx::GraphProto& graph) {
  std::set<std::string> missing;
  collect_all(model, graph.node(), missing, 0);
  for (const auto& [name, function] : model.functions) collect_all(model, function->node(), missing, 0);
  if (missing.empty()) return;
  Diagnostic diagnostic{{model.source.path.string()},
                        fmt::format("mlq cannot run {} of the model's operators", missing.size()),
                        "MLQ311",
                        "compiler/frontends/ONNX.md lists what mlq runs",
                        {missing.begin(), missing.end()}};
  throw Error(Exit::model, diagnostic);
}

void lower(Build& b, const NodeProto& node) {
  b.begin(name_of(node), node.op_type());
  if (++b.model.lowered > most_nodes) b.fail("is one of more than a million");
  Op op(b, node);
  if (const auto* function = function_of(b.model, node)) return call(op, *function);
  if (const Row* row = find_row(plain(node.domain()), node.op_type())) return row->lower(op);
  if (!plain(node.domain()).empty() || !mlq::find_kernel(node.op_type()))
    b.fail("is no operator that mlq knows");
  pass(op);
}

void lower_graph(Build& b, const ::onnx::GraphProto& graph) {
  const Deeper deeper(b);
  if (graph.sparse_initializer_size() > 0) b.fail("has sparse initializers, which mlq does not read");
  for (const auto& initializer : graph.initializer()) b.names.initializers[initializer.name()] = &initializer;
  for (const NodeProto& node : graph.node()) lower(b, node);
}

}  // namespace mlqc::onnx_format
