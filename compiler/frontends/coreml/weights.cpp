#include "compiler/frontends/coreml/weights.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <cstring>
#include <limits>
#include <map>
#include <set>

#include "compiler/frontends/coreml/model.pb.h"
#include "compiler/support/error.h"

namespace mlqc::coreml {

namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;
using google::protobuf::io::CodedOutputStream;

constexpr int deepest = 60;  // well beneath protobuf's own limit of 100

// What the parsed skeleton may take, in bytes, estimated high. protobuf bounds the depth of a message but not
// its memory: two bytes of file can become an object of two hundred.
constexpr std::size_t skeleton_budget = std::size_t{256} << 20;
constexpr std::size_t cost_of_message = 256, cost_of_string = 64, cost_of_scalar = 16,
                      cost_of_packed_byte = 8;

// One field as it lies in the file.
struct Field {
  int number = 0;
  WireFormatLite::WireType type = WireFormatLite::WIRETYPE_VARINT;
  Extent whole;   // with its tag
  Extent length;  // delimited fields only
  Extent body;    // delimited fields only
  bool delimited() const { return type == WireFormatLite::WIRETYPE_LENGTH_DELIMITED; }
};

// Reads the fields of one message in turn.
class Fields {
 public:
  Fields(std::span<const std::byte> file, Extent message)
      : base_(message.at),
        in_(reinterpret_cast<const std::uint8_t*>(file.data()) + message.at, static_cast<int>(message.size)) {
  }

  // False at the end and where the bytes are no message: see broken().
  bool next(Field& field) {
    const std::size_t start = here();
    const std::uint32_t tag = in_.ReadTag();
    if (tag == 0) {
      broken_ = !in_.ConsumedEntireMessage();
      return false;
    }
    field = {WireFormatLite::GetTagFieldNumber(tag), WireFormatLite::GetTagWireType(tag), {start, 0}, {}, {}};
    if (!(field.delimited() ? skip_delimited(field) : WireFormatLite::SkipField(&in_, tag))) {
      broken_ = true;
      return false;
    }
    field.whole.size = here() - start;
    return true;
  }
  bool broken() const { return broken_; }

 private:
  std::size_t here() const { return base_ + static_cast<std::size_t>(in_.CurrentPosition()); }
  bool skip_delimited(Field& field) {
    field.length.at = here();
    std::uint32_t size = 0;
    if (!in_.ReadVarint32(&size) || size > static_cast<std::uint32_t>(std::numeric_limits<int>::max()))
      return false;
    field.length.size = here() - field.length.at;
    field.body = {here(), size};
    return in_.Skip(static_cast<int>(size));
  }

  std::size_t base_;
  CodedInputStream in_;
  bool broken_ = false;
};

// Messages in which a Weights may be, however deep.
const std::set<const Descriptor*>& messages_with_weights() {
  static const std::set<const Descriptor*> found = [] {
    std::set<const Descriptor*> with{Weights::descriptor()}, all;
    std::vector<const Descriptor*> todo{Model::descriptor()};
    while (!todo.empty()) {
      const Descriptor* message = todo.back();
      todo.pop_back();
      if (!all.insert(message).second) continue;
      for (int i = 0; i < message->field_count(); ++i)
        if (const Descriptor* child = message->field(i)->message_type()) todo.push_back(child);
    }
    for (bool grew = true; grew;) {
      grew = false;
      for (const Descriptor* message : all)
        for (int i = 0; i < message->field_count(); ++i)
          if (with.count(message->field(i)->message_type())) grew |= with.insert(message).second;
    }
    return with;
  }();
  return found;
}

class Walk {
 public:
  Walk(std::span<const std::byte> file, const std::filesystem::path& path) : file_(file), path_(path) {}

