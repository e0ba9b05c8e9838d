#include "compiler/frontends/onnx/upgrade.h"

#include <onnx/onnx_pb.h>

#include <functional>
#include <string_view>

namespace mlqc::onnx_format {

namespace {

using ::onnx::AttributeProto;
using ::onnx::NodeProto;
using ::onnx::TensorProto;

// One node on its way: what must come before it and after it.
struct Work {
  NodeProto node;
  std::string prefix;
  std::vector<NodeProto> before, after;

  std::string fresh() { return prefix + std::to_string(before.size() + after.size()); }
};

const AttributeProto* find(const NodeProto& node, std::string_view name) {
  for (const AttributeProto& attribute : node.attribute())
    if (attribute.name() == name) return &attribute;
  return nullptr;
}

void erase(NodeProto& node, std::string_view name) {
  for (int i = 0; i < node.attribute_size(); ++i)
    if (node.attribute(i).name() == name) return node.mutable_attribute()->DeleteSubrange(i, 1);
}

void set_int(NodeProto& node, const char* name, std::int64_t value) {
  erase(node, name);
  AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(AttributeProto::INT);
  attribute.set_i(value);
}

void set_string(NodeProto& node, const char* name, const char* value) {
  erase(node, name);
  AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(AttributeProto::STRING);
  attribute.set_s(value);
}

std::string add_constant(Work& work, const TensorProto& value) {
  const std::string name = work.fresh();
  NodeProto& constant = work.before.emplace_back();
  constant.set_op_type("Constant");
  constant.add_output(name);
  AttributeProto& attribute = *constant.add_attribute();
  attribute.set_name("value");
  attribute.set_type(AttributeProto::TENSOR);
  *attribute.mutable_t() = value;
  return name;
}

TensorProto ints_tensor(const google::protobuf::RepeatedField<std::int64_t>& values) {
  TensorProto tensor;
  tensor.set_data_type(TensorProto::INT64);
  tensor.add_dims(values.size());
  *tensor.mutable_int64_data() = values;
  return tensor;
}

TensorProto floats_tensor(const google::protobuf::RepeatedField<float>& values, bool scalar = false) {
  TensorProto tensor;
  tensor.set_data_type(TensorProto::FLOAT);
  if (!scalar) tensor.add_dims(values.size());
  *tensor.mutable_float_data() = values;
  return tensor;
}

void set_input(NodeProto& node, int index, const std::string& name) {
  while (node.input_size() <= index) node.add_input("");
  node.set_input(index, name);
}

// An attribute that later became an operand. A single number becomes a vector of one, or a scalar for floats,
// as all operators that did this want it.
void to_operand(Work& work, const char* attribute_name, int index) {
  const AttributeProto* attribute = find(work.node, attribute_name);
  if (!attribute) return;
  google::protobuf::RepeatedField<std::int64_t> ints = attribute->ints();
  google::protobuf::RepeatedField<float> floats = attribute->floats();
  TensorProto value;
  switch (attribute->type()) {
    case AttributeProto::INT:
      ints.Add(attribute->i());
      [[fallthrough]];
    case AttributeProto::INTS:
      value = ints_tensor(ints);
      break;
    case AttributeProto::FLOAT:
      floats.Add(attribute->f());
      value = floats_tensor(floats, true);
      break;
    default:
      value = floats_tensor(floats);
      break;
  }
  set_input(work.node, index, add_constant(work, value));
  erase(work.node, attribute_name);
}

void axes_to_operand(Work& work) { to_operand(work, "axes", 1); }

void pad(Work& work) {
  if (AttributeProto* old = const_cast<AttributeProto*>(find(work.node, "paddings"))) old->set_name("pads");
  to_operand(work, "pads", 1);
  to_operand(work, "value", 2);
}

void slice(Work& work) {
  to_operand(work, "starts", 1);
  to_operand(work, "ends", 2);
  to_operand(work, "axes", 3);
}

void clip(Work& work) {
  to_operand(work, "min", 1);
  to_operand(work, "max", 2);
}

// Before operator set 7 the second operand was aligned at `axis` instead of at the right.
void legacy_broadcast(Work& work) {
  const AttributeProto* axis = find(work.node, "axis");
  const bool aligned = axis != nullptr;
  if (aligned) {
    NodeProto& align = work.before.emplace_back();
    align.set_op_type("AlignTo");
    align.add_input(work.node.input(0));
    align.add_input(work.node.input(1));
    align.add_output(work.prefix + "aligned");
    set_int(align, "axis", axis->i());
    work.node.set_input(1, align.output(0));
  }
  erase(work.node, "axis");
  erase(work.node, "broadcast");
}

// Before operator set 13, Softmax and its kin worked on the matrix [dims before axis, dims from axis on].
void flattened(Work& work) {
  const AttributeProto* attribute = find(work.node, "axis");
  const std::int64_t axis = attribute ? attribute->i() : 1;
  const std::string input = work.node.input(0), output = work.node.output(0);
  auto add = [&](std::vector<NodeProto>& list, const char* op, std::vector<std::string> inputs,
                 std::string result) {
    NodeProto& node = list.emplace_back();
    node.set_op_type(op);
    for (const std::string& name : inputs) node.add_input(name);
    node.add_output(result);
    return &node;
  };
  add(work.before, "Shape", {input}, work.prefix + "shape");
  set_int(*add(work.before, "Flatten", {input}, work.prefix + "flat"), "axis", axis);
  work.node.set_input(0, work.prefix + "flat");
  work.node.set_output(0, work.prefix + "result");
  set_int(work.node, "axis", -1);
  add(work.after, "Reshape", {work.prefix + "result", work.prefix + "shape"}, output);
}

// Upsample is Resize with the oldest coordinates there were.
void upsample(Work& work) {
  work.node.set_op_type("Resize");
  to_operand(work, "scales", 2);
  if (work.node.input_size() == 2) {  // operator set 9: scales are operand 1
    set_input(work.node, 2, work.node.input(1));
  }
  set_input(work.node, 1, "");
  set_string(work.node, "coordinate_transformation_mode", "asymmetric");
  set_string(work.node, "nearest_mode", "floor");
}

void resize_10(Work& work) { upsample(work); }

void rename_to(Work& work, const char* op) { work.node.set_op_type(op); }

void concat_1(Work& work) {
  if (!find(work.node, "axis")) set_int(work.node, "axis", 1);
}

struct Rule {
  std::string_view op;
  int since, before;  // holds for since <= operator set < before
  void (*apply)(Work&);
};

constexpr Rule rules[] = {
    {"Squeeze", 1, 13, axes_to_operand},
    {"Unsqueeze", 1, 13, axes_to_operand},
    {"ReduceSum", 1, 13, axes_to_operand},
    {"Split", 1, 13, [](Work& w) { to_operand(w, "split", 1); }},
    {"Pad", 1, 11, pad},
    {"Slice", 1, 10, slice},
    {"Clip", 1, 11, clip},
    {"Reshape", 1, 5, [](Work& w) { to_operand(w, "shape", 1); }},
    {"Tile", 1, 6, [](Work& w) { to_operand(w, "repeats", 1); }},
    {"TopK", 1, 10, [](Work& w) { to_operand(w, "k", 1); }},
    {"Dropout", 7, 12, [](Work& w) { erase(w.node, "ratio"); }},
    {"Concat", 1, 4, concat_1},
    {"Softmax", 1, 13, flattened},
    {"LogSoftmax", 1, 13, flattened},
    {"Hardmax", 1, 13, flattened},
    {"Upsample", 1, 10, upsample},
    {"Resize", 10, 11, resize_10},
    {"Scatter", 1, 100, [](Work& w) { rename_to(w, "ScatterElements"); }},
    {"Add", 1, 7, legacy_broadcast},
    {"Sub", 1, 7, legacy_broadcast},
    {"Mul", 1, 7, legacy_broadcast},
    {"Div", 1, 7, legacy_broadcast},
    {"Pow", 1, 7, legacy_broadcast},
    {"And", 1, 7, legacy_broadcast},
    {"Or", 1, 7, legacy_broadcast},
    {"Xor", 1, 7, legacy_broadcast},
    {"Equal", 1, 7, legacy_broadcast},
    {"Less", 1, 7, legacy_broadcast},
    {"Greater", 1, 7, legacy_broadcast},
};

}  // namespace

std::vector<NodeProto> upgrade(const NodeProto& node, int opset, const std::string& prefix) {
  Work work{node, prefix, {}, {}};
  if (node.domain().empty() || node.domain() == "ai.onnx")
    for (const Rule& rule : rules)
      if (rule.op == node.op_type() && rule.since <= opset && opset < rule.before) {
        rule.apply(work);
        break;
      }
  std::vector<NodeProto> nodes = std::move(work.before);
  nodes.push_back(std::move(work.node));
  for (NodeProto& later : work.after) nodes.push_back(std::move(later));
  return nodes;
}

}  // namespace mlqc::onnx_format
