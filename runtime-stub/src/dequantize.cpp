#include <algorithm>
#include <array>
#include <cstring>

#include "mlq/graph.h"
#include "runtime-stub/src/blocks.h"
#include "runtime-stub/src/halves.h"

namespace mlq {

namespace {

// Elements unpacked at a time: a multiple of 8, so that every block starts at a whole byte for any bit width.
constexpr std::size_t block_size = 4096;

const std::uint8_t* as_bytes(const Tensor& tensor) {
  return reinterpret_cast<const std::uint8_t*>(tensor.data->bytes.data());
}

// `count` numbers of `bits` bits, most significant first, one byte each.
void unpack(const std::uint8_t* packed, int bits, std::size_t count, std::uint8_t* out) {
  const std::uint32_t mask = (1u << bits) - 1;
  std::uint32_t window = 0;
  int available = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (available < bits) {
      window = window << 8 | *packed++;
      available += 8;
    }
    available -= bits;
    out[i] = static_cast<std::uint8_t>(window >> available & mask);
  }
}

// Where groups lie along one dimension only, in runs so short that each by itself costs more than its
// numbers: how many elements there are until they begin anew. 0 elsewhere.
std::size_t short_period(const Shape& shape, const Shape& blocks) {
  constexpr std::size_t few = 16;
  std::size_t inner = 1, period = 0;
  for (std::size_t d = shape.size(); d-- > 0; inner *= static_cast<std::size_t>(shape[d])) {
    const std::int64_t block = d < blocks.size() ? blocks[d] : 0;
    if (block == 0 || block >= shape[d]) continue;
    if (period > 0 || static_cast<std::size_t>(block) * inner >= few) return 0;
    period = static_cast<std::size_t>(shape[d]) * inner;
  }
  return period;
}

// Scale and offset for each element of a period.
class PeriodicDecoder {
 public:
  PeriodicDecoder(const Tensor& tensor, std::size_t period) : scale_(period), offset_(period) {
    const Quantization& q = *tensor.quantization;
    Runs runs(tensor.shape, q.blocks);
    for (std::size_t i = 0; i < period; runs.next())
      for (const std::size_t end = i + runs.length(); i < end; ++i) {
        scale_[i] = q.scale[runs.group()];
        offset_[i] = q.offset[runs.group()];
      }
  }

  void decode(const std::uint8_t* indices, std::size_t count, float* out) {
    while (count > 0) {
      const std::size_t run = std::min(count, scale_.size() - at_);
      const double *scale = scale_.data() + at_, *offset = offset_.data() + at_;
      for (std::size_t i = 0; i < run; ++i) out[i] = static_cast<float>(scale[i] * indices[i] + offset[i]);
      indices += run;
      out += run;
      count -= run;
      at_ = at_ + run == scale_.size() ? 0 : at_ + run;
    }
  }

 private:
  std::vector<double> scale_, offset_;
  std::size_t at_ = 0;  // of the next element
};

// Goes through the elements in order and remembers which group the next one belongs to.
class Decoder {
 public:
  explicit Decoder(const Tensor& tensor)
      : quantization_(*tensor.quantization),
        runs_(tensor.shape, quantization_.blocks),
        left_(runs_.length()) {}

  void decode(const std::uint8_t* indices, std::size_t count, float* out) {
    while (count > 0) {
      const std::size_t run = std::min(count, left_);
      decode_run(indices, run, out);
      indices += run;
      out += run;
      count -= run;
      left_ -= run;
      if (left_ > 0) continue;
      runs_.next();
      left_ = runs_.length();
    }
  }

 private:
  void decode_run(const std::uint8_t* indices, std::size_t count, float* out) const {
    const std::size_t group = runs_.group();
    if (quantization_.table.empty()) {
      // In double, rounded once: the bits that Core ML Tools reads from the same numbers.
      const double scale = quantization_.scale[group], offset = quantization_.offset[group];
      for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<float>(scale * indices[i] + offset);
    } else {
      const float* table = quantization_.table.data() + (group << quantization_.bits);
      for (std::size_t i = 0; i < count; ++i) out[i] = table[indices[i]];
    }
  }

