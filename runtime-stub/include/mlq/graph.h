// The one representation of a network, in the compiler and in the runtime: plain values, in ONNX's operator
// vocabulary (https://onnx.ai/onnx/operators), with channel-first shapes.
//
// A quantized network is a Graph whose constant tensors carry a Quantization: there is no second graph type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "mlq/result.h"

namespace mlq {

// The order is part of the artifact's format: append only.
enum class DataType : std::uint8_t {
  float32,
  float16,
  float64,
  int8,
  int16,
  int32,
  int64,
  uint8,
  uint16,
  uint32,
  uint64,
  boolean,
};

// Bytes of one element.
std::size_t size_of(DataType type);
// "float32", ...: the names that reports and messages use.
const char* name_of(DataType type);

// Dimensions, outermost first; -1 stands for one that is not known before an input is.
using Shape = std::vector<std::int64_t>;

// The product of the dimensions; nothing when one is unknown, negative, or when the product overflows.
std::optional<std::int64_t> element_count(const Shape& shape);
// "1x3x227x227", unknown dimensions as "?"; a scalar is "scalar".
std::string to_string(const Shape& shape);

// Immutable bytes and whatever keeps them alive: a mapping, a vector, or nothing for static storage.
struct Data {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
  // The bytes are a read-only mapping of a file: their pages may be dropped and come back when touched.
  bool in_file = false;
};
// Takes a copy of `values`.
template <class T>
Data copy_data(std::span<const T> values) {
  auto owner = std::make_shared<const std::vector<T>>(values.begin(), values.end());
  return {std::as_bytes(std::span(*owner)), owner, false};
}

// How the bytes of a constant tensor stand for float weights. Element i, in row-major order of the tensor's
// shape, is the unsigned `bits`-bit number q at bit i * bits of the data, most significant bit first, with no
// alignment between rows and the last byte zero-padded (the packing of Core ML's neural networks).
//   linear: weight = scale[g] * q + offset[g]      table: weight = table[g * 2^bits + q]
// where g is the number of the block that the element lies in. `blocks` says how far a block reaches along
// each dimension of the shape; 0, or no number at all at the end, is the whole dimension, and the last block
// along one may be shorter. Blocks are numbered in row-major order of the grid they make:
//   {}       one group for the whole tensor     {1}, {0, 1}   one for each index along dimension 0, 1
//   {8}      one for eight neighbours along 0   {1, 32}       for each index along 0, runs of 32 along 1
// Exactly one of scale and table is filled. offset has scale's length.
// Where there is a trellis, the low bit of each index follows from other indices (trellis-coded
// quantization): that changes nothing of what indices mean, but entropy-coded files leave it out.
struct Trellis {
  std::int32_t axis = 0;     // of the shape: indices along it make a chain,
  std::uint32_t length = 0;  // which begins anew after so many
};
struct Quantization {
  int bits = 8;  // 1..8; with scales also 16
  Shape blocks;
  std::vector<float> scale, offset;
  std::vector<float> table;
  std::optional<Trellis> trellis = {};
};

// How many groups a tensor of this shape has; nothing when the blocks do not suit the shape.
std::optional<std::size_t> group_count(const Shape& shape, const Shape& blocks);
// The blocks of one group for each index along `axis`, or of one for all where it is -1.
Shape blocks_along(int axis);
// And back; nothing for other blocks.
std::optional<int> axis_of(const Shape& blocks);

// A value of the graph: an input, a node's result, or (when it has data) a constant.
// `type` is the type that nodes see: a quantized tensor is float32 to its readers. A constant of float16
// without Quantization holds IEEE halves and is also read as float32 by every kernel.
struct Tensor {
  std::string name;  // of a weight: "<layer>/<field>", stable, the key by which back ends find their source
  DataType type = DataType::float32;
  Shape shape;
  std::optional<Data> data;
  std::optional<Quantization> quantization;
};

// Bytes that a constant's data must have, given its shape, type and quantization; nothing on overflow.
std::optional<std::size_t> data_size(const Tensor& tensor);
// Writes the constant as floats (from float32, float16 or quantized data), row-major. `out` has
// element_count(shape) elements. Fails when the data is too short or the type is no float.
Status dequantize(const Tensor& tensor, std::span<float> out);

using TensorId = std::int32_t;
inline constexpr TensorId no_tensor = -1;  // an optional operand that is not given

struct Graph;
struct CustomClass;  // of mlq/custom_layer.h
using Attribute = std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>,
                               std::vector<float>, std::shared_ptr<const Graph>>;

// One operation. `op` is ONNX's operator name; operators of our own that ONNX cannot say (see kernels/) are
// listed in DESIGN.md. `name` is the layer's name in the source.
struct Node {
  std::string op;
  std::string name;
  std::vector<TensorId> inputs;
  std::vector<TensorId> outputs;
  std::map<std::string, Attribute, std::less<>> attributes;
  // Of a custom layer, the code that computes it. No part of what files hold.
  std::shared_ptr<const CustomClass> code = nullptr;

