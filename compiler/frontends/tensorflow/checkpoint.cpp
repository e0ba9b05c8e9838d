#include "compiler/frontends/tensorflow/checkpoint.h"

#include <leveldb/env.h>
#include <leveldb/iterator.h>
#include <leveldb/options.h>
#include <leveldb/table.h>

#include <boost/crc.hpp>
#include <cstring>
#include <new>

#include "compiler/frontends/tensorflow/parse.h"
#include "compiler/frontends/tensorflow/saved_model.pb.h"
#include "compiler/support/bytes.h"
#include "compiler/support/error.h"

namespace mlqc::tensorflow {

namespace fs = std::filesystem;

namespace {

// Bytes in memory as LevelDB reads a file.
class Mapped : public leveldb::RandomAccessFile {
 public:
  explicit Mapped(std::span<const std::byte> bytes) : bytes_(bytes) {}

  leveldb::Status Read(std::uint64_t offset, std::size_t n, leveldb::Slice* result, char*) const override {
    if (offset > bytes_.size()) return leveldb::Status::Corruption("read behind the end");
    const std::size_t there = std::min<std::uint64_t>(n, bytes_.size() - offset);
    *result = leveldb::Slice(reinterpret_cast<const char*>(bytes_.data()) + offset, there);
    return {};
  }

 private:
  std::span<const std::byte> bytes_;
};

using Crc32c = boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true>;

// Checksums of bytes that hold checksums would be unfortunate, so they are stored turned around and moved.
std::uint32_t masked(std::uint32_t crc) { return (crc >> 15 | crc << 17) + 0xa282ead8u; }

std::uint32_t checksum(std::span<const std::byte> bytes) {
  Crc32c crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return masked(crc.checksum());
}

template <class Visit>
leveldb::Status each_entry(std::span<const std::byte> bytes, const Visit& visit) {
  const Mapped file(bytes);
  leveldb::Options options;
  options.paranoid_checks = true;
  leveldb::Table* opened = nullptr;
  const leveldb::Status status =
      leveldb::Table::Open(options, const_cast<Mapped*>(&file), bytes.size(), &opened);
  const std::unique_ptr<leveldb::Table> table(opened);
  if (!status.ok()) return status;
  leveldb::ReadOptions reading;
  reading.verify_checksums = true;
  const std::unique_ptr<leveldb::Iterator> it(table->NewIterator(reading));
  for (it->SeekToFirst(); it->Valid(); it->Next()) visit(it->key().ToString(), it->value().ToString());
  return it->status();
}

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

// The place of one block of the table, as its footer says it: two numbers of seven bits a byte.
bool skip_block(std::span<const std::byte> footer, std::size_t& at, std::uint64_t file_size) {
  std::uint64_t number[2] = {0, 0};
  for (std::uint64_t& n : number)
    for (int shift = 0;; shift += 7, ++at) {
      if (at >= footer.size() || shift > 56) return false;
      n |= (std::to_integer<std::uint64_t>(footer[at]) & 127) << shift;
      if (std::to_integer<int>(footer[at]) < 128) {
        ++at;
        break;
      }
    }
  return number[0] <= file_size && number[1] <= file_size - number[0];
}

// LevelDB allocates what the footer says before it reads.
bool has_sane_footer(std::span<const std::byte> bytes) {
  constexpr std::size_t footer_size = 48;
  if (bytes.size() < footer_size) return false;
  const auto footer = bytes.last(footer_size);
  std::size_t at = 0;
  return skip_block(footer, at, bytes.size()) && skip_block(footer, at, bytes.size());
}

}  // namespace

void Checkpoint::damaged(const fs::path& file, const std::string& what) const {
  throw Error(
      Exit::model,
      {{file.string()}, "the checkpoint " + what, "MLQ306", "copy or save the whole folder again", {}});
}

void Checkpoint::add(const std::string& name, const std::string& bytes) {
  BundleEntryProto proto;
  if (!parse(bytes_of(bytes), proto) || proto.offset() < 0 || proto.size() < 0)
    damaged(prefix_, "has a damaged entry");
  Entry entry;
  entry.type = proto.dtype();
  for (const auto& dim : proto.shape().dim()) entry.shape.push_back(dim.size());
  entry.shard = proto.shard_id();
  entry.offset = static_cast<std::uint64_t>(proto.offset()),
  entry.size = static_cast<std::uint64_t>(proto.size());
  entry.checksum = proto.crc32c();
  entry.sliced = proto.slices_size() > 0;
  entries_.emplace(name, std::move(entry));
}

Checkpoint::Checkpoint(const fs::path& prefix) : prefix_(prefix) {
  const fs::path file = prefix.string() + ".index";
  const mlq::Data index = map_file(file);
  if (!has_sane_footer(index.bytes)) damaged(file, "has a damaged index");
  try {
    const auto status = each_entry(index.bytes, [&](const std::string& name, const std::string& value) {
      if (!name.empty()) return add(name, value);
      BundleHeaderProto header;
      if (!parse(bytes_of(value), header) || header.num_shards() < 1) damaged(file, "has a damaged header");
      if (header.endianness() != 0) damaged(file, "holds numbers of the other byte order");
      shards_ = header.num_shards();
    });
    if (!status.ok()) damaged(file, "has a damaged index: " + status.ToString());
  } catch (const std::bad_alloc&) {  // a block that says that it is larger than any memory
    damaged(file, "has a damaged index");
  }
  if (shards_ == 0) damaged(file, "has no header");
}

const mlq::Data& Checkpoint::shard(int number) {
  const auto found = mapped_.find(number);
  if (found != mapped_.end()) return found->second;
  if (number < 0 || number >= shards_) damaged(prefix_, "names a shard that it does not have");
  char suffix[40];
  std::snprintf(suffix, sizeof suffix, ".data-%05d-of-%05d", number, shards_);
  return mapped_.emplace(number, map_file(prefix_.string() + suffix)).first->second;
}

Checkpoint::Value Checkpoint::read(const std::string& name) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) damaged(prefix_, "has no value for '" + name + "'");
  const Entry& entry = found->second;
  if (entry.sliced)
    throw Error(Exit::model, {{prefix_.string()},
                              "the variable '" + name + "' is saved in slices, which mlq does not support",
                              "MLQ310",
                              "save it whole",
                              {}});
  mlq::Data data = shard(entry.shard);
  if (entry.offset > data.bytes.size() || entry.size > data.bytes.size() - entry.offset)
    damaged(prefix_, "is truncated: the value of '" + name + "' lies behind its end");
  data.bytes = data.bytes.subspan(entry.offset, entry.size);
  if (checksum(data.bytes) != entry.checksum) damaged(prefix_, "has a damaged value: '" + name + "'");
  return {entry.type, entry.shape, std::move(data)};
}

}  // namespace mlqc::tensorflow
