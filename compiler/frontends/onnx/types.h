// ONNX's element types and what stands for them in a Graph.
//
// All floats, from doubles to four bits, are float32 inside, all integers int64: these are the types that
// every kernel computes. A value of a narrow type always lies on that type's grid: what could leave it is
// followed by a Cast or a RoundFloat.
#pragma once

#include <cstdint>
#include <string>

#include "mlq/graph.h"

namespace mlqc::onnx_format {

// TensorProto.DataType; a header of the schema's own would name third parties in ours.
enum Type : int {
  t_none = 0,
  t_float = 1,
  t_uint8 = 2,
  t_int8 = 3,
  t_uint16 = 4,
  t_int16 = 5,
  t_int32 = 6,
  t_int64 = 7,
  t_string = 8,
  t_bool = 9,
  t_half = 10,
  t_double = 11,
  t_uint32 = 12,
  t_uint64 = 13,
  t_bfloat16 = 16,
  t_float8e4m3fn = 17,
  t_float8e4m3fnuz = 18,
  t_float8e5m2 = 19,
  t_float8e5m2fnuz = 20,
  t_uint4 = 21,
  t_int4 = 22,
  t_float4e2m1 = 23,
  t_float8e8m0 = 24,
  t_uint2 = 25,
  t_int2 = 26,
};

bool is_float(int type);
bool is_integer(int type);
bool is_signed(int type);
// False for strings, complex numbers and numbers that name no type.
bool is_supported(int type);
// Bits of one element in a file.
int bits_of(int type);
// "FLOAT16": the schema's name, or "type 99".
std::string name_of(int type);

// float32, int64 or boolean.
mlq::DataType inside(int type);
// What users pass and get: the type itself where C++ has it, float32 for floats of other formats, int8 and
// uint8 for integers of fewer than eight bits.
mlq::DataType outside(int type);
int onnx_type(mlq::DataType type);

// The number that `bits` of a float format stand for; formats of at most 16 bits.
float decode_float(int type, std::uint32_t bits);

}  // namespace mlqc::onnx_format
