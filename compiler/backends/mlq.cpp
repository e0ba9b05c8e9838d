// The artifact, whose reader is runtime-stub/src/artifact.cpp.
#ifdef MLQ_HAVE_HTSCODECS
#include <zlib.h>
#endif

#include <cstring>
#include <deque>
#include <map>

#include "artifact_generated.h"
#include "compiler/backends/backend.h"
#include "compiler/backends/code_weights.h"
#include "compiler/backends/formats.h"
#include "compiler/graph/rewrite.h"
#include "compiler/support/error.h"
#include "mlq/version.h"
#include "runtime-stub/src/artifact.h"
#include "runtime-stub/src/halves.h"

namespace mlqc {

namespace {

namespace fb = flatbuffers;
namespace wire = mlq::artifact;

std::size_t padded(std::size_t bytes) {
  return (bytes + mlq::artifact_alignment - 1) / mlq::artifact_alignment * mlq::artifact_alignment;
}

template <class T>
std::string raw(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}
template <class T>
std::string raw(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}
std::string raw(const std::string& text) { return text; }
std::string raw(const std::shared_ptr<const mlq::Graph>& graph) {
  return std::to_string(reinterpret_cast<std::uintptr_t>(graph.get()));
}

// Equal for attributes that are the same bit by bit: -0.0 is not 0.0 here.
std::string identity(const std::string& key, const mlq::Attribute& value) {
  return key + '\0' + std::to_string(value.index()) +
         std::visit([](const auto& alternative) { return raw(alternative); }, value);
}

// Describes a graph, and lists the constants in the order in which they are to follow it.
class Encoder {
 public:
  // `coded`: whether weights are entropy-coded where it pays.
  explicit Encoder(bool coded) : coded_(coded) {}

  std::span<const std::uint8_t> encode(const Source& source, const mlq::Graph& from) {
    const auto features = graph(from);
    std::string all_labels;
    std::vector<std::uint8_t> sizes;
    for (const std::string& label : from.labels) {
      sizes.insert(sizes.end(), label.size() / 255, 255);
      sizes.push_back(static_cast<std::uint8_t>(label.size() % 255));
      all_labels += label;
    }
    const auto labels = text(all_labels);
    const auto label_sizes = numbers(sizes);
    const auto metadata = tables<wire::Entry>(from.metadata, [&](const auto& entry) {
      const auto key = text(entry.first), value = text(entry.second);
      return wire::CreateEntry(builder_, key, value);
    });
    const auto digest = text(interface_digest(from));
    const auto sha256 = text(source.sha256);
    builder_.Finish(wire::CreateArtifact(builder_, features, labels, label_sizes, from.integer_labels,
                                         metadata, digest, sha256));
    return {builder_.GetBufferPointer(), builder_.GetSize()};
  }

  const std::vector<std::span<const std::byte>>& blobs() const { return blobs_; }
  std::size_t blob_bytes() const { return blob_bytes_; }
  // The least that says all there is in it, so that older readers read what they can.
  std::uint32_t format(bool compressed) const {
    if (any_small_) return mlq::artifact_format_trellis;
    if (compressed) return mlq::artifact_format_compressed;
    if (any_blocks_) return mlq::artifact_format_blocks;
    return streams_.empty() ? mlq::artifact_format : mlq::artifact_format_coded;
  }

 private:
  // Names of operators and attributes come again and again.
  fb::Offset<fb::String> text(const std::string& from) {
    return from.empty() ? fb::Offset<fb::String>() : builder_.CreateSharedString(from);
  }

  template <class T>
  fb::Offset<fb::Vector<T>> numbers(const std::vector<T>& from) {
    return from.empty() ? fb::Offset<fb::Vector<T>>() : builder_.CreateVector(from);
  }

  fb::Offset<fb::Vector<std::int64_t>> shape(const mlq::Shape& from) {
    const auto [entry, added] = shapes_.try_emplace(from);
    if (added) entry->second = numbers(from);
    return entry->second;
  }

  template <class Table, class Range, class Make>
  fb::Offset<fb::Vector<fb::Offset<Table>>> tables(const Range& range, const Make& make) {
    std::vector<fb::Offset<Table>> offsets;
    offsets.reserve(range.size());
    for (const auto& item : range) offsets.push_back(make(item));
    return builder_.CreateVector(offsets);
  }

  wire::Bytes blob(std::span<const std::byte> bytes) {
    const wire::Bytes place(blob_bytes_, bytes.size());
    blobs_.push_back(bytes);
    blob_bytes_ += padded(bytes.size());
    return place;
  }

