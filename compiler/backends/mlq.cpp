// The artifact, whose reader is runtime-stub/src/artifact.cpp.
#include <cstring>

#include "artifact_generated.h"
#include "compiler/backends/backend.h"
#include "compiler/backends/formats.h"
#include "compiler/graph/rewrite.h"
#include "compiler/support/error.h"
#include "mlq/version.h"
#include "runtime-stub/src/artifact.h"

namespace mlqc {

namespace {

namespace fb = flatbuffers;
namespace wire = mlq::artifact;

std::size_t padded(std::size_t bytes) {
  return (bytes + mlq::artifact_alignment - 1) / mlq::artifact_alignment * mlq::artifact_alignment;
}

// Describes a graph, and lists the constants in the order in which they are to follow it.
class Encoder {
 public:
  Encoder() { builder_.ForceDefaults(true); }  // a left-out -0.0 would come back as 0.0

  std::span<const std::uint8_t> encode(const Source& source, const mlq::Graph& from) {
    const auto features = graph(from);
    const auto labels = builder_.CreateVectorOfStrings(from.labels);
    const auto metadata = tables<wire::Entry>(from.metadata, [&](const auto& entry) {
      const auto key = builder_.CreateString(entry.first), value = builder_.CreateString(entry.second);
      return wire::CreateEntry(builder_, key, value);
    });
    const auto digest = builder_.CreateString(interface_digest(from));
    const auto sha256 = builder_.CreateString(source.sha256);
    builder_.Finish(
        wire::CreateArtifact(builder_, features, labels, from.integer_labels, metadata, digest, sha256));
    return {builder_.GetBufferPointer(), builder_.GetSize()};
  }

  const std::vector<std::span<const std::byte>>& blobs() const { return blobs_; }
  std::size_t blob_bytes() const { return blob_bytes_; }

 private:
  template <class Table, class Range, class Make>
  fb::Offset<fb::Vector<fb::Offset<Table>>> tables(const Range& range, const Make& make) {
    std::vector<fb::Offset<Table>> offsets;
    offsets.reserve(range.size());
    for (const auto& item : range) offsets.push_back(make(item));
    return builder_.CreateVector(offsets);
  }

  wire::Bytes blob(const mlq::Tensor& from) {
    const auto size = mlq::data_size(from).value_or(0);  // sources may have more bytes than it takes
    const wire::Bytes place(blob_bytes_, size);
    blobs_.push_back(from.data->bytes.first(size));
    blob_bytes_ += padded(size);
    return place;
  }

  fb::Offset<wire::Quantization> quantization(const mlq::Quantization& from) {
    const auto scale = builder_.CreateVector(from.scale), offset = builder_.CreateVector(from.offset),
               table = builder_.CreateVector(from.table);
    return wire::CreateQuantization(builder_, static_cast<std::uint8_t>(from.bits), from.axis, scale, offset,
                                    table);
  }

  fb::Offset<wire::Tensor> tensor(const mlq::Tensor& from) {
    const auto name = builder_.CreateString(from.name);
    const auto shape = builder_.CreateVector(from.shape);
    const auto quantized =
        from.quantization ? quantization(*from.quantization) : fb::Offset<wire::Quantization>();
    const std::optional<wire::Bytes> bytes = from.data ? std::optional(blob(from)) : std::nullopt;
    return wire::CreateTensor(builder_, name, static_cast<std::uint8_t>(from.type), shape,
                              bytes ? &*bytes : nullptr, quantized);
  }

  fb::Offset<wire::Feature> feature(const mlq::Feature& from) {
    const auto name = builder_.CreateString(from.name), description = builder_.CreateString(from.description);
    const auto shape = builder_.CreateVector(from.shape);
    return wire::CreateFeature(builder_, name, description, static_cast<std::uint8_t>(from.kind), from.tensor,
                               shape, static_cast<std::uint8_t>(from.type),
                               static_cast<std::uint8_t>(from.color));
  }

