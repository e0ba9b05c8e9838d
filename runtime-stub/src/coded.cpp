#include "runtime-stub/src/coded.h"

#ifdef MLQ_HAVE_HTSCODECS
#include <htscodecs/rANS_static4x16.h>
#endif

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>
#include <tuple>
#include <utility>

#include "runtime-stub/src/blocks.h"
#include "runtime-stub/src/buffer.h"
#include "runtime-stub/src/threads.h"
#include "runtime-stub/src/trellis.h"

namespace mlq {

namespace {

bool is_sorted_by_scale(const Tensor& tensor) {
  const Quantization& q = *tensor.quantization;
  return q.scale.size() > 1;
}

#ifdef MLQ_HAVE_HTSCODECS

// One stream and where its symbols go.
struct Chunk {
  std::span<const std::byte> from;
  std::byte* to;
  std::size_t count, step;  // bytes between two symbols
};

bool decode(const Chunk& chunk) {
  if (chunk.from.empty()) {
    for (std::size_t i = 0; i < chunk.count; ++i) chunk.to[i * chunk.step] = std::byte{0};
    return true;
  }
  auto* in = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(chunk.from.data()));
  auto size = static_cast<unsigned>(chunk.count);
  std::shared_ptr<Buffer> plane;
  auto* out = reinterpret_cast<unsigned char*>(chunk.to);
  if (chunk.step > 1) {
    auto made = Buffer::make(chunk.count, chunk.count);
    if (!made) return false;
    plane = *made;
    out = reinterpret_cast<unsigned char*>(plane->data());
  }
  if (!rans_uncompress_to_4x16(in, static_cast<unsigned>(chunk.from.size()), out, &size)) return false;
  if (size != chunk.count) return false;
  for (std::size_t i = 0; plane && i < chunk.count; ++i) chunk.to[i * chunk.step] = plane->data()[i];
  return true;
}

// The first byte says how a stream is coded. Others than order 0 need memory of their own.
bool is_plain(std::byte first) {
  constexpr std::byte allowed{0x34};  // without its size; 32 states instead of 4; or as it is
  return (first & ~allowed) == std::byte{0} && (first & std::byte{0x10}) != std::byte{0};
}

// The chunks of a constant's planes; false when they do not fit the bytes.
bool list_chunks(std::span<const std::byte> bytes, std::size_t count, std::size_t planes, std::byte* to,
                 std::size_t each, std::vector<Chunk>& chunks) {
  for (std::size_t plane = 0; plane < planes; ++plane)
    for (std::size_t at = 0; at < count; at += each) {
      if (bytes.size() < 4) return false;
      std::size_t size = 0;
      for (std::size_t i = 4; i-- > 0;) size = size << 8 | static_cast<std::size_t>(bytes[i]);
      bytes = bytes.subspan(4);
      if (size > bytes.size()) return false;
      if (size > 0 && !is_plain(bytes[0])) return false;
      chunks.push_back({bytes.first(size), to + at * planes + plane, std::min(each, count - at), planes});
      bytes = bytes.subspan(size);
    }
  return bytes.empty();
}

int decoding_threads(std::size_t chunks) {
  const auto processors = std::max(1u, std::thread::hardware_concurrency());
  return static_cast<int>(std::min<std::size_t>(processors, chunks));
}

Failure damaged(const Tensor& tensor) {
  return {"the artifact is damaged: the coded weights of '" + tensor.name + "' cannot be read"};
}

// Takes memory for the decoded indices and lists what goes into it.
Status prepare(Tensor& tensor, std::size_t memory_limit, std::vector<Chunk>& chunks) {
  Quantization& q = *tensor.quantization;
  const auto count = element_count(tensor.shape);
  const std::size_t planes = q.bits == 16 ? 2 : 1;
  if (!count || *count < 1 || (q.bits != 16 && (q.bits < 1 || q.bits > 8))) return damaged(tensor);
  if (q.scale.size() > 1 && group_count(tensor.shape, q.blocks) != q.scale.size()) return damaged(tensor);
  if (q.trellis && !suits(*q.trellis, tensor.shape)) return damaged(tensor);
  const std::span<const std::byte> from = tensor.data->bytes;
  const auto elements = static_cast<std::size_t>(*count);
  if (elements / most_per_coded_byte > from.size()) return damaged(tensor);
  auto made = Buffer::make(elements * planes, memory_limit);
  if (!made) return Failure{"tensor '" + tensor.name + "': " + made.error()};
  const Data coded = std::exchange(*tensor.data, Data{{(*made)->data(), elements * planes}, *made, false});
  if (!list_chunks(coded.bytes, elements, planes, (*made)->data(), chunk_size(tensor), chunks))
    return damaged(tensor);
  return {};
}

// Indices from the coded order into the tensor's.
Status reorder(Tensor& tensor, std::size_t memory_limit) {
  const std::vector<CodedRun> order = coded_order(tensor);
  if (order.empty()) return {};
  const std::size_t width = tensor.quantization->bits == 16 ? 2 : 1, size = tensor.data->bytes.size();
  auto made = Buffer::make(size, memory_limit);
  if (!made) return Failure{"tensor '" + tensor.name + "': " + made.error()};
  const std::byte* from = tensor.data->bytes.data();
  for (const CodedRun& run : order) {
    std::memcpy((*made)->data() + run.begin * width, from, run.count * width);
    from += run.count * width;
  }
  tensor.data = Data{{(*made)->data(), size}, *made, false};
  return {};
}

// Every index of 8 bits finds an entry.
Status widen_table(Tensor& tensor) {
  Quantization& q = *tensor.quantization;
  if (q.bits >= 8) return {};
  if (!q.table.empty()) {
    const std::size_t entries = std::size_t{1} << q.bits, groups = q.table.size() / entries;
    if (groups * entries != q.table.size() || groups > tensor.data->bytes.size()) return damaged(tensor);
    std::vector<float> table;
    for (std::size_t g = 0; g < groups; ++g)
      for (std::size_t i = 0; i < 256; ++i) table.push_back(q.table[g * entries + std::min(i, entries - 1)]);
    q.table = std::move(table);
  }
  q.bits = 8;
  return {};
}

// Decoded streams become the tensors' indices.
Status finish(std::span<Tensor* const> coded, std::size_t memory_limit) {
  for (Tensor* tensor : coded) {
    if (Status status = reorder(*tensor, memory_limit); !status) return status;
    // The bytes are a buffer that was made here.
    if (tensor->quantization->trellis)
      restore_low_bits(*tensor, const_cast<std::byte*>(tensor->data->bytes.data()));
  }
  return {};
}

#endif

}  // namespace

