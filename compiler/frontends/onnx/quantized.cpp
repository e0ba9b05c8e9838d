// Models that are quantized in the file. Arithmetic on integers becomes the floats that it stands for;
// weights keep their bits.
#include <onnx/onnx_pb.h>

#include <array>
#include <cmath>

#include "compiler/frontends/onnx/operators.h"
#include "compiler/frontends/onnx/tensor.h"

namespace mlqc::onnx_format {

namespace {

// Scales or zero points as they multiply x: one, one per slice of an axis, or one per block of it.
Value spread(Build& b, const Value& x, const Value& parameter, std::int64_t axis, std::int64_t block) {
  if (b.rank(parameter) == 0) return parameter;
  if (block == 0 && b.rank(parameter) == 1) {
    if (b.dim(parameter, 0) == 1) return b.reshape(parameter, {});
    Ints shape(static_cast<std::size_t>(b.rank(x)), 1);
    shape[static_cast<std::size_t>(b.axis(axis, b.rank(x)))] = -1;
    return b.reshape(parameter, shape);
  }
  axis = b.axis(axis, b.rank(x));
  Ints shape(b.shape(parameter));
  shape.insert(shape.begin() + axis + 1, block);
  Value y = b.node("Expand", {b.unsqueeze(parameter, {axis + 1}), b.ints(shape)});
  shape.erase(shape.begin() + axis + 1);
  shape[static_cast<std::size_t>(axis)] *= block;
  y = b.reshape(y, shape);
  return b.slice(y, axis, 0, b.dim(x, axis));  // the last block may be smaller
}

Value dequantized(Build& b, const Value& x, const Value& scale, const Value& zero, std::int64_t axis = 1,
                  std::int64_t block = 0) {
  Value y = b.as_float(x);
  if (zero.given()) y = b.sub(y, b.as_float(spread(b, x, zero, axis, block)));
  return b.mul(y, spread(b, x, b.as_float(scale), axis, block));
}

struct Limits {
  float low, high;
};
Limits limits(int type) {
  const int bits = bits_of(type);
  const float steps = std::ldexp(1.0f, is_signed(type) ? bits - 1 : bits);
  return {is_signed(type) ? -steps : 0.0f, steps - 1};
}

Value quantized(Build& b, const Value& x, const Value& scale, const Value& zero, int type,
                std::int64_t axis = 1, std::int64_t block = 0, bool saturate = true) {
  Value y = b.div(b.as_float(x), spread(b, x, b.as_float(scale), axis, block));
  if (is_float(type)) {
    if (zero.given()) y = b.add(y, b.as_float(spread(b, x, zero, axis, block)));
    return b.cast({y.id, t_float}, type, saturate);
  }
  y = b.node("Round", {y});
  if (zero.given()) y = b.add(y, b.as_float(spread(b, x, zero, axis, block)));
  const Limits range = limits(type);
  y = b.node("Clip", {y}, {{"min", range.low}, {"max", range.high}});
  return {b.node("Cast", {y}, {{"to", std::int64_t{t_int64}}}, t_int64).id, type};
}

void quantize(Op& op) {
  Build& b = op.b;
  const Value zero = op.maybe(2);
  const int type = zero.given() ? zero.type : static_cast<int>(op.i("output_dtype", t_uint8));
  op.out(quantized(b, op.in(), op.in(1), zero, type == t_none ? t_uint8 : type, op.i("axis", 1),
                   op.i("block_size", 0), op.i("saturate", 1) != 0));
}

std::optional<std::vector<float>> numbers(Build& b, const Value& value) {
  const mlq::Tensor& tensor = b.tensor(value);
  const auto count = mlq::element_count(tensor.shape);
  if (!tensor.data || !count) return {};
  if (const auto ints = b.known_ints(value)) return std::vector<float>(ints->begin(), ints->end());
  std::vector<float> values(static_cast<std::size_t>(*count));
  if (!mlq::dequantize(tensor, values)) return {};
  return values;
}

// Weights of at most eight bits stay as they are; nothing when they are no such weights.
std::optional<Value> weights(Op& op) {
  Build& b = op.b;
  const ::onnx::TensorProto* proto = b.initializer(op.input_name(0));
  if (!proto || !is_integer(proto->data_type()) || bits_of(proto->data_type()) > 8 ||
      op.i("block_size", 0) != 0)
    return {};
  const auto scales = numbers(b, op.in(1));
  auto zeros = op.given(2) ? numbers(b, op.in(2)) : std::vector<float>(scales ? scales->size() : 0, 0.0f);
  if (!scales || !zeros || scales->size() != zeros->size() || b.rank(op.in(1)) > 1) return {};
  mlq::Tensor tensor;
  tensor.name = proto->name();
  tensor.shape.assign(proto->dims().begin(), proto->dims().end());
  mlq::Quantization quantization;
  if (scales->size() > 1)
    quantization.blocks = mlq::blocks_along(
        static_cast<int>(b.axis(op.i("axis", 1), static_cast<std::int64_t>(tensor.shape.size()))));
  const auto shift =
      static_cast<float>(is_signed(proto->data_type()) ? 1 << (bits_of(proto->data_type()) - 1) : 0);
  quantization.scale = *scales;
  for (std::size_t i = 0; i < scales->size(); ++i)
    quantization.offset.push_back(-(*scales)[i] * ((*zeros)[i] + shift));
  tensor.data = to_codes(*proto, {b.model.source, b.model.owner});
  tensor.quantization = std::move(quantization);
  return b.constant(std::move(tensor), op.in(1).type);
}

void dequantize(Op& op) {
  if (const auto kept = weights(op)) return op.out(*kept);
  const int type = static_cast<int>(op.i("output_dtype", 0));
  const Value y = dequantized(op.b, op.in(), op.in(1), op.maybe(2), op.i("axis", 1), op.i("block_size", 0));
  op.out({y.id, type == t_none ? op.in(1).type : type});
}

// The range of the numbers at hand decides, and holds zero.
void dynamic(Op& op) {
  Build& b = op.b;
  const Value x = op.in(), nothing = b.number(0.0f);
  const Attributes whole = {{"keepdims", std::int64_t{0}}};
  const Value low = b.node("Min", {b.node("ReduceMin", {x}, whole), nothing});
  const Value high = b.node("Max", {b.node("ReduceMax", {x}, whole), nothing});
  const Value scale = b.div(b.sub(high, low), b.number(255.0f));
  Value zero = b.node(
      "Round", {b.node("Clip", {b.div(b.node("Neg", {low}), scale)}, {{"min", 0.0f}, {"max", 255.0f}})});
  zero = {b.node("Cast", {zero}, {{"to", std::int64_t{t_int64}}}, t_int64).id, t_uint8};
  op.out(quantized(b, x, scale, zero, t_uint8));
  op.out(scale, 1);
  op.out(zero, 2);
}

// Operands: a and its parameters, b and its parameters, those of the result.
void qlinear_matmul(Op& op) {
  Build& b = op.b;
  const Value left = dequantized(b, op.in(0), op.in(1), op.in(2), -2);
  const Value right = dequantized(b, op.in(3), op.in(4), op.in(5), -1);
  op.out(quantized(b, b.matmul(left, right), op.in(6), op.in(7), op.in(7).type));
}

Value moved(Build& b, const Value& x, const Value& zero, std::int64_t axis) {
  const Value y = b.as_float(x);
  return zero.given() ? b.sub(y, b.as_float(spread(b, x, zero, axis, 0))) : y;
}

// Sums of products of eight bits are whole floats up to 2^24.
void matmul_integer(Op& op) {
  Build& b = op.b;
  const Value y = b.matmul(moved(b, op.in(0), op.maybe(2), -2), moved(b, op.in(1), op.maybe(3), -1));
  op.out(b.cast(y, t_int32));
}

void conv_integer(Op& op) {
  Build& b = op.b;
  const Values inputs = {moved(b, op.in(0), op.maybe(2), 1), moved(b, op.in(1), op.maybe(3), 0)};
  op.out(b.cast(b.node("Conv", inputs, op.attributes()), t_int32));
}

void qlinear_conv(Op& op) {
  Build& b = op.b;
  Values inputs = {dequantized(b, op.in(0), op.in(1), op.in(2)),
                   dequantized(b, op.in(3), op.in(4), op.in(5), 0)};
  if (op.given(8)) inputs.push_back(b.mul(b.as_float(op.in(8)), b.mul(op.in(1), op.in(4))));
  op.out(quantized(b, b.node("Conv", inputs, op.attributes()), op.in(6), op.in(7), op.in(7).type));
}

}  // namespace

std::span<const Row> quantized_rows() {
  static constexpr auto rows = std::to_array<Row>({
      {"QuantizeLinear", quantize},
      {"DequantizeLinear", dequantize},
      {"DynamicQuantizeLinear", dynamic},
      {"QLinearMatMul", qlinear_matmul},
      {"QLinearConv", qlinear_conv},
      {"MatMulInteger", matmul_integer},
      {"ConvInteger", conv_integer},
  });
  return rows;
}

}  // namespace mlqc::onnx_format