  // The field is that of the alternative's type; the kind its index.
  fb::Offset<wire::Attribute> attribute(const std::string& key, const mlq::Attribute& from) {
    const auto name = builder_.CreateString(key);
    fb::Offset<fb::String> text;
    fb::Offset<fb::Vector<std::int64_t>> integers;
    fb::Offset<fb::Vector<float>> numbers;
    fb::Offset<wire::Graph> subgraph;
    if (const auto* value = std::get_if<std::string>(&from)) text = builder_.CreateString(*value);
    if (const auto* value = std::get_if<std::vector<std::int64_t>>(&from))
      integers = builder_.CreateVector(*value);
    if (const auto* value = std::get_if<std::vector<float>>(&from)) numbers = builder_.CreateVector(*value);
    if (const auto* value = std::get_if<std::shared_ptr<const mlq::Graph>>(&from)) subgraph = graph(**value);
    const auto* integer = std::get_if<std::int64_t>(&from);
    const auto* number = std::get_if<float>(&from);
    return wire::CreateAttribute(builder_, name, static_cast<std::uint8_t>(from.index()),
                                 integer ? *integer : 0, number ? *number : 0, text, integers, numbers,
                                 subgraph);
  }

  fb::Offset<wire::Node> node(const mlq::Node& from) {
    const auto op = builder_.CreateString(from.op), name = builder_.CreateString(from.name);
    const auto inputs = builder_.CreateVector(from.inputs), outputs = builder_.CreateVector(from.outputs);
    const auto attributes = tables<wire::Attribute>(
        from.attributes, [&](const auto& entry) { return attribute(entry.first, entry.second); });
    return wire::CreateNode(builder_, op, name, inputs, outputs, attributes);
  }

  fb::Offset<wire::Graph> graph(const mlq::Graph& from) {
    const auto tensors =
        tables<wire::Tensor>(from.tensors, [&](const mlq::Tensor& item) { return tensor(item); });
    const auto nodes = tables<wire::Node>(from.nodes, [&](const mlq::Node& item) { return node(item); });
    const auto make_feature = [&](const mlq::Feature& item) { return feature(item); };
    const auto inputs = tables<wire::Feature>(from.inputs, make_feature);
    const auto outputs = tables<wire::Feature>(from.outputs, make_feature);
    return wire::CreateGraph(builder_, tensors, nodes, inputs, outputs);
  }

  fb::FlatBufferBuilder builder_;
  std::vector<std::span<const std::byte>> blobs_;
  std::size_t blob_bytes_ = 0;
};

// All in one allocation of the final size: weights are large, and are copied only here.
std::vector<std::byte> assemble(std::span<const std::uint8_t> graph, const Encoder& encoder) {
  const std::size_t blobs_begin = padded(mlq::artifact_alignment + graph.size());
  const std::size_t file_bytes = blobs_begin + encoder.blob_bytes();
  const wire::Header header(mlq::artifact_magic, mlq::artifact_format, mlq::version_major, mlq::version_minor,
                            mlq::version_patch, 0, static_cast<std::uint32_t>(graph.size()), file_bytes);
  std::vector<std::byte> file;
  file.reserve(file_bytes);
  const auto append = [&](std::span<const std::byte> bytes) {
    file.insert(file.end(), bytes.begin(), bytes.end());
    file.resize(padded(file.size()));
  };
  append(std::as_bytes(std::span(&header, 1)));
  append(std::as_bytes(graph));
  for (const auto& blob : encoder.blobs()) append(blob);
  return file;
}

}  // namespace

std::vector<std::byte> write_mlq(const Source& source, const mlq::Graph& graph) {
  const mlq::Graph prepared = prepare_for_runtime(simplify(graph));
  if (const mlq::Status status = mlq::check(prepared); !status)
    throw Error(Exit::internal, {{source.path.string(), 0, 0},
                                 "the network cannot be written: " + status.error(),
                                 "MLQ901",
                                 "this is a fault of mlqc, please report it with the model",
                                 {}});
  Encoder encoder;
  const auto described = encoder.encode(source, prepared);
  return assemble(described, encoder);
}

}  // namespace mlqc