  const Quantization& quantization_;
  Runs runs_;
  std::size_t left_;  // of the run
};

// 16 bits, most significant byte first.
void dequantize_wide(const Tensor& tensor, std::span<float> out) {
  const Quantization& q = *tensor.quantization;
  const std::uint8_t* bytes = as_bytes(tensor);
  Runs runs(tensor.shape, q.blocks);
  for (std::size_t i = 0; i < out.size(); runs.next()) {
    const double scale = q.scale[runs.group()], offset = q.offset[runs.group()];
    for (const std::size_t end = i + runs.length(); i < end; ++i)
      out[i] = static_cast<float>(scale * (bytes[2 * i] << 8 | bytes[2 * i + 1]) + offset);
  }
}

template <class Decoder>
void decode_all(const Tensor& tensor, Decoder decoder, std::span<float> out) {
  const int bits = tensor.quantization->bits;
  if (bits == 8) return decoder.decode(as_bytes(tensor), out.size(), out.data());
  std::array<std::uint8_t, block_size> indices;
  for (std::size_t begin = 0; begin < out.size(); begin += block_size) {
    const std::size_t count = std::min(block_size, out.size() - begin);
    unpack(as_bytes(tensor) + begin / 8 * bits, bits, count, indices.data());
    decoder.decode(indices.data(), count, out.data() + begin);
  }
}

void dequantize_packed(const Tensor& tensor, std::span<float> out) {
  if (out.empty()) return;
  const Quantization& q = *tensor.quantization;
  if (q.bits == 16) return dequantize_wide(tensor, out);
  const std::size_t period = q.table.empty() ? short_period(tensor.shape, q.blocks) : 0;
  if (period > 0) return decode_all(tensor, PeriodicDecoder(tensor, period), out);
  decode_all(tensor, Decoder(tensor), out);
}

bool is_width(const Quantization& q) {
  return (q.bits >= 1 && q.bits <= 8) || (q.bits == 16 && q.table.empty());
}

// The lengths that decoding relies on, where `check` has not been called before.
bool parameters_fit(const Tensor& tensor) {
  const Quantization& q = *tensor.quantization;
  const auto groups = group_count(tensor.shape, q.blocks);
  if (!is_width(q) || !groups) return false;
  if (q.table.empty()) return q.scale.size() == *groups && q.offset.size() == *groups;
  return q.scale.empty() && q.table.size() >> q.bits == *groups && q.table.size() % (1u << q.bits) == 0;
}

}  // namespace

std::optional<std::size_t> data_size(const Tensor& tensor) {
  const auto count = element_count(tensor.shape);
  if (!count) return std::nullopt;
  std::size_t bytes = 0;
  if (!tensor.quantization) {
    if (__builtin_mul_overflow(*count, size_of(tensor.type), &bytes)) return std::nullopt;
    return bytes;
  }
  const int bits = tensor.quantization->bits;
  if (!is_width(*tensor.quantization) || __builtin_mul_overflow(*count, bits, &bytes)) return std::nullopt;
  return bytes / 8 + (bytes % 8 != 0);
}

Status dequantize(const Tensor& tensor, std::span<float> out) {
  const auto needed = data_size(tensor);
  if (!tensor.data || !needed || tensor.data->bytes.size() < *needed)
    return Failure{"tensor '" + tensor.name + "' has fewer bytes than its shape needs"};
  if (static_cast<std::size_t>(*element_count(tensor.shape)) != out.size())
    return Failure{"tensor '" + tensor.name + "' has another number of elements than its destination"};
  if (tensor.quantization) {
    if (!parameters_fit(tensor))
      return Failure{"tensor '" + tensor.name + "' has quantization parameters that do not fit its shape"};
    dequantize_packed(tensor, out);
  } else if (tensor.type == DataType::float32) {
    if (!out.empty()) std::memcpy(out.data(), tensor.data->bytes.data(), out.size_bytes());
  } else if (tensor.type == DataType::float16) {
    widen_halves(as_bytes(tensor), out);
  } else {
    return Failure{"tensor '" + tensor.name + "' holds " + name_of(tensor.type) + ", not floats"};
  }
  return {};
}

}  // namespace mlq
