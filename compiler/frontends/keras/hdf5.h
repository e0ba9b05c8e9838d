// What a Keras model keeps in an HDF5 file: texts in attributes, numbers in datasets.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "mlq/graph.h"

namespace mlqc::keras {

struct Array {
  mlq::DataType type = mlq::DataType::float32;
  mlq::Shape shape;
  mlq::Data data;  // row-major, little-endian; in the file's own bytes where they lie there as they are
};

// Paths have no slash in front: "model_weights/dense/kernel:0". What an optimizer left is not here.
struct Hdf5 {
  std::map<std::string, std::vector<std::string>, std::less<>> texts;  // "group@attribute"
  std::map<std::string, Array, std::less<>> arrays;

  // The one text of an attribute, or nullptr.
  const std::string* text(const std::string& key) const;
  // Lists that were too long for one attribute are spread over NAME0, NAME1, ...
  std::vector<std::string> texts_of(const std::string& group, const std::string& name) const;
};

// Reads in a process of its own, which may use three times the file's size in memory and a bounded time:
// damaged files crash libhdf5 1.10 or make it loop. Throws Error MLQ306.
Hdf5 read_hdf5(const mlq::Data& file, const std::filesystem::path& path);

bool is_hdf5(std::span<const std::byte> bytes);

}  // namespace mlqc::keras
