#include "runtime-stub/src/artifact.h"

#include <cmath>
#include <cstring>

#include "artifact_generated.h"
#include "mlq/version.h"
#include "runtime-stub/src/blocks.h"
#include "runtime-stub/src/buffer.h"
#include "runtime-stub/src/coded.h"
#include "runtime-stub/src/compressed.h"
#include "runtime-stub/src/halves.h"

namespace mlq {

namespace {

template <class T>
using FlatVector = flatbuffers::Vector<T>;
template <class T>
using FlatTables = flatbuffers::Vector<flatbuffers::Offset<T>>;

// Copies a verified Artifact into values. Equal strings are written once, and a hostile artifact may refer to
// the same bytes again and again: what is copied is counted, and bounded by the bytes that there are.
constexpr std::size_t copies_per_byte = 16;

class Decoder {
 public:
  Decoder(const Data& file, std::size_t blobs_begin, std::size_t graph_bytes)
      : file_(file), blobs_begin_(blobs_begin), budget_(copies_per_byte * graph_bytes) {}

  Result<ArtifactContent> decode(const artifact::Artifact& from) {
    coded_.clear();
    ArtifactContent content{graph(*from.graph(), true), text(from.interface_digest()),
                            text(from.source_sha256())};
    content.graph.labels = labels(text(from.labels()), numbers(from.label_sizes()));
    content.graph.integer_labels = from.integer_labels();
    each(from.metadata(), [&](const artifact::Entry& entry) {
      content.graph.metadata.emplace_back(text(entry.key()), text(entry.value()));
    });
    if (failed_) return Failure{*failed_};
    return content;
  }

  // The tensors of the outermost graph whose data are coded.
  const std::vector<std::size_t>& coded() const { return coded_; }

 private:
  void fail(std::string why) {
    if (!failed_) failed_ = std::move(why);
  }

  bool spend(std::size_t bytes) {
    if (bytes > budget_) fail("the artifact is damaged: its parts overlap");
    if (failed_) return false;
    budget_ -= bytes;
    return true;
  }

  std::string text(const flatbuffers::String* from) {
    return from && spend(from->size() + sizeof(flatbuffers::uoffset_t)) ? from->str() : std::string();
  }

  template <class T>
  std::vector<T> numbers(const FlatVector<T>* from) {
    if (!from || !spend(from->size() * sizeof(T))) return {};
    std::vector<T> copy(from->size());  // of bytes: in a damaged artifact numbers may lie at any address
    if (!copy.empty()) std::memcpy(copy.data(), from->Data(), copy.size() * sizeof(T));
    return copy;
  }

  // Floats, which the file may have as halves.
  std::vector<float> floats(const FlatVector<float>* from, const FlatVector<std::uint16_t>* halves) {
    if (!halves || !spend(halves->size() * sizeof(float))) return numbers(from);
    std::vector<float> values(halves->size());
    widen_halves(halves->Data(), values);
    return values;
  }

  // Each table costs at least its own offset in the vector.
  template <class T, class Body>
  void each(const FlatTables<T>* from, const Body& body) {
    for (std::size_t i = 0; from && i < from->size() && spend(sizeof(flatbuffers::uoffset_t)); ++i)
      body(*from->Get(i));
  }

  std::vector<std::string> labels(const std::string& all, const std::vector<std::uint8_t>& sizes) {
    std::vector<std::string> labels;
    std::size_t begin = 0, size = 0;
    for (const std::uint8_t part : sizes) {
      size += part;
      if (size > all.size() - begin) fail("the artifact is damaged: its labels are cut off");
      if (failed_) return {};
      if (part == 255) continue;
      labels.push_back(all.substr(begin, size));
      begin += size;
      size = 0;
    }
    return labels;
  }