std::size_t chunk_size(const Tensor& tensor) {
  return std::size_t{1} << (is_sorted_by_scale(tensor) ? 16 : 20);
}

std::vector<CodedRun> coded_order(const Tensor& tensor) {
  if (!is_sorted_by_scale(tensor)) return {};
  const Quantization& q = *tensor.quantization;
  const auto count = static_cast<std::size_t>(element_count(tensor.shape).value_or(0));
  struct Run {
    float scale;
    std::size_t group, begin, length;
  };
  std::vector<Run> found;
  Runs runs(tensor.shape, q.blocks);
  for (std::size_t at = 0; at < count; runs.next()) {
    found.push_back({q.scale[runs.group()], runs.group(), at, runs.length()});
    at += runs.length();
  }
  std::ranges::sort(found, {}, [](const Run& r) { return std::tuple(r.scale, r.group, r.begin); });
  std::vector<CodedRun> order;
  for (const Run& run : found) order.push_back({run.begin, run.length});
  return order;
}

#ifdef MLQ_HAVE_HTSCODECS

Status decode_constants(std::span<Tensor* const> coded, std::size_t memory_limit) {
  std::vector<Chunk> chunks;
  std::vector<std::size_t> first;  // of each tensor
  std::vector<Data> sources;       // what chunks read from stays where it is: the file
  for (Tensor* tensor : coded) {
    first.push_back(chunks.size());
    sources.push_back(*tensor->data);
    if (Status status = prepare(*tensor, memory_limit, chunks); !status) return status;
    if (Status status = widen_table(*tensor); !status) return status;
  }
  std::atomic<std::size_t> bad = chunks.size();
  const Threads threads(decoding_threads(chunks.size()));
  threads.for_each(chunks.size(), [&](std::size_t i) {
    if (!decode(chunks[i])) bad = i;
  });
  if (bad == chunks.size()) return finish(coded, memory_limit);
  std::size_t t = 0;
  while (t + 1 < first.size() && first[t + 1] <= bad) ++t;
  return damaged(*coded[t]);
}

#else

Status decode_constants(std::span<Tensor* const>, std::size_t) {
  return Failure{"the artifact's weights are coded, and this runtime was built without htscodecs"};
}

#endif

}  // namespace mlq
