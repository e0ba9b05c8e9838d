#include "compiler/frontends/tensorflow/parse.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/message.h>
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/wire_format_lite.h>

#include <climits>

namespace mlqc::tensorflow {

namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::internal::WireFormatLite;

// Two bytes make a message of a hundred in memory; so do a string's. Real files spend more than this on each.
constexpr std::size_t bytes_per_part = 3, free_parts = 1 << 16, most_parts = std::size_t{1} << 22;
constexpr int deepest = 64;

// Messages, strings and scattered numbers, counted before anything is allocated.
class Counter {
 public:
  explicit Counter(std::span<const std::byte> bytes)
      : in_(reinterpret_cast<const std::uint8_t*>(bytes.data()), static_cast<int>(bytes.size())),
        left_(std::min(free_parts + bytes.size() / bytes_per_part, most_parts)) {}

  bool walk(const Descriptor* type, int depth = 0) {
    if (depth > deepest) return false;
    while (true) {
      const std::uint32_t tag = in_.ReadTag();
      if (tag == 0) return in_.ConsumedEntireMessage();
      if (left_ == 0) return false;
      --left_;
      if (WireFormatLite::GetTagWireType(tag) != WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
        if (!WireFormatLite::SkipField(&in_, tag)) return false;
        continue;
      }
      const FieldDescriptor* field = type->FindFieldByNumber(WireFormatLite::GetTagFieldNumber(tag));
      std::uint32_t size = 0;
      if (!in_.ReadVarint32(&size) || size > INT_MAX) return false;
      if (field && field->message_type()) {
        const auto limit = in_.PushLimit(static_cast<int>(size));
        if (!walk(field->message_type(), depth + 1)) return false;
        in_.PopLimit(limit);
      } else if (!in_.Skip(static_cast<int>(size))) {
        return false;
      }
    }
  }

 private:
  google::protobuf::io::CodedInputStream in_;
  std::size_t left_;
};

}  // namespace

bool parse(std::span<const std::byte> bytes, google::protobuf::Message& message) {
  if (bytes.size() > INT_MAX) return false;
  // What it says on the terminal about bad UTF-8 is no message of ours.
  const google::protobuf::LogSilencer silence;
  return Counter(bytes).walk(message.GetDescriptor()) &&
         message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

}  // namespace mlqc::tensorflow
