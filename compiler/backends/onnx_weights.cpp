#include "compiler/backends/onnx_weights.h"

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>

#include "compiler/support/error.h"

namespace mlqc {

namespace {

using mlq::Tensor;
using ::onnx::AttributeProto;
using ::onnx::NodeProto;
using ::onnx::TensorProto;
using Ints = std::vector<std::int64_t>;

constexpr int axis_since = 13, packed_since = 21;  // DequantizeLinear along an axis, and of four-bit numbers
constexpr int uint4 = 21;                          // TensorProto.DataType, newer than Debian's schema

// How a weight lies in the nodes that restore it, and how its groups' parameters do to reach their weights by
// broadcasting. Groups in other blocks than those along an axis have two dimensions for each of the weight's,
// the block and the place in it, and the last block of a dimension is filled up.
struct Form {
  explicit Form(const Tensor& tensor)
      : codes(tensor.shape), full(tensor.shape), axis(mlq::axis_of(tensor.quantization->blocks)) {
    if (!axis) interleave(tensor.quantization->blocks);
    if (axis.value_or(-1) < 0 || tensor.shape[static_cast<std::size_t>(*axis)] == 1) return;
    parameters.assign(codes.size() - static_cast<std::size_t>(*axis), 1);
    parameters[0] = codes[static_cast<std::size_t>(*axis)];
  }

  Ints codes, parameters;
  Ints full;  // the weight's own shape, with all blocks full
  std::optional<int> axis;

 private:
  void interleave(const Ints& blocks) {
    codes.clear();
    for (std::size_t d = 0; d < full.size(); ++d) {
      const std::int64_t block = d < blocks.size() && blocks[d] > 0 ? blocks[d] : full[d];
      const std::int64_t count = (full[d] + block - 1) / block;
      full[d] = count * block;
      codes.insert(codes.end(), {count, block});
      parameters.insert(parameters.end(), {count, 1});
    }
  }
};

// Nodes that stand for one weight, in order; names begin with the weight's own.
class Writer {
 public:
  Writer(std::string weight, int opset) : weight_(std::move(weight)), opset_(opset) {}

  std::vector<NodeProto> nodes;
  int opset() const { return opset_; }

  NodeProto& add(const char* op, std::initializer_list<std::string> inputs) {
    NodeProto& node = nodes.emplace_back();
    node.set_op_type(op);
    for (const std::string& input : inputs) node.add_input(input);
    node.add_output(fmt::format("{}/mlq{}", weight_, nodes.size()));
    return node;
  }
  std::string node(const char* op, std::initializer_list<std::string> inputs) {
    return add(op, inputs).output(0);
  }

  // A Constant node, which every version of the format knows; initializers were inputs once.
  std::string constant(int type, const Ints& shape, std::string bytes) {
    NodeProto& node = add("Constant", {});
    AttributeProto& attribute = *node.add_attribute();
    attribute.set_name("value");
    attribute.set_type(AttributeProto::TENSOR);
    TensorProto& tensor = *attribute.mutable_t();
    tensor.set_data_type(type);
    for (const std::int64_t dim : shape) tensor.add_dims(dim);
    tensor.set_raw_data(std::move(bytes));
    return node.output(0);
  }
  template <class T>
  std::string numbers(int type, const Ints& shape, std::span<const T> values) {
    return constant(type, shape, {reinterpret_cast<const char*>(values.data()), values.size_bytes()});
  }

  std::string cast(const std::string& x, int type) {
    NodeProto& node = add("Cast", {x});
    AttributeProto& to = *node.add_attribute();
    to.set_name("to");
    // A word until operator set 6.
    to.set_type(opset_ < 6 ? AttributeProto::STRING : AttributeProto::INT);
    if (opset_ < 6)
      to.set_s(::onnx::TensorProto_DataType_Name(static_cast<::onnx::TensorProto_DataType>(type)));
    else
      to.set_i(type);
    return node.output(0);
  }