  std::optional<Data> data(const artifact::Bytes* from) {
    if (!from) return std::nullopt;
    const std::size_t all = file_.bytes.size() - blobs_begin_;
    if (from->offset() > all || from->size() > all - from->offset() ||
        from->offset() % artifact_alignment != 0)
      fail("the artifact is damaged: a constant lies outside of it");
    if (failed_) return std::nullopt;
    return Data{file_.bytes.subspan(blobs_begin_ + from->offset(), from->size()), file_.owner, file_.in_file};
  }

  std::optional<Quantization> quantization(const artifact::Quantization* from) {
    if (!from) return std::nullopt;
    Shape blocks = numbers(from->blocks());
    if (blocks.empty() && from->axis() >= 0) {
      if (from->axis() >= static_cast<int>(max_rank))
        fail("the artifact is damaged: a constant is quantized along no axis");
      if (!failed_) blocks = blocks_along(from->axis());
    }
    Quantization q{from->bits(),
                   std::move(blocks),
                   floats(from->scale(), from->half_scale()),
                   floats(from->offset(), from->half_offset()),
                   floats(from->table(), from->half_table()),
                   {}};
    if (from->trellis()) q.trellis = Trellis{from->trellis()->axis(), from->trellis()->length()};
    if (q.offset.empty())
      for (const float scale : q.scale) q.offset.push_back(offset_of(scale, from->zero()));
    return q;
  }

  Feature feature(const artifact::Feature& from) {
    return {text(from.name()),
            text(from.description()),
            static_cast<FeatureKind>(from.kind()),
            from.tensor(),
            numbers(from.shape()),
            static_cast<DataType>(from.type()),
            static_cast<Color>(from.color())};
  }

  // In the order of the alternatives of mlq::Attribute.
  Attribute attribute(const artifact::Attribute& from) {
    switch (from.kind()) {
      case 0:
        return from.integer().value_or(0);
      case 1:
        return from.number().value_or(0);
      case 2:
        return text(from.text());
      case 3:
        return numbers(from.integers());
      case 4:
        return numbers(from.numbers());
      case 5:
        if (from.graph()) return std::make_shared<const Graph>(graph(*from.graph()));
    }
    fail("the artifact is damaged: an attribute of unknown kind");
    return std::int64_t{0};
  }

  Node node(const artifact::Node& from) {
    Node node{text(from.op()), text(from.name()), numbers(from.inputs()), numbers(from.outputs()), {}};
    each(from.attributes(),
         [&](const artifact::Attribute& a) { node.attributes.emplace(text(a.name()), attribute(a)); });
    return node;
  }

  void note_coded(const artifact::Tensor& from, bool outermost, std::size_t place) {
    if (!from.quantization() || !from.quantization()->coded()) return;
    if (!outermost || !from.data()) fail("the artifact is damaged: coded weights in the wrong place");
    coded_.push_back(place);
  }

  Graph graph(const artifact::Graph& from, bool outermost = false) {
    Graph graph;
    each(from.tensors(), [&](const artifact::Tensor& t) {
      note_coded(t, outermost, graph.tensors.size());
      graph.tensors.push_back({text(t.name()), static_cast<DataType>(t.type()), numbers(t.shape()),
                               data(t.data()), quantization(t.quantization())});
    });
    each(from.nodes(), [&](const artifact::Node& n) { graph.nodes.push_back(node(n)); });
    each(from.inputs(), [&](const artifact::Feature& f) { graph.inputs.push_back(feature(f)); });
    each(from.outputs(), [&](const artifact::Feature& f) { graph.outputs.push_back(feature(f)); });
    return graph;
  }

