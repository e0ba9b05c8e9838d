#include "compiler/backends/coreml_writer/packed.h"

#include <algorithm>
#include <cstring>

namespace mlqc::coreml_writer {

namespace {

using Bytes = std::vector<std::byte>;

// Numbers of `bits` bits, most significant first, as a byte each; and back.
Bytes unpack(std::span<const std::byte> from, std::size_t count, int bits) {
  Bytes to(count);
  for (std::size_t i = 0; i < count; ++i)
    for (int bit = 0; bit < bits; ++bit) {
      const std::size_t at = i * static_cast<std::size_t>(bits) + static_cast<std::size_t>(bit);
      to[i] = to[i] << 1 | (from[at / 8] >> (7 - at % 8) & std::byte{1});
    }
  return to;
}

Bytes pack(const Bytes& from, int bits) {
  Bytes to((from.size() * static_cast<std::size_t>(bits) + 7) / 8);
  for (std::size_t i = 0; i < from.size(); ++i)
    for (int bit = 0; bit < bits; ++bit) {
      const std::size_t at = i * static_cast<std::size_t>(bits) + static_cast<std::size_t>(bit);
      to[at / 8] |= (from[i] >> (bits - 1 - bit) & std::byte{1}) << (7 - at % 8);
    }
  return to;
}

Bytes moved(std::span<const std::byte> from, const mlq::Shape& shape, const mlq::Shape& stride,
            std::size_t size) {
  Bytes to(static_cast<std::size_t>(*mlq::element_count(shape)) * size);
  mlq::Shape index(shape.size(), 0);
  std::int64_t place = 0;
  for (std::size_t at = 0; at < to.size(); at += size) {
    std::memcpy(to.data() + at, from.data() + static_cast<std::size_t>(place) * size, size);
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      place += stride[axis];
      if (++index[axis] < shape[axis]) break;
      place -= index[axis] * stride[axis];
      index[axis] = 0;
    }
  }
  return to;
}

}  // namespace

mlq::Tensor permuted(const mlq::Tensor& tensor, const std::vector<std::int64_t>& permutation) {
  const std::size_t rank = tensor.shape.size();
  mlq::Shape source(rank, 1), stride;
  for (std::size_t i = rank; i-- > 1;) source[i - 1] = source[i] * tensor.shape[i];
  mlq::Tensor result = tensor;
  for (std::size_t i = 0; i < rank; ++i) {
    result.shape[i] = tensor.shape[static_cast<std::size_t>(permutation[i])];
    stride.push_back(source[static_cast<std::size_t>(permutation[i])]);
  }
  Bytes bytes;
  if (auto& q = result.quantization) {
    mlq::Shape blocks = q->blocks;
    blocks.resize(rank);
    q->blocks.clear();
    for (const std::int64_t from : permutation) q->blocks.push_back(blocks[static_cast<std::size_t>(from)]);
    const auto count = static_cast<std::size_t>(*mlq::element_count(tensor.shape));
    bytes = pack(moved(unpack(tensor.data->bytes, count, q->bits), result.shape, stride, 1), q->bits);
  } else {
    bytes = moved(tensor.data->bytes, result.shape, stride, mlq::size_of(tensor.type));
  }
  result.data = mlq::copy_data(std::span<const std::byte>(bytes));
  return result;
}

mlq::Tensor rows_of(const mlq::Tensor& tensor, std::int64_t which, std::int64_t first, std::int64_t count) {
  const auto columns = static_cast<std::size_t>(tensor.shape[2]);
  const std::size_t begin = static_cast<std::size_t>(which * tensor.shape[1] + first) * columns,
                    size = static_cast<std::size_t>(count) * columns;
  mlq::Tensor result = tensor;
  result.shape = {count, tensor.shape[2]};
  Bytes bytes;
  if (auto& q = result.quantization) {
    const auto all = static_cast<std::size_t>(*mlq::element_count(tensor.shape));
    const Bytes numbers = unpack(tensor.data->bytes, all, q->bits);
    const auto from = numbers.begin() + static_cast<std::ptrdiff_t>(begin);
    bytes = pack(Bytes(from, from + static_cast<std::ptrdiff_t>(size)), q->bits);
    const int axis = mlq::axis_of(q->blocks).value_or(-1) - 1;
    q->blocks = mlq::blocks_along(std::max(axis, -1));
    for (auto* list : {&q->scale, &q->offset})
      if (axis == 0 && list->size() == static_cast<std::size_t>(tensor.shape[1]))
        *list = {list->begin() + first, list->begin() + first + count};
  } else {
    const std::size_t width = mlq::size_of(tensor.type);
    const auto part = tensor.data->bytes.subspan(begin * width, size * width);
    bytes.assign(part.begin(), part.end());
  }
  result.data = mlq::copy_data(std::span<const std::byte>(bytes));
  return result;
}

}  // namespace mlqc::coreml_writer