  // y of one number.
  std::string binary(const char* op, const std::string& x, int type, float y) {
    NodeProto& node = add(op, {x, numbers<float>(type, {}, {&y, 1})});
    if (opset_ < 7) set_int(node, "broadcast", 1);
    return node.output(0);
  }

  // y of each group. Before operator set 7, only what lies along an axis is broadcast.
  std::string binary(const char* op, const std::string& x, const Form& form, int type,
                     std::span<const float> y) {
    if (y.size() == 1) return binary(op, x, type, y[0]);
    const bool old = opset_ < 7;
    const Ints shape = old ? Ints{static_cast<std::int64_t>(y.size())} : form.parameters;
    NodeProto& node = add(op, {x, numbers(type, shape, y)});
    if (old) {
      set_int(node, "broadcast", 1);
      set_int(node, "axis", form.axis.value_or(0));
    }
    return node.output(0);
  }

  std::string reshape(const std::string& x, const Ints& shape) {
    if (opset_ >= 5)
      return node("Reshape", {x, numbers<std::int64_t>(TensorProto::INT64,
                                                       {static_cast<std::int64_t>(shape.size())}, shape)});
    NodeProto& node = add("Reshape", {x});
    set_ints(node, "shape", shape);
    return node.output(0);
  }

  // The first `shape` elements along each dimension.
  std::string cut(const std::string& x, const Ints& shape) {
    const Ints zeros(shape.size(), 0), rank = {static_cast<std::int64_t>(shape.size())};
    if (opset_ >= 10) {
      const std::string starts = numbers<std::int64_t>(TensorProto::INT64, rank, zeros);
      return node("Slice", {x, starts, numbers<std::int64_t>(TensorProto::INT64, rank, shape)});
    }
    NodeProto& node = add("Slice", {x});
    set_ints(node, "starts", zeros);
    set_ints(node, "ends", shape);
    return node.output(0);
  }

  static void set_int(NodeProto& node, const char* name, std::int64_t value) {
    AttributeProto& attribute = *node.add_attribute();
    attribute.set_name(name);
    attribute.set_type(AttributeProto::INT);
    attribute.set_i(value);
  }

  static void set_ints(NodeProto& node, const char* name, const Ints& values) {
    AttributeProto& attribute = *node.add_attribute();
    attribute.set_name(name);
    attribute.set_type(AttributeProto::INTS);
    for (const std::int64_t value : values) attribute.add_ints(value);
  }

