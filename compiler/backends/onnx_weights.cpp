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

  // y of one number, or one for each slice of x along `axis`.
  std::string binary(const char* op, const std::string& x, int axis, std::size_t rank, int type,
                     std::span<const float> y) {
    const bool whole = axis < 0 || y.size() == 1;
    Ints shape;
    if (!whole && opset_ >= 7) shape.assign(rank - static_cast<std::size_t>(axis), 1);
    if (!whole && shape.empty()) shape.push_back(1);
    if (!whole) shape[0] = static_cast<std::int64_t>(y.size());
    const std::string operand = numbers(type, shape, y);
    NodeProto& node = add(op, {x, operand});
    if (opset_ < 7) {
      set_int(node, "broadcast", 1);
      if (!whole) set_int(node, "axis", axis);
    }
    return node.output(0);
  }

  static void set_int(NodeProto& node, const char* name, std::int64_t value) {
    AttributeProto& attribute = *node.add_attribute();
    attribute.set_name(name);
    attribute.set_type(AttributeProto::INT);
    attribute.set_i(value);
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
std::string unpacked(Writer& w, const Tensor& tensor, const std::vector<std::uint8_t>& codes, int bits) {
  const auto each = static_cast<std::size_t>(8 / bits);
  const std::string bytes = packed(codes, bits);
  const auto n = static_cast<std::int64_t>(bytes.size());
  std::string rest = w.cast(w.constant(TensorProto::UINT8, {n, 1}, bytes), TensorProto::FLOAT);
  const std::vector<float> factor = {static_cast<float>(1 << bits)};
  std::vector<std::string> columns;
  for (std::size_t k = 0; k < each; ++k) {
    const std::string higher = w.node("Floor", {w.binary("Div", rest, -1, 2, TensorProto::FLOAT, factor)});
    columns.push_back(w.node("Sub", {rest, w.binary("Mul", higher, -1, 2, TensorProto::FLOAT, factor)}));
    rest = higher;
  }
  NodeProto& join = w.add("Concat", {});
  for (const std::string& column : columns) join.add_input(column);
  Writer::set_int(join, "axis", 1);
  const std::string joined = join.output(0);
  if (w.opset() >= 5)
    return w.node("Reshape", {joined, w.numbers<std::int64_t>(
                                          TensorProto::INT64,
                                          {static_cast<std::int64_t>(tensor.shape.size())}, tensor.shape)});
  NodeProto& reshape = w.add("Reshape", {joined});
  AttributeProto& shape = *reshape.add_attribute();
  shape.set_name("shape");
  shape.set_type(AttributeProto::INTS);
  for (const std::int64_t dim : tensor.shape) shape.add_ints(dim);
  return reshape.output(0);
}

// The fewest bits that divide a byte; whole bytes where the last one would not be full.
int stored_bits(const Tensor& tensor) {
  const int bits = tensor.quantization->bits, wide = bits <= 2 ? bits : bits <= 4 ? 4 : 8;
  return *mlq::element_count(tensor.shape) % (8 / wide) == 0 ? wide : 8;
}

std::string codes_as_floats(Writer& w, const Tensor& tensor) {
  const std::vector<std::uint8_t> codes = codes_of(tensor);
  if (const int bits = stored_bits(tensor); bits < 8) return unpacked(w, tensor, codes, bits);
  return w.cast(w.constant(TensorProto::UINT8, tensor.shape, {codes.begin(), codes.end()}),
                TensorProto::FLOAT);
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
std::string linear(Writer& w, const Tensor& tensor, Reader reader) {
  const mlq::Quantization& q = *tensor.quantization;
  const bool along = q.axis >= 0 && q.scale.size() > 1;
  const bool four = q.bits == 4 && w.opset() >= packed_since;
  std::string y;
  bool moved = false;
  if (reader == Reader::any && w.opset() >= (along ? axis_since : 10) && (four || stored_bits(tensor) == 8)) {
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
    if (along) Writer::set_int(node, "axis", q.axis);
    y = node.output(0);
  } else {
    y = w.binary("Mul", codes_as_floats(w, tensor), q.axis, tensor.shape.size(), TensorProto::FLOAT, q.scale);
  }
  const bool nothing = std::all_of(q.offset.begin(), q.offset.end(), [](float v) { return v == 0; });
  if (moved || nothing) return y;
  return w.binary("Add", y, q.axis, tensor.shape.size(), TensorProto::FLOAT, q.offset);
}

// Numbers looked up in one list, in which each channel's table has its place.
std::string table(Writer& w, const Tensor& tensor) {
  const mlq::Quantization& q = *tensor.quantization;
  const std::size_t entries = std::size_t{1} << q.bits, groups = q.table.size() / entries;
  std::string places = codes_as_floats(w, tensor);
  if (groups > 1) {
    if (q.table.size() > 1u << 24) return "";
    std::vector<float> starts;
    for (std::size_t g = 0; g < groups; ++g) starts.push_back(static_cast<float>(g * entries));
    places = w.binary("Add", places, q.axis, tensor.shape.size(), TensorProto::FLOAT, starts);
  }
  const std::string list =
      w.numbers<float>(TensorProto::FLOAT, {static_cast<std::int64_t>(q.table.size())}, q.table);
  return w.node("Gather", {list, w.cast(places, TensorProto::INT32)});
}

}  // namespace

std::vector<NodeProto> restoring_nodes(const Source& source, const Tensor& tensor, const std::string& name,
                                       int type, int opset, Reader reader) {
  Writer w(name, opset);
  std::string y;
  if (!tensor.quantization)
    y = w.constant(TensorProto::FLOAT16, tensor.shape,
                   {reinterpret_cast<const char*>(tensor.data->bytes.data()), *mlq::data_size(tensor)});
  else
    y = tensor.quantization->table.empty() ? linear(w, tensor, reader) : table(w, tensor);
  if (y.empty())
    throw Error(Exit::usage, {{source.path.string()},
                              "'" + name + "' has too many tables for ONNX",
                              "MLQ502",
                              "say granularity: per_tensor",
                              {}});
  if (type != (tensor.quantization ? TensorProto::FLOAT : TensorProto::FLOAT16)) w.cast(y, type);
  w.nodes.back().set_output(0, name);
  return w.nodes;
}

}  // namespace mlqc
