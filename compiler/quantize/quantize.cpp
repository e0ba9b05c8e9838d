#include "compiler/quantize/quantize.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "compiler/quantize/algorithms.h"
#include "compiler/quantize/blocks.h"
#include "compiler/quantize/custom_lut.h"
#include "compiler/quantize/half.h"
#include "compiler/quantize/isa.h"
#include "compiler/quantize/tensor_data.h"
#include "compiler/quantize/trellis.h"
#include "compiler/quantize/uniform.h"
#include "compiler/support/error.h"
#include "compiler/support/parallel.h"

namespace mlqc {

namespace {

using mlq::DataType;
using mlq::Tensor;

[[noreturn]] void fail(const std::string& what, const std::string& hint) {
  throw Error(Exit::model, {{}, what, "MLQ330", hint, {}});
}

// Whether a value has the exponent of infinity and NaN, without leaving vector units.
MLQ_EACH_ISA bool all_finite(const float* values, std::size_t size) {
  constexpr std::uint32_t exponent = 0x7f800000;
  std::uint32_t found = 0;
  for (std::size_t i = 0; i < size; ++i)
    found |= (std::bit_cast<std::uint32_t>(values[i]) & exponent) == exponent;
  return found == 0;
}

void require_finite(const Tensor& tensor, std::span<const float> values) {
  if (all_finite(values.data(), values.size())) return;
  std::size_t i = 0;
  while (std::isfinite(values[i])) ++i;
  fail(fmt::format("weight {} of '{}' is {}", i, tensor.name, std::isnan(values[i]) ? "NaN" : "infinite"),
       "such a model cannot be quantized; its training has probably diverged");
}

bool finite(const std::vector<float>& values) { return all_finite(values.data(), values.size()); }

Tensor halved(const Tensor& tensor, std::span<const float> values) {
  std::int64_t overflow = -1;
  std::vector<std::uint16_t> halves = to_halves(values, overflow);
  if (overflow >= 0)
    fail(fmt::format("weight {} of '{}' is {}: too large for 16 bits", overflow, tensor.name,
                     values[static_cast<std::size_t>(overflow)]),
         "give this layer 'bits: 32' or an algorithm with 8 bits");
  return {tensor.name, DataType::float16, tensor.shape, own(std::move(halves)), std::nullopt};
}

// As few bits as the greatest index needs, or 16.
mlq::Data store_wide(const std::vector<std::uint16_t>& indices, int& bits) {
  const unsigned greatest = *std::max_element(indices.begin(), indices.end());
  bits = std::max(1, static_cast<int>(std::bit_width(greatest)));
  if (bits <= 8) return own(pack(std::vector<std::uint8_t>(indices.begin(), indices.end()), bits));
  bits = 16;
  std::vector<std::byte> bytes;
  bytes.reserve(2 * indices.size());
  for (const unsigned index : indices) {
    bytes.push_back(static_cast<std::byte>(index >> 8));
    bytes.push_back(static_cast<std::byte>(index & 255));
  }
  return own(std::move(bytes));
}

Quantized with_step(const Tensor& tensor, const TensorPlan& plan, std::span<const float> values) {
  const std::vector<std::uint32_t> groups = groups_of(tensor.shape, blocks_of(plan, tensor.shape));
  if (plan.settings.algorithm == "uniform")
    return uniform(values, groups, plan.settings.step, plan.importance);
  const auto rows = static_cast<std::size_t>(tensor.shape[static_cast<std::size_t>(plan.axis)]);
  return trellis(values, tensor.shape, {plan.axis, chain_length(rows, 1)}, groups, plan.settings.step,
                 plan.importance);
}

}  // namespace

Quantized quantized(const Weights& weights, const QuantizeSettings& settings, std::string_view layer,
                    std::span<const float> importance) {
  const Algorithm* algorithm = find_algorithm(settings.algorithm);
  if (!algorithm) fail(fmt::format("no algorithm '{}'", settings.algorithm), "");
  if (!algorithm->quantize) return custom_lut(weights, settings.bits, importance, layer);
  return algorithm->quantize(weights, settings.bits);
}

// Groups that are no equal runs are gathered, each by itself.
Quantized quantized(std::span<const float> weights, const mlq::Shape& shape, const mlq::Shape& blocks,
                    const QuantizeSettings& settings, std::string_view layer,
                    std::span<const float> importance) {
  if (const auto runs = as_runs(weights, shape, blocks)) return quantized(*runs, settings, layer, importance);
  Quantized result;
  result.indices.resize(weights.size());
  const std::size_t groups = mlq::group_count(shape, blocks).value_or(0);
  std::vector<float> values, costs;
  for (std::size_t g = 0; g < groups; ++g) {
    const std::vector<std::size_t> elements = elements_of(shape, blocks, g);
    values.clear();
    costs.clear();
    for (const std::size_t element : elements) values.push_back(weights[element]);
    for (const std::size_t element : elements)
      if (!importance.empty()) costs.push_back(importance[element]);
    const Quantized one =
        quantized({values, 1, static_cast<std::int64_t>(values.size())}, settings, layer, costs);
    for (std::size_t i = 0; i < elements.size(); ++i) result.indices[elements[i]] = one.indices[i];
    result.scale.insert(result.scale.end(), one.scale.begin(), one.scale.end());
    result.offset.insert(result.offset.end(), one.offset.begin(), one.offset.end());
    result.table.insert(result.table.end(), one.table.begin(), one.table.end());
  }
  return result;
}

bool is_wide(const Tensor& tensor, const TensorPlan& plan) {
  const Floats floats = floats_of(tensor);
  const Quantized made = with_step(tensor, plan, floats.values);
  return std::ranges::any_of(made.wide, [](std::uint16_t index) { return index > 255; });
}

mlq::Data store(Quantized&& quantized, mlq::Quantization& quantization) {
  quantization.scale = std::move(quantized.scale);
  quantization.offset = std::move(quantized.offset);
  quantization.table = std::move(quantized.table);
  quantization.trellis = quantized.trellis;
  if (!quantized.wide.empty()) return store_wide(quantized.wide, quantization.bits);
  return quantization.bits == 8 ? own(std::move(quantized.indices))
                                : own(pack(quantized.indices, quantization.bits));
}

std::string granularity_text(const QuantizeSettings& settings) {
  const int size = std::max(settings.group_size, settings.block_size);
  return size > 0 ? fmt::format("{} {}", settings.granularity, size) : settings.granularity;
}

Floats floats_of(const Tensor& tensor) {
  Floats floats;
  const auto count = static_cast<std::size_t>(mlq::element_count(tensor.shape).value_or(0));
  const std::byte* bytes = tensor.data->bytes.data();
  const bool in_place = !tensor.quantization && tensor.type == DataType::float32 &&
                        reinterpret_cast<std::uintptr_t>(bytes) % alignof(float) == 0 &&
                        tensor.data->bytes.size() >= count * sizeof(float);
  if (in_place) {
    floats.values = {reinterpret_cast<const float*>(bytes), count};
    return floats;
  }
  floats.decoded.resize(count);
  if (const mlq::Status status = mlq::dequantize(tensor, floats.decoded); !status.ok())
    fail(status.error(), "the model file is damaged");
  floats.values = floats.decoded;
  return floats;
}

mlq::Tensor quantize(const Tensor& tensor, const TensorPlan& plan) {
  const Floats floats = floats_of(tensor);
  require_finite(tensor, floats.values);
  if (plan.settings.bits == 16) return halved(tensor, floats.values);
  mlq::Quantization q;
  q.bits = plan.settings.bits;
  q.blocks = blocks_of(plan, tensor.shape);
  Quantized result = has_step(plan.settings.algorithm)
                         ? with_step(tensor, plan, floats.values)
                         : quantized(floats.values, tensor.shape, q.blocks, plan.settings, plan.layer);
  if (!finite(result.scale) || !finite(result.offset) || !finite(result.table))
    fail(fmt::format("the weights of '{}' span more than {} bits of '{}' can: its scale would be infinite",
                     tensor.name, q.bits, plan.settings.algorithm),
         "give this layer more bits, or keep it with 'algorithm: none'");
  mlq::Data data = store(std::move(result), q);
  return {tensor.name, DataType::float32, tensor.shape, std::move(data), std::move(q)};
}

mlq::Graph quantize(const mlq::Graph& graph, const QuantizationPlan& plan) {
  mlq::Graph result = graph;
  // Each entry is a tensor of its own, so these writes do not meet.
  parallel_for(plan.size(), [&](std::size_t i) {
    const TensorPlan& entry = plan[i];
    if (entry.settings.bits > 16) return;
    const auto id = static_cast<std::size_t>(entry.tensor);
    result.tensors[id] = quantize(graph.tensors[id], entry);
  });
  return result;
}

double weights_snr_db(std::span<const float> original, std::span<const float> quantized) {
  double signal = 0, noise = 0;
  for (std::size_t i = 0; i < original.size(); ++i) {
    const double w = original[i], error = w - quantized[i];
    signal += w * w;
    noise += error * error;
  }
  if (noise == 0) return std::numeric_limits<double>::infinity();
  return 10 * std::log10(signal / noise);
}

}  // namespace mlqc