  // A constant's bytes as they are to be written, and whether they are coded. Subgraphs stay as they are.
  std::pair<std::span<const std::byte>, bool> bytes_of(const mlq::Tensor& from) {
    std::vector<std::byte> stream;
    if (coded_ && depth_ == 1) stream = code_weights(from);
    if (stream.empty()) return {from.data->bytes.first(mlq::data_size(from).value_or(0)), false};
    streams_.push_back(std::move(stream));
    return {streams_.back(), true};
  }

  // Either as floats or as halves.
  struct Floats {
    fb::Offset<fb::Vector<float>> floats;
    fb::Offset<fb::Vector<std::uint16_t>> halves;
  };
  Floats floats(const std::vector<float>& from) {
    const auto halves = mlq::as_halves(from);
    if (!halves) return {numbers(from), {}};
    any_small_ = true;
    return {{}, numbers(*halves)};
  }

  fb::Offset<wire::Quantization> quantization(const mlq::Quantization& from, bool coded) {
    const int zero = coded ? mlq::common_zero(from) : -1;
    const Floats scale = floats(from.scale), table = floats(from.table);
    const Floats offset = zero >= 0 ? Floats() : floats(from.offset);
    const std::optional<int> axis = mlq::axis_of(from.blocks);
    any_blocks_ |= !axis;
    const auto blocks = axis ? fb::Offset<fb::Vector<std::int64_t>>() : shape(from.blocks);
    std::optional<wire::Trellis> trellis;
    if (coded && from.trellis) trellis = wire::Trellis(from.trellis->axis, from.trellis->length);
    any_small_ |= trellis.has_value() || (coded && from.bits == 16);
    return wire::CreateQuantization(builder_, static_cast<std::uint8_t>(from.bits), axis.value_or(-1),
                                    scale.floats, offset.floats, table.floats, coded, blocks,
                                    static_cast<std::uint16_t>(std::max(zero, 0)),
                                    trellis ? &*trellis : nullptr, scale.halves, offset.halves, table.halves);
  }

  fb::Offset<wire::Tensor> tensor(const mlq::Tensor& from) {
    const auto name = text(from.name);
    const auto shape = this->shape(from.shape);
    // Sources may have more bytes than the constant takes.
    std::optional<wire::Bytes> place;
    bool coded = false;
    if (from.data) {
      const auto bytes = bytes_of(from);
      place = blob(bytes.first);
      coded = bytes.second;
    }
    const auto quantized =
        from.quantization ? quantization(*from.quantization, coded) : fb::Offset<wire::Quantization>();
    return wire::CreateTensor(builder_, name, static_cast<std::uint8_t>(from.type), shape,
                              place ? &*place : nullptr, quantized);
  }

  fb::Offset<wire::Feature> feature(const mlq::Feature& from) {
    const auto name = text(from.name), description = text(from.description);
    const auto shape = this->shape(from.shape);
    return wire::CreateFeature(builder_, name, description, static_cast<std::uint8_t>(from.kind), from.tensor,
                               shape, static_cast<std::uint8_t>(from.type),
                               static_cast<std::uint8_t>(from.color));
  }

  // Nodes of a kind have most of their attributes in common.
  fb::Offset<wire::Attribute> attribute(const std::string& key, const mlq::Attribute& from) {
    const auto [entry, added] = attributes_.try_emplace(identity(key, from));
    if (added) entry->second = new_attribute(key, from);
    return entry->second;
  }

  // The field is that of the alternative's type; the kind its index.
  fb::Offset<wire::Attribute> new_attribute(const std::string& key, const mlq::Attribute& from) {
    const auto name = text(key);
    fb::Offset<fb::String> string;
    fb::Offset<fb::Vector<std::int64_t>> integers;
    fb::Offset<fb::Vector<float>> floats;
    fb::Offset<wire::Graph> subgraph;
    if (const auto* value = std::get_if<std::string>(&from)) string = text(*value);
    if (const auto* value = std::get_if<std::vector<std::int64_t>>(&from)) integers = numbers(*value);
    if (const auto* value = std::get_if<std::vector<float>>(&from)) floats = numbers(*value);
    if (const auto* value = std::get_if<std::shared_ptr<const mlq::Graph>>(&from)) subgraph = graph(**value);
    fb::Optional<std::int64_t> integer = fb::nullopt;
    fb::Optional<float> number = fb::nullopt;
    if (const auto* value = std::get_if<std::int64_t>(&from)) integer = *value;
    if (const auto* value = std::get_if<float>(&from)) number = *value;
    return wire::CreateAttribute(builder_, name, static_cast<std::uint8_t>(from.index()), integer, number,
                                 string, integers, floats, subgraph);
  }

