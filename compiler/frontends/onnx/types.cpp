#include "compiler/frontends/onnx/types.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace mlqc::onnx_format {

namespace {

using mlq::DataType;

enum class Kind : std::uint8_t { real, whole, natural, truth };

struct Row {
  Type type;
  const char* name;
  Kind kind;
  int bits;
  DataType outside;
};

constexpr Row rows[] = {
    {t_float, "FLOAT", Kind::real, 32, DataType::float32},
    {t_uint8, "UINT8", Kind::natural, 8, DataType::uint8},
    {t_int8, "INT8", Kind::whole, 8, DataType::int8},
    {t_uint16, "UINT16", Kind::natural, 16, DataType::uint16},
    {t_int16, "INT16", Kind::whole, 16, DataType::int16},
    {t_int32, "INT32", Kind::whole, 32, DataType::int32},
    {t_int64, "INT64", Kind::whole, 64, DataType::int64},
    {t_bool, "BOOL", Kind::truth, 8, DataType::boolean},
    {t_half, "FLOAT16", Kind::real, 16, DataType::float16},
    {t_double, "DOUBLE", Kind::real, 64, DataType::float64},
    {t_uint32, "UINT32", Kind::natural, 32, DataType::uint32},
    {t_uint64, "UINT64", Kind::natural, 64, DataType::uint64},
    {t_bfloat16, "BFLOAT16", Kind::real, 16, DataType::float32},
    {t_float8e4m3fn, "FLOAT8E4M3FN", Kind::real, 8, DataType::float32},
    {t_float8e4m3fnuz, "FLOAT8E4M3FNUZ", Kind::real, 8, DataType::float32},
    {t_float8e5m2, "FLOAT8E5M2", Kind::real, 8, DataType::float32},
    {t_float8e5m2fnuz, "FLOAT8E5M2FNUZ", Kind::real, 8, DataType::float32},
    {t_uint4, "UINT4", Kind::natural, 4, DataType::uint8},
    {t_int4, "INT4", Kind::whole, 4, DataType::int8},
    {t_float4e2m1, "FLOAT4E2M1", Kind::real, 4, DataType::float32},
    {t_float8e8m0, "FLOAT8E8M0", Kind::real, 8, DataType::float32},
    {t_uint2, "UINT2", Kind::natural, 2, DataType::uint8},
    {t_int2, "INT2", Kind::whole, 2, DataType::int8},
};

const Row* find(int type) {
  const auto row =
      std::find_if(std::begin(rows), std::end(rows), [&](const Row& r) { return r.type == type; });
  return row == std::end(rows) ? nullptr : row;
}

// A format of one sign bit, `exponent` bits and `mantissa` bits, with the given bias.
float decode(std::uint32_t bits, int exponent, int mantissa, int bias) {
  const std::uint32_t fraction = bits & ((1u << mantissa) - 1);
  const int power = static_cast<int>(bits >> mantissa & ((1u << exponent) - 1));
  const float sign = bits >> (exponent + mantissa) & 1 ? -1.0f : 1.0f;
  const auto significand = static_cast<float>(power == 0 ? fraction : fraction | 1u << mantissa);
  return sign * std::ldexp(significand, std::max(power, 1) - bias - mantissa);
}

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

// IEEE's way: the largest exponent is infinity or not a number.
float decode_ieee(std::uint32_t bits, int exponent, int mantissa) {
  const int bias = (1 << (exponent - 1)) - 1;
  const std::uint32_t power = bits >> mantissa & ((1u << exponent) - 1);
  if (power != (1u << exponent) - 1) return decode(bits, exponent, mantissa, bias);
  if ((bits & ((1u << mantissa) - 1)) != 0) return nan;
  return bits >> (exponent + mantissa) & 1 ? -infinity : infinity;
}

}  // namespace

bool is_float(int type) { return find(type) && find(type)->kind == Kind::real; }
bool is_integer(int type) {
  return find(type) && (find(type)->kind == Kind::whole || find(type)->kind == Kind::natural);
}
bool is_signed(int type) { return find(type) && find(type)->kind != Kind::natural; }
bool is_supported(int type) { return find(type) != nullptr; }
int bits_of(int type) { return find(type) ? find(type)->bits : 0; }

std::string name_of(int type) {
  if (type == t_string) return "STRING";
  return find(type) ? find(type)->name : "number " + std::to_string(type);
}

DataType inside(int type) {
  if (type == t_bool) return DataType::boolean;
  return is_float(type) ? DataType::float32 : DataType::int64;
}

DataType outside(int type) { return find(type) ? find(type)->outside : DataType::float32; }

int onnx_type(DataType type) {
  const auto row =
      std::find_if(std::begin(rows), std::end(rows), [&](const Row& r) { return r.outside == type; });
  return row == std::end(rows) ? t_none : row->type;
}

float decode_float(int type, std::uint32_t bits) {
  switch (type) {
    case t_half:
      return decode_ieee(bits, 5, 10);
    case t_bfloat16:
      return decode_ieee(bits, 8, 7);
    case t_float8e4m3fn:
      return (bits & 0x7f) == 0x7f ? nan : decode(bits, 4, 3, 7);
    case t_float8e4m3fnuz:
      return bits == 0x80 ? nan : decode(bits, 4, 3, 8);
    case t_float8e5m2:
      return decode_ieee(bits, 5, 2);
    case t_float8e5m2fnuz:
      return bits == 0x80 ? nan : decode(bits, 5, 2, 16);
    case t_float4e2m1:
      return decode(bits, 2, 1, 1);
    case t_float8e8m0:  // an exponent and nothing else
      return bits == 0xff ? nan : std::ldexp(1.0f, static_cast<int>(bits) - 127);
    default:
      return nan;
  }
}

}  // namespace mlqc::onnx_format