  const Data& file_;
  std::size_t blobs_begin_;
  std::size_t budget_;
  std::optional<std::string> failed_;
  std::vector<std::size_t> coded_;
};

std::string version_text(int major, int minor, int patch) {
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

Result<artifact::Header> read_header(std::span<const std::byte> file) {
  std::uint64_t magic = 0;
  if (file.size() >= sizeof magic) std::memcpy(&magic, file.data(), sizeof magic);
  if (flatbuffers::EndianScalar(magic) != artifact_magic)
    return Failure{"these " + std::to_string(file.size()) + " bytes are no mlq artifact"};
  if (file.size() < artifact_begin) return Failure{"the artifact is cut off within its header"};
  artifact::Header header;
  std::memcpy(&header, file.data(), sizeof header);
  if (header.format() < artifact_format || header.format() > artifact_format_trellis)
    return Failure{"the artifact was written by mlq " +
                   version_text(header.major(), header.minor(), header.patch()) + " in format " +
                   std::to_string(header.format()) + "; this runtime, mlq " +
                   version_text(version_major, version_minor, version_patch) + ", reads format " +
                   std::to_string(artifact_format) + ": compile the model with the mlqc of this version"};
  const std::string sizes =
      std::to_string(file.size()) + " bytes instead of " + std::to_string(header.file_bytes());
  if (header.file_bytes() > file.size()) return Failure{"the artifact is cut off: it has " + sizes};
  if (header.file_bytes() < file.size())
    return Failure{"something was appended to the artifact: it has " + sizes};
  return header;
}

// Embedded bytes may lie anywhere; the copy of the small part costs less than reading it unaligned.
Result<std::shared_ptr<Buffer>> graph_of(const artifact::Header& header, std::span<const std::byte> bytes) {
  if (header.compressed() != 0) return decompress(bytes);
  auto copy = Buffer::make(bytes.size(), SIZE_MAX / 2);
  if (copy) std::memcpy((*copy)->data(), bytes.data(), bytes.size());
  return copy;
}

}  // namespace

int common_zero(const Quantization& quantization) {
  if (quantization.scale.empty() || !(quantization.scale[0] > 0)) return -1;
  const double place = -static_cast<double>(quantization.offset[0]) / quantization.scale[0];
  if (!(place >= 0 && place < 65535)) return -1;
  const int zero = static_cast<int>(std::lround(place));
  for (std::size_t g = 0; g < quantization.scale.size(); ++g)
    if (offset_of(quantization.scale[g], zero) != quantization.offset[g]) return -1;
  return zero;
}

Result<ArtifactContent> read_artifact(const Data& file, std::size_t memory_limit) {
  const auto header = read_header(file.bytes);
  if (!header) return Failure{header.error()};
  const std::size_t graph_bytes = header->graph_bytes();
  if (graph_bytes > file.bytes.size() - artifact_begin)
    return Failure{"the artifact is damaged: its graph is larger than the file"};
  const std::size_t end = artifact_begin + graph_bytes;
  const std::size_t blobs_begin = end + (artifact_alignment - end % artifact_alignment) % artifact_alignment;
  if (blobs_begin > file.bytes.size()) return Failure{"the artifact is damaged: its constants are missing"};

  auto copy = graph_of(*header, file.bytes.subspan(artifact_begin, graph_bytes));
  if (!copy) return Failure{"the artifact is damaged: " + copy.error()};
  const std::size_t size = (*copy)->size();
  const auto* begin = reinterpret_cast<const std::uint8_t*>((*copy)->data());
  // Fewer tables than bytes, so that verifying takes time in proportion to the size.
  flatbuffers::Verifier verifier(begin, size, 64,
                                 static_cast<flatbuffers::uoffset_t>(size / sizeof(flatbuffers::uoffset_t)));
  if (!artifact::VerifyArtifactBuffer(verifier))
    return Failure{"the artifact is damaged: its graph cannot be read"};

  Decoder decoder(file, blobs_begin, size);
  auto content = decoder.decode(*artifact::GetArtifact(begin));
  if (!content) return content;
  std::vector<Tensor*> coded;
  for (const std::size_t place : decoder.coded()) coded.push_back(&content->graph.tensors[place]);
  if (!coded.empty())
    if (Status status = decode_constants(coded, memory_limit); !status) return Failure{status.error()};
  if (Status status = check(content->graph); !status)
    return Failure{"the artifact is damaged: " + status.error()};
  return content;
}

}  // namespace mlq