  fb::Offset<wire::Node> node(const mlq::Node& from) {
    const auto op = text(from.op), name = text(from.name);
    const auto inputs = numbers(from.inputs), outputs = numbers(from.outputs);
    const auto attributes = tables<wire::Attribute>(
        from.attributes, [&](const auto& entry) { return attribute(entry.first, entry.second); });
    return wire::CreateNode(builder_, op, name, inputs, outputs, attributes);
  }

  fb::Offset<wire::Graph> graph(const mlq::Graph& from) {
    ++depth_;
    const auto tensors =
        tables<wire::Tensor>(from.tensors, [&](const mlq::Tensor& item) { return tensor(item); });
    const auto nodes = tables<wire::Node>(from.nodes, [&](const mlq::Node& item) { return node(item); });
    const auto make_feature = [&](const mlq::Feature& item) { return feature(item); };
    const auto inputs = tables<wire::Feature>(from.inputs, make_feature);
    const auto outputs = tables<wire::Feature>(from.outputs, make_feature);
    --depth_;
    return wire::CreateGraph(builder_, tensors, nodes, inputs, outputs);
  }

  fb::FlatBufferBuilder builder_;
  std::map<mlq::Shape, fb::Offset<fb::Vector<std::int64_t>>> shapes_;
  std::map<std::string, fb::Offset<wire::Attribute>> attributes_;
  std::vector<std::span<const std::byte>> blobs_;
  std::size_t blob_bytes_ = 0;
  bool coded_;
  bool any_blocks_ = false;                     // some groups lie otherwise than along an axis
  bool any_small_ = false;                      // something is stored as format 5 has it
  int depth_ = 0;                               // of the graph that is being described
  std::deque<std::vector<std::byte>> streams_;  // coded constants
};

#ifdef MLQ_HAVE_HTSCODECS

// Its size and a zlib stream: what runtime-stub/src/compressed.h reads.
std::vector<std::uint8_t> compressed(std::span<const std::uint8_t> bytes) {
  uLongf size = compressBound(static_cast<uLong>(bytes.size()));
  std::vector<std::uint8_t> result(4 + size);
  for (int i = 0; i < 4; ++i)
    result[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(bytes.size() >> 8 * i);
  if (compress2(result.data() + 4, &size, bytes.data(), static_cast<uLong>(bytes.size()),
                Z_BEST_COMPRESSION) != Z_OK)
    throw Error(Exit::internal, {{}, "the network could not be compressed", "MLQ901", "", {}});
  result.resize(4 + size);
  return result;
}

#else

std::vector<std::uint8_t> compressed(std::span<const std::uint8_t> bytes) {
  return {bytes.begin(), bytes.end()};
}

#endif

// All in one allocation of the final size: weights are large, and are copied only here.
std::vector<std::byte> assemble(std::span<const std::uint8_t> described, const Encoder& encoder, bool coded) {
  const std::vector<std::uint8_t> small = coded ? compressed(described) : std::vector<std::uint8_t>();
  const bool is_small = coded && small.size() < described.size();
  const std::span<const std::uint8_t> graph = is_small ? std::span(small) : described;
  const std::size_t blobs_begin = padded(mlq::artifact_begin + graph.size());
  const std::size_t file_bytes = blobs_begin + encoder.blob_bytes();
  const wire::Header header(mlq::artifact_magic, encoder.format(is_small), mlq::version_major,
                            mlq::version_minor, mlq::version_patch, is_small ? 1 : 0,
                            static_cast<std::uint32_t>(graph.size()), file_bytes);
  std::vector<std::byte> file;
  file.reserve(file_bytes);
  const auto append = [&](std::span<const std::byte> bytes) {
    file.insert(file.end(), bytes.begin(), bytes.end());
    file.resize(padded(file.size()));
  };
  append(std::as_bytes(std::span(&header, 1)));
  file.resize(mlq::artifact_begin);
  append(std::as_bytes(graph));
  for (const auto& blob : encoder.blobs()) append(blob);
  return file;
}

std::vector<std::byte> write(const Source& source, const mlq::Graph& graph, bool coded) {
  const mlq::Graph prepared = prepare_for_runtime(simplify(graph));
  if (const mlq::Status status = mlq::check(prepared); !status)
    throw Error(Exit::internal, {{source.path.string(), 0, 0},
                                 "the network cannot be written: " + status.error(),
                                 "MLQ901",
                                 "this is a fault of mlqc, please report it with the model",
                                 {}});
  Encoder encoder(coded);
  const auto described = encoder.encode(source, prepared);
  return assemble(described, encoder, coded);
}

}  // namespace

std::vector<std::byte> write_mlq(const Source& source, const mlq::Graph& graph) {
  return write(source, graph, false);
}

std::vector<std::byte> write_mlq_coded(const Source& source, const mlq::Graph& graph) {
  return write(source, graph, true);
}

}  // namespace mlqc
