// The source's own file with other weights: what the graph has quantized is replaced in place, every other
// byte stays as it was.
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "compiler/backends/coreml_writer/write.h"
#include "compiler/backends/formats.h"
#include "compiler/frontends/coreml/edit.h"
#include "compiler/frontends/coreml/model.pb.h"
#include "compiler/frontends/coreml/weights.h"
#include "compiler/support/error.h"

namespace mlqc {

namespace {

using coreml::Blob;
using coreml::Edit;
using coreml::Extent;
using coreml::WeightMap;
using mlq::DataType;
using mlq::Tensor;
using Bytes = std::vector<std::byte>;

// The specification versions in which these ways of storing weights appeared.
constexpr int version_of_halves = 2, version_of_bits = 3;

[[noreturn]] void refuse(const Source& source, const std::string& what, const std::string& hint) {
  throw Error(Exit::usage, {{source.path.string()}, what, "MLQ502", hint, {}});
}

bool is_half(const Tensor& tensor) { return tensor.type == DataType::float16 && !tensor.quantization; }

bool same_bytes(const Source& source, Extent extent, std::span<const std::byte> bytes) {
  // Raw bytes may be followed by padding, which no shape accounts for.
  const auto there = source.bytes.bytes.subspan(extent.at, extent.size);
  return !bytes.empty() && bytes.size() <= there.size() &&
         std::memcmp(bytes.data(), there.data(), bytes.size()) == 0;
}

bool same_parameters(const Blob& blob, const mlq::Quantization& q) {
  const bool no_offset =
      blob.offset.empty() && std::all_of(q.offset.begin(), q.offset.end(), [](float v) { return v == 0; });
  return blob.bits == q.bits && blob.scale == q.scale && blob.table == q.table &&
         (no_offset || blob.offset == q.offset);
}

// The blob's floats.
std::vector<float> floats_in(const Source& source, const WeightMap& map, const Blob& blob) {
  if (blob.scattered_floats) return coreml::gather_floats(source.bytes.bytes, map, blob);
  std::vector<float> values(blob.floats.size / sizeof(float));
  std::memcpy(values.data(), source.bytes.bytes.data() + blob.floats.at, blob.floats.size);
  return values;
}

// Compensated rounding moves biases. Other floats never change: they are what the others are made from, and
// some of them are laid out anew for the graph.
bool changed_bias(const Source& source, const WeightMap& map, const Blob& blob, const Tensor& tensor) {
  if (!blob.name.ends_with("/bias") || tensor.quantization || tensor.type != DataType::float32) return false;
  if (!blob.floats.size && !blob.scattered_floats) return false;
  const std::vector<float> old = floats_in(source, map, blob);
  const std::size_t bytes = old.size() * sizeof(float);
  return tensor.data->bytes.size() == bytes && std::memcmp(tensor.data->bytes.data(), old.data(), bytes) != 0;
}

// Whether the tensor is something else than what the file says.
bool changed(const Source& source, const WeightMap& map, const Blob& blob, const Tensor& tensor) {
  const auto bytes = tensor.data->bytes;
  if (changed_bias(source, map, blob, tensor)) return true;
  if (is_half(tensor)) return !same_bytes(source, blob.halves, bytes);
  if (!tensor.quantization) return false;
  if (blob.int8.size) return tensor.quantization->scale != blob.scale;  // imported with an offset of its own
  return !same_parameters(blob, *tensor.quantization) || !same_bytes(source, blob.raw, bytes);
}

void append_field(Bytes& out, int number, std::span<const std::byte> body) {
  const auto append = [&](const Bytes& bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); };
  append(coreml::varint(static_cast<std::uint64_t>(number) << 3 | 2));  // a length-delimited field's tag
  append(coreml::varint(body.size()));
  out.insert(out.end(), body.begin(), body.end());
}

Bytes quantization_field(const Source& source, const Tensor& tensor) {
  const mlq::Quantization& q = *tensor.quantization;
  coreml::Quantization message;
  message.set_number_of_bits(static_cast<std::uint64_t>(q.bits));
  if (q.table.empty()) {
    auto& linear = *message.mutable_linear_quantization();
    linear.mutable_scale()->Add(q.scale.begin(), q.scale.end());
    linear.mutable_bias()->Add(q.offset.begin(), q.offset.end());
  } else {
    if (q.table.size() != std::size_t{1} << q.bits)
      refuse(source, "a Core ML model cannot hold one table for each channel of '" + tensor.name + "'",
             "say granularity: per_tensor, or do not emit coreml");
    message.mutable_lookup_table_quantization()->mutable_float_value()->Add(q.table.begin(), q.table.end());
  }
  const std::string text = message.SerializeAsString();
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

// The new message: values, quantization, and whatever else the old one said.
Bytes quantized_body(const Source& source, const WeightMap& map, const Blob& blob, const Tensor& tensor) {
  Bytes out;
  append_field(out, coreml::Weights::kRawValueFieldNumber, tensor.data->bytes.first(*mlq::data_size(tensor)));
  append_field(out, coreml::Weights::kQuantizationFieldNumber, quantization_field(source, tensor));
  const Bytes others = coreml::other_fields(source.bytes.bytes, map, blob);
  out.insert(out.end(), others.begin(), others.end());
  return out;
}

Bytes float_body(const Source& source, const WeightMap& map, const Blob& blob, const Tensor& tensor) {
  Bytes out;
  append_field(out, coreml::Weights::kFloatValueFieldNumber, tensor.data->bytes);
  const Bytes others = coreml::other_fields(source.bytes.bytes, map, blob);
  out.insert(out.end(), others.begin(), others.end());
  return out;
}

Bytes half_body(const Source& source, const WeightMap& map, const Blob& blob,
                std::span<const std::byte> halves) {
  Bytes out;
  append_field(out, coreml::Weights::kFloat16ValueFieldNumber, halves);
  const Bytes others = coreml::other_fields(source.bytes.bytes, map, blob);
  out.insert(out.end(), others.begin(), others.end());
  return out;
}

// The blob's floats as halves, rounded to nearest even.
Bytes to_halves(const Source& source, const WeightMap& map, const Blob& blob) {
  const std::vector<float> values = floats_in(source, map, blob);
  Bytes out(2 * values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto half = Eigen::half_impl::float_to_half_rtne(values[i]);
    if (std::isinf(Eigen::half_impl::half_to_float(half)) && !std::isinf(values[i]))
      refuse(source,
             "'" + blob.name + "' is too large for half floats, which a Core ML model wants beside others",
             "give the layer another number of bits than 16");
    std::memcpy(&out[2 * i], &half.x, 2);
  }
  return out;
}

int layer_of(const WeightMap& map, const Blob& blob) {
  return map.frames[static_cast<std::size_t>(blob.frame)].parent;
}

using Tensors = std::map<std::string_view, const Tensor*>;

Tensors constants(const mlq::Graph& graph) {
  Tensors found;
  for (const Tensor& tensor : graph.tensors)
    if (tensor.data) found.emplace(tensor.name, &tensor);
  return found;
}

struct Change {
  const Blob* blob;
  const Tensor* tensor;
};

std::vector<Change> changes(const Source& source, const WeightMap& map, const mlq::Graph& graph) {
  const Tensors tensors = constants(graph);
  std::vector<Change> found;
  for (const Blob& blob : map.blobs) {
    const auto tensor = tensors.find(blob.name);
    if (tensor != tensors.end() && changed(source, map, blob, *tensor->second))
      found.push_back({&blob, tensor->second});
  }
  return found;
}

// The format has no layer with both floats and half floats: floats beside new halves become halves too.
std::vector<Edit> float_neighbours(const Source& source, const WeightMap& map,
                                   const std::vector<Change>& changes) {
  std::vector<Edit> edits;
  for (const Blob& blob : map.blobs) {
    if (!blob.floats.size && !blob.scattered_floats) continue;
    bool beside = false, itself = false;
    for (const Change& change : changes) {
      itself |= change.blob == &blob;
      beside |= is_half(*change.tensor) && layer_of(map, *change.blob) == layer_of(map, blob);
    }
    if (itself || !beside) continue;
    edits.push_back({map.frames[static_cast<std::size_t>(blob.frame)].body,
                     half_body(source, map, blob, to_halves(source, map, blob)), blob.frame});
  }
  return edits;
}

Bytes new_body(const Source& source, const WeightMap& map, const Blob& blob, const Tensor& tensor) {
  if (is_half(tensor)) return half_body(source, map, blob, tensor.data->bytes.first(*mlq::data_size(tensor)));
  if (!tensor.quantization) return float_body(source, map, blob, tensor);
  return quantized_body(source, map, blob, tensor);
}

Edit replacement(const Source& source, const WeightMap& map, const Change& change) {
  return {map.frames[static_cast<std::size_t>(change.blob->frame)].body,
          new_body(source, map, *change.blob, *change.tensor), change.blob->frame};
}

int needed_version(const std::vector<Change>& changes) {
  int needed = 0;
  for (const Change& change : changes)
    needed = std::max(needed, is_half(*change.tensor)       ? version_of_halves
                              : change.tensor->quantization ? version_of_bits
                                                            : 0);
  return needed;
}

// The format has no half floats in a model that devices train.
void refuse_updatable_halves(const Source& source, const WeightMap& map, const std::vector<Change>& changes) {
  coreml::Model model;
  if (!model.ParseFromString(map.skeleton) || !model.is_updatable()) return;
  for (const Change& change : changes)
    if (is_half(*change.tensor))
      refuse(source,
             "a Core ML model that can be updated cannot hold half floats, as '" + change.tensor->name +
                 "' would be",
             "give other bits than 16, or do not emit coreml");
}

// Raises specificationVersion where it must be higher.
void raise_version(const WeightMap& map, int needed, std::vector<Edit>& edits) {
  coreml::Model model;
  if (!model.ParseFromString(map.skeleton) || model.specification_version() >= needed) return;
  Bytes field = coreml::varint(coreml::Model::kSpecificationVersionFieldNumber << 3);
  const Bytes value = coreml::varint(static_cast<std::uint64_t>(needed));
  field.insert(field.end(), value.begin(), value.end());
  edits.push_back({map.version, std::move(field), -1});
}

}  // namespace

std::vector<std::byte> write_coreml(const Source& source, const mlq::Graph& graph) {
  if (source.format != "coreml") return coreml_writer::write(source, graph);
  const WeightMap map = coreml::walk_weights(source.bytes.bytes, source.path);
  const std::vector<Change> changed = changes(source, map, graph);
  refuse_updatable_halves(source, map, changed);
  std::vector<Edit> edits = float_neighbours(source, map, changed);
  for (const Change& change : changed) edits.push_back(replacement(source, map, change));
  raise_version(map, needed_version(changed), edits);
  return coreml::apply(source.bytes.bytes, map.frames, std::move(edits));
}

}  // namespace mlqc