 private:
  std::string weight_;
  int opset_;
};

// The unsigned numbers of a quantized tensor, one per byte.
std::vector<std::uint8_t> codes_of(const Tensor& tensor) {
  const int bits = tensor.quantization->bits;
  std::vector<std::uint8_t> codes(static_cast<std::size_t>(*mlq::element_count(tensor.shape)));
  const auto bytes = tensor.data->bytes;
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const std::size_t at = i * static_cast<std::size_t>(bits);
    unsigned word = std::to_integer<unsigned>(bytes[at / 8]) << 8;
    if (at / 8 + 1 < bytes.size()) word |= std::to_integer<unsigned>(bytes[at / 8 + 1]);
    codes[i] = static_cast<std::uint8_t>(word >> (16 - bits - static_cast<int>(at % 8)) & ((1u << bits) - 1));
  }
  return codes;
}

// Codes of 1, 2 or 4 bits several in a byte, the first one in the lowest bits.
std::string packed(const std::vector<std::uint8_t>& codes, int bits) {
  const auto width = static_cast<std::size_t>(bits), each = 8 / width;
  std::string bytes((codes.size() + each - 1) / each, '\0');
  for (std::size_t i = 0; i < codes.size(); ++i)
    bytes[i / each] =
        static_cast<char>(static_cast<unsigned char>(bytes[i / each]) | codes[i] << i % each * width);
  return bytes;
}

// Codes as floats in the weight's shape. What is packed is taken apart by dividing and rounding down, since
// no old operator knows of bits: f(k) = floor(x / 2^(k bits)), code k = f(k) - f(k + 1) 2^bits.
std::string unpacked(Writer& w, const Ints& shape, const std::vector<std::uint8_t>& codes, int bits) {
  const auto each = static_cast<std::size_t>(8 / bits);
  const std::string bytes = packed(codes, bits);
  const auto n = static_cast<std::int64_t>(bytes.size());
  std::string rest = w.cast(w.constant(TensorProto::UINT8, {n, 1}, bytes), TensorProto::FLOAT);
  const auto factor = static_cast<float>(1 << bits);
  std::vector<std::string> columns;
  for (std::size_t k = 0; k < each; ++k) {
    const std::string higher = w.node("Floor", {w.binary("Div", rest, TensorProto::FLOAT, factor)});
    columns.push_back(w.node("Sub", {rest, w.binary("Mul", higher, TensorProto::FLOAT, factor)}));
    rest = higher;
  }
  NodeProto& join = w.add("Concat", {});
  for (const std::string& column : columns) join.add_input(column);
  Writer::set_int(join, "axis", 1);
  const std::string joined = join.output(0);
  return w.reshape(joined, shape);
}

// The fewest bits that divide a byte; whole bytes where the last one would not be full.
int stored_bits(const Form& form, int bits) {
  const int wide = bits <= 2 ? bits : bits <= 4 ? 4 : 8;
  return *mlq::element_count(form.codes) % (8 / wide) == 0 ? wide : 8;
}

// The codes where full blocks have them; what fills the last ones up is 0.
std::vector<std::uint8_t> filled(const std::vector<std::uint8_t>& codes, const Ints& shape,
                                 const Ints& full) {
  if (shape == full) return codes;
  std::vector<std::uint8_t> result(static_cast<std::size_t>(*mlq::element_count(full)));
  for (std::size_t i = 0; i < codes.size(); ++i) {
    std::size_t rest = i, place = 0, step = 1;
    for (std::size_t d = shape.size(); d-- > 0; rest /= static_cast<std::size_t>(shape[d])) {
      place += rest % static_cast<std::size_t>(shape[d]) * step;
      step *= static_cast<std::size_t>(full[d]);
    }
    result[place] = codes[i];
  }
  return result;
}

std::string codes_as_floats(Writer& w, const Tensor& tensor, const Form& form) {
  const std::vector<std::uint8_t> codes = filled(codes_of(tensor), tensor.shape, form.full);
  if (const int bits = stored_bits(form, tensor.quantization->bits); bits < 8)
    return unpacked(w, form.codes, codes, bits);
  return w.cast(w.constant(TensorProto::UINT8, form.codes, {codes.begin(), codes.end()}), TensorProto::FLOAT);
}

// Zero points where all offsets are whole numbers of steps.
std::optional<std::string> zero_points(const mlq::Quantization& q, int bits) {
  std::string zeros;
  for (std::size_t i = 0; i < q.scale.size(); ++i) {
    const float zero = std::nearbyint(-q.offset[i] / q.scale[i]);
    if (!(zero >= 0 && zero < static_cast<float>(1 << bits)) || -zero * q.scale[i] != q.offset[i]) return {};
    zeros.push_back(static_cast<char>(static_cast<std::uint8_t>(zero)));
  }
  return zeros;
}

// By DequantizeLinear where the operator set has it, else as the product and sum that it is.
std::string linear(Writer& w, const Tensor& tensor, const Form& form, Reader reader) {
  const mlq::Quantization& q = *tensor.quantization;
  const bool along = q.scale.size() > 1;
  const bool four = q.bits == 4 && w.opset() >= packed_since;
  std::string y;
  bool moved = false;
  if (reader == Reader::any && form.axis && w.opset() >= (along ? axis_since : 10) &&
      (four || stored_bits(form, q.bits) == 8)) {
    const std::vector<std::uint8_t> codes = codes_of(tensor);
    const int type = four ? uint4 : static_cast<int>(TensorProto::UINT8);
    const Ints shape = along ? Ints{static_cast<std::int64_t>(q.scale.size())} : Ints{};
    const std::string x =
        w.constant(type, tensor.shape, four ? packed(codes, 4) : std::string(codes.begin(), codes.end()));
    const std::string scale = w.numbers<float>(TensorProto::FLOAT, shape, q.scale);
    const std::optional<std::string> zeros = zero_points(q, four ? 4 : 8);
    moved = zeros.has_value();
    std::string zero;
    if (zeros) {
      const std::vector<std::uint8_t> list(zeros->begin(), zeros->end());
      zero = w.constant(type, shape, four ? packed(list, 4) : *zeros);
    }
    NodeProto& node = w.add("DequantizeLinear", {x, scale});
    if (moved) node.add_input(zero);
    if (along) Writer::set_int(node, "axis", *form.axis);
    y = node.output(0);
  } else {
    y = w.binary("Mul", codes_as_floats(w, tensor, form), form, TensorProto::FLOAT, q.scale);
  }
  const bool nothing = std::all_of(q.offset.begin(), q.offset.end(), [](float v) { return v == 0; });
  if (moved || nothing) return y;
  return w.binary("Add", y, form, TensorProto::FLOAT, q.offset);
}

// Numbers looked up in one list, in which each group's table has its place.
std::string table(Writer& w, const Tensor& tensor, const Form& form) {
  const mlq::Quantization& q = *tensor.quantization;
  const std::size_t entries = std::size_t{1} << q.bits, groups = q.table.size() / entries;
  std::string places = codes_as_floats(w, tensor, form);
  if (groups > 1) {
    if (q.table.size() > 1u << 24) return "";
    std::vector<float> starts;
    for (std::size_t g = 0; g < groups; ++g) starts.push_back(static_cast<float>(g * entries));
    places = w.binary("Add", places, form, TensorProto::FLOAT, starts);
  }
  const std::string list =
      w.numbers<float>(TensorProto::FLOAT, {static_cast<std::int64_t>(q.table.size())}, q.table);
  return w.node("Gather", {list, w.cast(places, TensorProto::INT32)});
}

[[noreturn]] void refuse(const Source& source, const std::string& what, const std::string& hint) {
  throw Error(Exit::usage, {{source.path.string()}, what, "MLQ502", hint, {}});
}

// Of a quantized tensor; the last node's result is the weight.
void add_quantized(Writer& w, const Source& source, const Tensor& tensor, Reader reader) {
  const Form form(tensor);
  if (!form.axis && w.opset() < 7)
    refuse(source, fmt::format("operator set {} cannot hold the groups of '{}'", w.opset(), tensor.name),
           "say granularity: per_channel, or convert the model to operator set 7 or later");
  std::string y =
      tensor.quantization->table.empty() ? linear(w, tensor, form, reader) : table(w, tensor, form);
  if (y.empty())
    refuse(source, "'" + tensor.name + "' has too many tables for ONNX", "say granularity: per_tensor");
  if (!form.axis) y = w.reshape(y, form.full);
  if (form.full != tensor.shape) w.cut(y, tensor.shape);
}

}  // namespace

std::vector<NodeProto> restoring_nodes(const Source& source, const Tensor& tensor, const std::string& name,
                                       int type, int opset, Reader reader) {
  Writer w(name, opset);
  if (tensor.quantization)
    add_quantized(w, source, tensor, reader);
  else
    w.constant(TensorProto::FLOAT16, tensor.shape,
               {reinterpret_cast<const char*>(tensor.data->bytes.data()), *mlq::data_size(tensor)});
  const std::string y = w.nodes.back().output(0);
  if (type != (tensor.quantization ? TensorProto::FLOAT : TensorProto::FLOAT16)) w.cast(y, type);
  w.nodes.back().set_output(0, name);
  return w.nodes;
}

}  // namespace mlqc
