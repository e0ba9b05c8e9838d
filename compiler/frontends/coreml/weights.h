// Where the weights are in a Core ML file: a walk over the wire format that copies none of them.
//
// The importer parses the skeleton, in which every blob is one small number, and takes the weights from the
// mapped file; the back end replaces blobs and leaves every other byte as it was.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace mlqc::coreml {

// A run of bytes of the file.
struct Extent {
  std::size_t at = 0;
  std::size_t size = 0;
};

// A message with weights somewhere in it, and the length that stands before it.
struct Frame {
  Extent length;
  Extent body;
  int parent = -1;  // the frame around it; -1: the file
};

// One WeightParams message.
struct Blob {
  std::string name;  // "<layer>/<field>"; unique, stable
  int frame = -1;
  Extent floats;                  // packed, in one run
  bool scattered_floats = false;  // unpacked or in several runs, which writers may: see gather_floats
  Extent halves, raw, int8;
  int bits = 0;
  std::vector<float> scale, offset, table;
};

struct WeightMap {
  std::vector<Frame> frames;  // a parent comes before its children
  std::vector<Blob> blobs;
  Extent version;  // the model's specificationVersion, tag and value; size 0 where the file has none
  std::string
      skeleton;  // the model without unknown fields and weights; Weights.place is the blob's index + 1
};

// Throws Error (Exit::model) naming `path`: MLQ306 when the bytes are no such file, MLQ307 when parsing the
// skeleton would take more memory than any honest model needs.
WeightMap walk_weights(std::span<const std::byte> file, const std::filesystem::path& path);

// The floats of a blob whose floats are scattered.
std::vector<float> gather_floats(std::span<const std::byte> file, const WeightMap& map, const Blob& blob);

// The blob's message without its values and its quantization: what a new body must keep.
std::vector<std::byte> other_fields(std::span<const std::byte> file, const WeightMap& map, const Blob& blob);

}  // namespace mlqc::coreml
