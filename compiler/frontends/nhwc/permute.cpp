#include "compiler/frontends/nhwc/permute.h"

#include <algorithm>
#include <cstring>

namespace mlqc::nhwc {

namespace {

// Elements of `size` bytes; `stride` is that of each of the result's axes in the source.
std::vector<std::byte> gather(std::span<const std::byte> from, const mlq::Shape& shape,
                              const mlq::Shape& stride, std::size_t size) {
  std::vector<std::byte> to(static_cast<std::size_t>(*mlq::element_count(shape)) * size);
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

mlq::Tensor permute(const mlq::Tensor& tensor, const std::vector<std::int64_t>& perm) {
  const std::size_t rank = tensor.shape.size();
  mlq::Shape source_stride(rank, 1), stride;
  for (std::size_t i = rank; i-- > 1;) source_stride[i - 1] = source_stride[i] * tensor.shape[i];
  mlq::Tensor result = tensor;
  for (std::size_t i = 0; i < rank; ++i) {
    result.shape[i] = tensor.shape[static_cast<std::size_t>(perm[i])];
    stride.push_back(source_stride[static_cast<std::size_t>(perm[i])]);
  }
  if (result.quantization && !result.quantization->blocks.empty()) {
    mlq::Shape blocks = result.quantization->blocks;
    blocks.resize(rank);
    result.quantization->blocks.clear();
    for (const std::int64_t from : perm)
      result.quantization->blocks.push_back(blocks[static_cast<std::size_t>(from)]);
  }
  const std::size_t size = result.quantization ? 1 : mlq::size_of(tensor.type);
  const auto bytes = gather(tensor.data->bytes, result.shape, stride, size);
  result.data = mlq::copy_data(std::span<const std::byte>(bytes));
  return result;
}

}  // namespace mlqc::nhwc