  WeightMap run() {
    if (file_.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
      too_large("is larger than 2 GB");
    map_.skeleton = message(*Model::descriptor(), {0, file_.size()}, -1, "", 0);
    return std::move(map_);
  }

 private:
  [[noreturn]] void malformed() const {
    throw Error(Exit::model, {{path_.string()},
                              "this is not a Core ML model, or it is truncated or damaged",
                              "MLQ306",
                              "compare its size and checksum with the original's",
                              {}});
  }
  [[noreturn]] void too_large(const std::string& why) const {
    throw Error(
        Exit::model,
        {{path_.string()}, "the model " + why, "MLQ307", "the file is probably damaged or hostile", {}});
  }
  void spend(std::size_t cost) {
    spent_ += cost;
    if (spent_ > skeleton_budget) too_large("describes more layers and values than fit into memory sensibly");
  }
  void copy(std::string& out, Extent extent) const {
    out.append(reinterpret_cast<const char*>(file_.data()) + extent.at, extent.size);
  }
  static void append(std::string& out, int number, const std::string& body) {
    std::uint8_t head[20];
    std::uint8_t* end = CodedOutputStream::WriteTagToArray(
        WireFormatLite::MakeTag(number, WireFormatLite::WIRETYPE_LENGTH_DELIMITED), head);
    end = CodedOutputStream::WriteVarint32ToArray(static_cast<std::uint32_t>(body.size()), end);
    out.append(reinterpret_cast<const char*>(head), static_cast<std::size_t>(end - head));
    out.append(body);
  }

  // The skeleton of a message; its frames and blobs go to the map.
  std::string message(const Descriptor& type, Extent body, int frame, const std::string& name, int depth) {
    if (depth > deepest) malformed();
    spend(cost_of_message);
    std::string out;
    std::map<int, int> repeats;
    Fields fields(file_, body);
    for (Field field; fields.next(field);) {
      const FieldDescriptor* known = type.FindFieldByNumber(field.number);
      if (&type == Model::descriptor() && field.number == Model::kSpecificationVersionFieldNumber &&
          frame < 0)
        map_.version = field.whole;
      if (!known) continue;
      if (known->message_type() && field.delimited()) {
        append(out, field.number, child(*known, field, frame, name, repeats[field.number]++, depth));
      } else {
        spend(field.delimited() ? known->is_packable() ? cost_of_packed_byte * field.body.size
                                                       : cost_of_string + field.body.size
                                : cost_of_scalar);
        copy(out, field.whole);
      }
    }
    if (fields.broken()) malformed();
    return out;
  }

  std::string child(const FieldDescriptor& field, const Field& at, int frame, const std::string& name,
                    int index, int depth) {
    const Descriptor& type = *field.message_type();
    if (!messages_with_weights().count(&type)) return message(type, at.body, -2, name, depth + 1);
    map_.frames.push_back({at.length, at.body, frame});
    const int own = static_cast<int>(map_.frames.size()) - 1;
    spend(sizeof(Frame));
    const std::string child_name = name_of(field, at, name, index);
    return &type == Weights::descriptor() ? blob(own, child_name)
                                          : message(type, at.body, own, child_name, depth + 1);
  }

  // Layers are named by their names, what is beneath them by the path of fields that leads there.
  std::string name_of(const FieldDescriptor& field, const Field& at, const std::string& outer,
                      int index) const {
    const Descriptor* parent = field.containing_type();
    if (field.message_type() == NeuralNetworkLayer::descriptor()) return outer + layer_name(at.body);
    if (parent == Pipeline::descriptor()) return outer + "models." + std::to_string(index) + "/";
    if (parent == Model::descriptor() || parent == PipelineHolder::descriptor() ||
        parent == NeuralNetworkLayer::descriptor())
      return outer;
    std::string name = outer + "/" + field.json_name();
    if (field.is_repeated()) name += "." + std::to_string(index);
    return field.message_type() == NeuralNetwork::descriptor() ? name + "/" : name;
  }
  // A look ahead: the name need not be the layer's first field.
  std::string layer_name(Extent layer) const {
    std::string name;
    Fields fields(file_, layer);
    for (Field field; fields.next(field);)
      if (field.number == NeuralNetworkLayer::kNameFieldNumber && field.delimited()) {
        name.clear();
        copy(name, field.body);
      }
    return name;
  }

  // Old writers repeat layers' names, or have none.
  std::string unique(const std::string& name) {
    const int copies = ++names_[name];
    return copies == 1 ? name : unique(name + "#" + std::to_string(copies));
  }

  std::string blob(int frame, const std::string& name) {
    Blob blob;
    blob.name = unique(name);
    blob.frame = frame;
    spend(sizeof(Blob) + blob.name.size());
    Quantization quantization;
    Fields fields(file_, map_.frames[static_cast<std::size_t>(frame)].body);
    for (Field field; fields.next(field);) take(field, blob, quantization);
    if (fields.broken()) malformed();
    blob.bits = static_cast<int>(std::min<std::uint64_t>(quantization.number_of_bits(), 1000));
    const auto& linear = quantization.linear_quantization();
    blob.scale.assign(linear.scale().begin(), linear.scale().end());
    blob.offset.assign(linear.bias().begin(), linear.bias().end());
    const auto& table = quantization.lookup_table_quantization().float_value();
    blob.table.assign(table.begin(), table.end());
    map_.blobs.push_back(std::move(blob));
    Weights skeleton;
    skeleton.set_place(static_cast<std::uint32_t>(map_.blobs.size()));
    return skeleton.SerializeAsString();
  }

  void take(const Field& field, Blob& blob, Quantization& quantization) {
    switch (field.number) {
      case Weights::kFloatValueFieldNumber:
        if (!field.delimited() || field.body.size % sizeof(float) || blob.floats.size)
          blob.scattered_floats = true;
        else
          blob.floats = field.body;
        break;
      case Weights::kFloat16ValueFieldNumber:
        blob.halves = field.body;
        break;
      case Weights::kRawValueFieldNumber:
        blob.raw = field.body;
        break;
      case Weights::kInt8RawValueFieldNumber:
        blob.int8 = field.body;
        break;
      case Weights::kQuantizationFieldNumber: {
        std::string text;
        copy(text, field.body);
        spend(cost_of_packed_byte * field.body.size);
        if (!field.delimited() || !quantization.MergeFromString(text)) malformed();
        break;
      }
      default:
        break;
    }
  }

  std::span<const std::byte> file_;
  const std::filesystem::path& path_;
  WeightMap map_;
  std::map<std::string, int> names_;
  std::size_t spent_ = 0;
};

bool is_value(int number) {
  return number == Weights::kFloatValueFieldNumber || number == Weights::kFloat16ValueFieldNumber ||
         number == Weights::kRawValueFieldNumber || number == Weights::kInt8RawValueFieldNumber ||
         number == Weights::kQuantizationFieldNumber;
}

Extent body_of(const WeightMap& map, const Blob& blob) {
  return map.frames[static_cast<std::size_t>(blob.frame)].body;
}

}  // namespace

WeightMap walk_weights(std::span<const std::byte> file, const std::filesystem::path& path) {
  return Walk(file, path).run();
}

std::vector<float> gather_floats(std::span<const std::byte> file, const WeightMap& map, const Blob& blob) {
  std::vector<float> out;
  Fields fields(file, body_of(map, blob));
  for (Field field; fields.next(field);) {
    if (field.number != Weights::kFloatValueFieldNumber) continue;
    // Four bytes at the field's end, or a run of such.
    const std::size_t size =
        field.delimited() ? field.body.size / sizeof(float) * sizeof(float) : sizeof(float);
    if (!field.delimited() && field.type != WireFormatLite::WIRETYPE_FIXED32) continue;
    const std::size_t at = field.delimited() ? field.body.at : field.whole.at + field.whole.size - size;
    out.resize(out.size() + size / sizeof(float));
    if (size) std::memcpy(out.data() + out.size() - size / sizeof(float), file.data() + at, size);
  }
  return out;
}

std::vector<std::byte> other_fields(std::span<const std::byte> file, const WeightMap& map, const Blob& blob) {
  std::vector<std::byte> out;
  Fields fields(file, body_of(map, blob));
  for (Field field; fields.next(field);) {
    if (is_value(field.number)) continue;
    const auto whole = file.subspan(field.whole.at, field.whole.size);
    out.insert(out.end(), whole.begin(), whole.end());
  }
  return out;
}

}  // namespace mlqc::coreml
