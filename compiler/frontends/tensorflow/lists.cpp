#include "compiler/frontends/tensorflow/lists.h"

#include <algorithm>
#include <cstring>

#include "compiler/frontends/nhwc/arrays.h"
#include "compiler/frontends/tensorflow/graph.pb.h"

namespace mlqc::tensorflow {

namespace {

const Step& step_at(const Program& program, Wire wire) {
  return program.steps[static_cast<std::size_t>(wire.step)];
}

// Which operand of which operator is what.
struct Writer {
  std::string_view op;
  std::size_t list, item;
  int index;  // -1: at the end
};
constexpr Writer writers[] = {
    {"TensorArrayWriteV3", 3, 2, 1}, {"TensorListSetItem", 0, 2, 1}, {"TensorListPushBack", 0, 1, -1}};

struct Joiner {
  std::string_view op;
  std::size_t list;
};
constexpr Joiner joiners[] = {{"TensorArrayConcatV3", 1}, {"TensorListConcat", 0}, {"TensorListConcatV2", 0}};

// The last operand of TensorArray's operators is the flow, which stands for what was written so far; lists
// are values themselves.
std::size_t list_of(const Net& net) {
  return op_of(net.step()).starts_with("TensorArray") ? net.inputs() - 1 : 0;
}

void fresh(Net& net, const char*) { net.outs({mlq::no_tensor, mlq::no_tensor}); }
void whole(Net& net, const char*) { net.out(net.in(list_of(net))); }
void from_tensor(Net& net, const char*) { net.out(net.in(0)); }

void read(Net& net, const char*) { net.out(nhwc::gather(net.b, net.in(list_of(net)), net.in(1), 0)); }

void length(Net& net, const char*) {
  const TensorId list = net.in(list_of(net));
  net.b.require(net.b.rank(list) > 0, "counts the elements of a single number");
  net.out(nhwc::gather(net.b, net.b.shape_of(list), net.b.scalar(0), 0));
}

// 0, 1, 2 and so on, as Range makes them.
bool counts_up(const Net& net, Wire wire) {
  const Step& step = step_at(net.program, source_of(net.program, wire));
  return op_of(step) == "Range" && step.inputs.size() == 3 &&
         constant_number(net.program, step.inputs[0]) == 0 &&
         constant_number(net.program, step.inputs[2]) == 1;
}

// All elements at once: those of a tensor along its first axis.
void scatter(Net& net, const char*) {
  net.b.require(net.inputs() == 4 && counts_up(net, net.step().inputs[1]),
                "writes the elements of an array in another order than theirs");
  net.out(net.in(2));
}

void write(Net& net, const char*) {
  for (const Writer& writer : writers) {
    if (writer.op != op_of(net.step())) continue;
    net.b.require(writer.index >= 0, "appends to an array outside of a loop, which mlq does not support");
    const TensorId list = net.in(writer.list), item = net.in(writer.item);
    const TensorId index = net.b.reshape(net.in(static_cast<std::size_t>(writer.index)), {1, 1});
    net.out(net.b.node("ScatterND", {list, index, nhwc::expand_dims(net.b, item, 0)}));
  }
}

constexpr Row rows[] = {
    {"EmptyTensorList", fresh},    {"TensorArrayConcatV3", whole},        {"TensorArrayGatherV3", read},
    {"TensorArrayReadV3", read},   {"TensorArrayScatterV3", scatter},     {"TensorArraySizeV3", length},
    {"TensorArrayV3", fresh},      {"TensorArrayWriteV3", write},         {"TensorListConcat", whole},
    {"TensorListConcatV2", whole}, {"TensorListFromTensor", from_tensor}, {"TensorListGather", read},
    {"TensorListGetItem", read},   {"TensorListLength", length},          {"TensorListPushBack", write},
    {"TensorListReserve", fresh},  {"TensorListSetItem", write},          {"TensorListStack", whole},
};

}  // namespace

std::span<const Row> list_rows() { return rows; }

bool is_fresh_list(const Program& program, Wire wire) {
  const std::string& op = op_of(step_at(program, source_of(program, wire)));
  return op == "TensorArrayV3" || op == "TensorListReserve" || op == "EmptyTensorList";
}

std::optional<ListWrite> list_write(const Program& program, Wire result, Wire list) {
  const Step& step = step_at(program, source_of(program, result));
  for (const Writer& writer : writers) {
    if (writer.op != op_of(step) || step.inputs.size() <= std::max(writer.list, writer.item)) continue;
    const Wire to = source_of(program, step.inputs[writer.list]);
    if (to.step != list.step || to.output != list.output) continue;
    ListWrite write{step.inputs[writer.item], {}};
    if (writer.index >= 0) write.index = step.inputs[static_cast<std::size_t>(writer.index)];
    return write;
  }
  return {};
}

bool is_joined(const Program& program, Wire list) {
  return std::any_of(program.steps.begin(), program.steps.end(), [&](const Step& step) {
    for (const Joiner& joiner : joiners) {
      if (joiner.op != op_of(step) || step.inputs.size() <= joiner.list) continue;
      const Wire from = source_of(program, step.inputs[joiner.list]);
      return from.step == list.step && from.output == list.output;
    }
    return false;
  });
}

TensorId empty_list(Net& net, Wire list) {
  const Step& step = step_at(net.program, source_of(net.program, list));
  const auto said = step.def->attr().find("element_shape");
  net.b.require(op_of(step) == "TensorArrayV3" && said != step.def->attr().end() &&
                    said->second.has_shape() && said->second.shape().dim_size() > 0,
                "joins an array that does not say the shape of its elements");
  Shape shape{0};
  for (int d = 1; d < said->second.shape().dim_size(); ++d) {
    shape.push_back(said->second.shape().dim(d).size());
    net.b.require(shape.back() >= 0, "joins an array of elements of unknown shape");
  }
  const auto type = step.def->attr().find("dtype");
  const bool real =
      type != step.def->attr().end() && data_type(net, type->second.type()) == mlq::DataType::float32;
  const std::vector<std::int64_t> none;
  return real ? net.b.floats(shape, {})
              : mlq::add_constant(net.b.graph, step.name, shape, std::span<const std::int64_t>(none));
}

std::optional<std::int64_t> constant_number(const Program& program, Wire wire) {
  const Step& step = step_at(program, source_of(program, wire));
  if (op_of(step) != "Const") return {};
  const auto value = step.def->attr().find("value");
  if (value == step.def->attr().end() || !value->second.has_tensor()) return {};
  const TensorProto& tensor = value->second.tensor();
  if (tensor.int_val_size() == 1) return tensor.int_val(0);
  if (tensor.int64_val_size() == 1) return tensor.int64_val(0);
  constexpr int int32_type = 3, int64_type = 9;
  std::int32_t narrow = 0;
  std::int64_t wide = 0;
  const std::string& bytes = tensor.tensor_content();
  if (tensor.dtype() == int32_type && bytes.size() == sizeof narrow) {
    std::memcpy(&narrow, bytes.data(), sizeof narrow);
    return narrow;
  }
  if (tensor.dtype() == int64_type && bytes.size() == sizeof wide) {
    std::memcpy(&wide, bytes.data(), sizeof wide);
    return wide;
  }
  // No number at all is zero.
  const bool none = bytes.empty() && tensor.tensor_shape().dim_size() == 0;
  return none && (tensor.dtype() == int32_type || tensor.dtype() == int64_type)
             ? std::optional<std::int64_t>(0)
             : std::nullopt;
}

}  // namespace mlqc::tensorflow
