#include "compiler/frontends/tflite/operators.h"

#include <algorithm>

#include "compiler/frontends/custom.h"
#include "compiler/frontends/nhwc/arrays.h"
#include "compiler/support/error.h"
#include "model_generated.h"

namespace mlqc::tflite {

namespace {

using Family = std::span<const Row> (*)();
constexpr Family families[] = {arithmetic_rows, array_rows,   dense_rows,
                               recurrent_rows,  spatial_rows, suppression_rows};

// Operators that run code which the file does not bring.
constexpr int custom_operator = 32;

std::string custom_name(const Net& net, const wire::Operator& op) {
  if (code_of(net, op) != custom_operator) return "";
  const auto* custom = net.model.operator_codes()->Get(op.opcode_index())->custom_code();
  return custom ? custom->str() : "";
}

const Row* row_of(const Net& net, const wire::Operator& op) {
  return find_row(code_of(net, op), custom_name(net, op));
}

std::string kind_of(const Net& net, const wire::Operator& op) {
  if (const Row* row = row_of(net, op)) return row->name;
  const std::string custom = custom_name(net, op);
  return custom.empty() ? "built-in operator " + std::to_string(code_of(net, op)) : custom;
}

// Operators have no names of their own; people know them by what they make.
std::string name_of(const Net& net, const wire::Operator& op) {
  if (!op.outputs() || op.outputs()->size() == 0) return "";
  const auto* name = net.tensor(op.outputs()->Get(0)).name();
  return name ? name->str() : "";
}

// An operator that the user computes: constants of floats are its weights, in the order of the file. What the
// converter packed into its options is not read; parameters come from the manifest.
void lower_custom(Net& net, const CustomEntry& entry) {
  Ids operands, weights;
  for (std::size_t i = 0; i < net.inputs(); ++i) {
    if (!net.given(i)) continue;
    const TensorId id = net.in(i);
    const bool weight = net.b.is_constant(id) && net.b.tensor(id).type == mlq::DataType::float32;
    (weight ? weights : operands).push_back(id);
  }
  const std::size_t outputs = net.op->outputs() ? net.op->outputs()->size() : 0;
  mlq::Node node =
      custom_node(net.b.source, entry, {net.b.name(), "", "", {}}, std::move(operands), std::move(weights));
  const Ids results = append_custom(net.b.source, net.b.graph, std::move(node), outputs);
  for (std::size_t i = 0; i < outputs; ++i) net.out(results[i], i);
}

const CustomEntry* entry_for(const Net& net, const wire::Operator& op) {
  return find_op(net.b.source, kind_of(net, op));
}

}  // namespace

std::size_t Net::inputs() const { return op->inputs() ? op->inputs()->size() : 0; }

bool Net::given(std::size_t i) const {
  return i < inputs() && op->inputs()->Get(static_cast<flatbuffers::uoffset_t>(i)) >= 0;
}

const wire::Tensor& Net::tensor(std::int64_t index) const {
  b.require(index >= 0 && index < static_cast<std::int64_t>(graph.tensors()->size()),
            "refers to a tensor that is not there");
  return *graph.tensors()->Get(static_cast<flatbuffers::uoffset_t>(index));
}

const wire::Tensor& Net::result(std::size_t i) const {
  b.require(op->outputs() && i < op->outputs()->size(), "has fewer outputs than it makes");
  return tensor(op->outputs()->Get(static_cast<flatbuffers::uoffset_t>(i)));
}

TensorId Net::value(std::int64_t index) {
  const wire::Tensor& wanted = tensor(index);
  TensorId& known = values[static_cast<std::size_t>(index)];
  if (known == mlq::no_tensor) known = constant(*this, wanted);
  if (known == mlq::no_tensor)
    b.fail("reads '" + (wanted.name() ? wanted.name()->str() : "") + "', which nothing before it makes");
  return known;
}

TensorId Net::in(std::size_t i) {
  if (!given(i)) b.fail("has no input number " + std::to_string(i));
  return value(op->inputs()->Get(static_cast<flatbuffers::uoffset_t>(i)));
}

Ids Net::ins() {
  Ids ids;
  for (std::size_t i = 0; i < inputs(); ++i) ids.push_back(in(i));
  return ids;
}

void Net::out(TensorId id, std::size_t i) {
  result(i);
  values[static_cast<std::size_t>(op->outputs()->Get(static_cast<flatbuffers::uoffset_t>(i)))] = id;
}

void Net::finish(TensorId id, int activation) {
  switch (activation) {
    case wire::Activation_none:
      break;
    case wire::Activation_relu:
      id = b.node("Relu", {id});
      break;
    case wire::Activation_relu_n1_to_1:
      id = nhwc::clip(b, id, -1, 1);
      break;
    case wire::Activation_relu6:
      id = nhwc::clip(b, id, 0, 6);
      break;
    case wire::Activation_tanh:
      id = b.node("Tanh", {id});
      break;
    default:
      b.fail("has a fused activation that mlq does not know");
  }
  if (const auto range = range_of(result())) id = nhwc::clip(b, id, range->first, range->second);
  out(id);
}

const Row* find_row(int code, std::string_view custom) {
  for (const Row& row : custom_rows())
    if (code == custom_operator && row.name == custom) return &row;
  for (const Family family : families)
    for (const Row& row : family())
      if (row.code == code) return &row;
  return nullptr;
}

int code_of(const Net& net, const wire::Operator& op) {
  const auto* codes = net.model.operator_codes();
  net.b.require(op.opcode_index() < codes->size(), "refers to an operator code that is not there");
  const wire::OperatorCode* code = codes->Get(op.opcode_index());
  return std::max<int>(code->code(), code->narrow_code());
}

void check_supported(const Net& net) {
  Diagnostic diagnostic{{net.b.source.path.string()},
                        "",
                        "MLQ311",
                        "convert the model without these operators, or compute them yourself:",
                        {}};
  for (const wire::Operator* op : *net.graph.operators()) {
    if (row_of(net, *op) || entry_for(net, *op)) continue;
    std::string text = "layer '" + name_of(net, *op) + "' of kind " + kind_of(net, *op) + " is not supported";
    if (diagnostic.what.empty())
      diagnostic.what = std::move(text);
    else
      diagnostic.notes.push_back(std::move(text));
    const std::string kind = kind_of(net, *op);
    const std::string cure = "\n" + custom_layers_line("op", kind, kind.substr(0, kind.find(' ')));
    if (diagnostic.hint.find(cure) == std::string::npos) diagnostic.hint += cure;
  }
  if (!diagnostic.what.empty()) throw Error(Exit::model, std::move(diagnostic));
}

void lower_operators(Net& net) {
  for (const wire::Operator* op : *net.graph.operators()) {
    net.op = op;
    net.b.begin(name_of(net, *op), kind_of(net, *op));
    if (const Row* row = row_of(net, *op))
      row->lower(net, row->op);
    else
      lower_custom(net, *entry_for(net, *op));
  }
}

}  // namespace mlqc::tflite