  // The attribute, or `otherwise` when it is absent or of another type.
  std::int64_t get_int(std::string_view key, std::int64_t otherwise) const;
  float get_float(std::string_view key, float otherwise) const;
  std::string get_string(std::string_view key, std::string otherwise) const;
  std::vector<std::int64_t> get_ints(std::string_view key, std::vector<std::int64_t> otherwise = {}) const;
  std::vector<float> get_floats(std::string_view key, std::vector<float> otherwise = {}) const;
};

// What a user sees of an input or output.
enum class FeatureKind : std::uint8_t {
  tensor,  // an array of numbers
  image,   // pixels 0..255; the tensor is [1, C, H, W] in the order that `color` names
  scores,  // one number per label, in the labels' order
  label,   // the label of the highest score; its tensor is the scores' tensor
};
enum class Color : std::uint8_t { gray, rgb, bgr };

struct Feature {
  std::string name;         // as the source names it
  std::string description;  // the source's own words, may be empty
  FeatureKind kind = FeatureKind::tensor;
  TensorId tensor = no_tensor;
  // What users pass or get. Same element count as the graph's tensor, whose rank may differ (Core ML's
  // [C, H, W] is [1, C, H, W] inside).
  Shape shape;
  DataType type = DataType::float32;
  Color color = Color::rgb;
};

// Nodes are in topological order: a node reads only inputs, constants and results of earlier nodes.
//
// In a subgraph (an attribute of If or Loop), a tensor that is neither constant, input nor result stands for
// the tensor of the same name in the graph around it, or in the one around that. Names that subgraphs use
// are unique in their graph.
struct Graph {
  std::vector<Tensor> tensors;
  std::vector<Node> nodes;
  std::vector<Feature> inputs;
  std::vector<Feature> outputs;
  std::vector<std::string> labels;                            // of a classifier, in the order of its scores
  bool integer_labels = false;                                // labels are int64 numbers in decimal
  std::vector<std::pair<std::string, std::string>> metadata;  // author, license, version, description, ...
};

// Appends and returns the new tensor's id.
TensorId add_tensor(Graph& graph, Tensor tensor);
TensorId add_constant(Graph& graph, std::string name, Shape shape, std::span<const float> values);
TensorId add_constant(Graph& graph, std::string name, Shape shape, std::span<const std::int64_t> values);

// Everything that readers of a Graph rely on: ids in range, order, each tensor produced at most once,
// constants with the bytes that their shape needs, quantization parameters of the right length, features
// that exist. The sentence names the node or tensor at fault.
Status check(const Graph& graph);

// Every tensor's shape and type, forward from the inputs' shapes; constants that nodes compute from
// constants alone are not folded here. Dimensions that depend on values stay -1.
Status infer_shapes(Graph& graph);

}  // namespace mlq
