#include "compiler/frontends/coreml/edit.h"

#include <google/protobuf/io/coded_stream.h>

#include <algorithm>

namespace mlqc::coreml {

std::vector<std::byte> varint(std::uint64_t value) {
  std::uint8_t bytes[10];
  const std::uint8_t* end = google::protobuf::io::CodedOutputStream::WriteVarint64ToArray(value, bytes);
  std::vector<std::byte> out;
  for (const std::uint8_t* byte = bytes; byte != end; ++byte) out.push_back(std::byte{*byte});
  return out;
}

namespace {

using Growth = std::ptrdiff_t;

Growth growth(const Edit& edit) {
  return static_cast<Growth>(edit.with.size()) - static_cast<Growth>(edit.what.size);
}

// Edits of the lengths of those messages whose size changes. A length that stays keeps its bytes, also when
// it was not written in the shortest way.
std::vector<Edit> length_edits(std::span<const Frame> frames, std::span<const Edit> edits) {
  std::vector<Growth> grown(frames.size());
  std::vector<Edit> lengths;
  const auto grow = [&](int frame, Growth by) {
    if (frame >= 0) grown[static_cast<std::size_t>(frame)] += by;
  };
  for (const Edit& edit : edits) grow(edit.frame, growth(edit));
  for (std::size_t i = frames.size(); i-- > 0;) {  // children first
    if (grown[i] == 0) continue;
    const auto size = static_cast<Growth>(frames[i].body.size) + grown[i];
    lengths.push_back({frames[i].length, varint(static_cast<std::uint64_t>(size)), frames[i].parent});
    grow(frames[i].parent, grown[i] + growth(lengths.back()));
  }
  return lengths;
}

}  // namespace

std::vector<std::byte> apply(std::span<const std::byte> file, std::span<const Frame> frames,
                             std::vector<Edit> edits) {
  std::vector<Edit> lengths = length_edits(frames, edits);
  edits.insert(edits.end(), std::make_move_iterator(lengths.begin()), std::make_move_iterator(lengths.end()));
  std::sort(edits.begin(), edits.end(), [](const Edit& a, const Edit& b) { return a.what.at < b.what.at; });
  Growth total = 0;
  for (const Edit& edit : edits) total += growth(edit);
  std::vector<std::byte> out;
  out.reserve(static_cast<std::size_t>(static_cast<Growth>(file.size()) + total));
  std::size_t done = 0;
  for (const Edit& edit : edits) {
    out.insert(out.end(), file.begin() + static_cast<Growth>(done),
               file.begin() + static_cast<Growth>(edit.what.at));
    out.insert(out.end(), edit.with.begin(), edit.with.end());
    done = edit.what.at + edit.what.size;
  }
  out.insert(out.end(), file.begin() + static_cast<Growth>(done), file.end());
  return out;
}

}  // namespace mlqc::coreml
