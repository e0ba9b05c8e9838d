// The values of variables as TensorFlow saves them: an index (a LevelDB table) and shards of plain bytes.
// Format: the comments of tensorflow/core/util/tensor_bundle in TensorFlow's sources.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "mlq/graph.h"

namespace mlqc::tensorflow {

class Checkpoint {
 public:
  // Of the files PREFIX.index and PREFIX.data-00000-of-0000N. Throws Error: MLQ301 missing, MLQ306 damaged.
  explicit Checkpoint(const std::filesystem::path& prefix);

  struct Value {
    int type = 0;  // TensorFlow's number
    mlq::Shape shape;
    mlq::Data data;  // mapped
  };
  bool has(const std::string& name) const { return entries_.contains(name); }
  // Throws Error: MLQ301, MLQ306 (outside of its shard, another checksum), MLQ310 (cut into slices).
  Value read(const std::string& name);

 private:
  struct Entry {
    int type = 0;
    mlq::Shape shape;
    int shard = 0;
    std::uint64_t offset = 0, size = 0;
    std::uint32_t checksum = 0;
    bool sliced = false;
  };
  [[noreturn]] void damaged(const std::filesystem::path& file, const std::string& what) const;
  void add(const std::string& name, const std::string& bytes);
  const mlq::Data& shard(int number);

  std::filesystem::path prefix_;
  int shards_ = 0;
  std::map<std::string, Entry> entries_;
  std::map<int, mlq::Data> mapped_;
};

}  // namespace mlqc::tensorflow
