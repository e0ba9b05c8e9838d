// Weights to fewer bits. Adding an algorithm is one file, its test and one row in algorithms.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/manifest/manifest.h"
#include "mlq/graph.h"

namespace mlqc {

// A weight tensor as algorithms see it: `groups` runs of equal treatment. Element i of group g is
// values[(i / inner) * groups * inner + g * inner + i % inner]: groups lie along one axis of a row-major
// tensor, `inner` elements apart. One group with inner == values.size() is the whole tensor.
struct Weights {
  std::span<const float> values;
  std::int64_t groups = 1;
  std::int64_t inner = 0;
};

// Indices, one per weight in the order of `values`, and what they stand for (see mlq::Quantization).
struct Quantized {
  std::vector<std::uint8_t> indices;
  std::vector<float> scale, offset;      // one per group, or
  std::vector<float> table;              // 2^bits per group
  std::vector<std::uint16_t> wide = {};  // instead of `indices`, where there is a step
  std::optional<mlq::Trellis> trellis = {};
};

// How an algorithm's levels may move when they are fitted to weights anew.
enum class Fit {
  free,       // a table: every level by itself
  affine,     // scale * i + offset
  symmetric,  // scale * (i - middle)
  fixed,      // not at all
};

struct Algorithm {
  std::string_view name;                 // as in the manifest, and the name of the file
  std::string_view default_granularity;  // all have all others, too
  int min_bits, max_bits;
  Fit fit;
  // Deterministic; called for many tensors at once. Weights are finite.
  // Null for custom_lut, which quantized() knows, and for those with a step.
  Quantized (*quantize)(const Weights& weights, int bits);
};

std::span<const Algorithm> algorithms();
const Algorithm* find_algorithm(std::string_view name);

// What the settings' algorithm makes of a layer's weights; there must be one. `importance`: of each weight,
// for functions of the user's, or empty.
Quantized quantized(const Weights& weights, const QuantizeSettings& settings, std::string_view layer = "",
                    std::span<const float> importance = {});
// The same for weights whose groups lie in blocks of a shape (see mlq::Quantization).
Quantized quantized(std::span<const float> weights, const mlq::Shape& shape, const mlq::Shape& blocks,
                    const QuantizeSettings& settings, std::string_view layer = "",
                    std::span<const float> importance = {});

// "per_channel", "per_group 16": for reports.
std::string granularity_text(const QuantizeSettings& settings);

// What happens to one tensor, and why when nothing does.
struct TensorPlan {
  mlq::TensorId tensor;
  std::string layer;  // the first node that reads it
  std::string op;
  int axis = 0;               // of the output channels
  QuantizeSettings settings;  // algorithm "none" keeps it
  std::string kept_because;
  int input_axis = 1;                  // of what each output channel sums over
  std::vector<float> importance = {};  // of each class with `granularity: per_class`; mean 1. Empty: equal
};
using QuantizationPlan = std::vector<TensorPlan>;

// Which tensors are weights, and which settings hold for each. Vectors (biases, normalization) and tensors
// that would not shrink are kept. Throws Error (Exit::usage) where algorithm, bits and granularity do not go
// together, where an emitted format cannot hold the result, and where a pattern matches no layer.
QuantizationPlan plan(const mlq::Graph& graph, const Manifest& manifest);

// What a tensor will take: indices of so many bits, and what explains them. More where a layer falls back to
// nearest rounding, whose levels are floats (what does not shrink then is left alone). Not for algorithms
// with a step, whose levels are not known yet.
std::size_t packed_bytes(const mlq::Tensor& tensor, const TensorPlan& plan);

// The same graph with quantized constants. Throws Error (Exit::model) when a weight is NaN or infinite,
// naming tensor and element.
mlq::Graph quantize(const mlq::Graph& graph, const QuantizationPlan& plan);
// One of its constants. The plan's algorithm is not "none".
mlq::Tensor quantize(const mlq::Tensor& tensor, const TensorPlan& plan);

// Whether the nearest levels of an algorithm with a step need more than a byte.
bool is_wide(const mlq::Tensor& tensor, const TensorPlan& plan);

// Scales, tables and the width of the indices go into `quantization`; returns the packed indices.
mlq::Data store(Quantized&& quantized, mlq::Quantization& quantization);

// n-bit numbers, most significant bit first: see mlq::Quantization.
std::vector<std::byte> pack(std::span<const std::uint8_t> indices, int bits);
std::vector<std::uint8_t> unpack(std::span<const std::byte> bytes, std::size_t count, int bits);

// 10 * log10(sum w^2 / sum (w - q)^2), in double; infinity when equal.
double weights_snr_db(std::span<const float> original, std::span<const float> quantized);

}  // namespace mlqc
