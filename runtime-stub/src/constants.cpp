#include "runtime-stub/src/constants.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

namespace mlq {

namespace {

// Larger float constants are weights, whose values no shape depends on.
constexpr std::int64_t few_elements = 1024;

bool readable_as_it_lies(const Tensor& tensor) {
  if (tensor.quantization || tensor.type == DataType::float16) return false;
  const std::size_t size = size_of(tensor.type);
  return size > 0 && reinterpret_cast<std::uintptr_t>(tensor.data->bytes.data()) % size == 0;
}

Status decode(const Tensor& tensor, std::size_t count, std::byte* out) {
  if (type_in_kernels(tensor) == DataType::float32)
    return dequantize(tensor, {reinterpret_cast<float*>(out), count});
  if (count > 0) std::memcpy(out, tensor.data->bytes.data(), count * size_of(tensor.type));
  return {};
}

}  // namespace

bool matters_for_shapes(const Tensor& constant) {
  const auto count = element_count(constant.shape);
  return type_in_kernels(constant) != DataType::float32 || (count && *count <= few_elements);
}

DataType type_in_kernels(const Tensor& constant) {
  return constant.type == DataType::float16 ? DataType::float32 : constant.type;
}

Result<Data> Constants::get(const Tensor& tensor) {
  const auto count = element_count(tensor.shape);
  const auto needed = data_size(tensor);
  if (!tensor.data || !needed || tensor.data->bytes.size() < *needed)
    return Failure{"tensor '" + tensor.name + "' has fewer bytes than its shape needs"};
  if (readable_as_it_lies(tensor)) return *tensor.data;

  const std::lock_guard lock(mutex_);
  std::weak_ptr<Buffer>& slot = decoded_[&tensor];
  std::shared_ptr<Buffer> buffer = slot.lock();
  if (!buffer) {
    std::size_t bytes = 0;
    if (__builtin_mul_overflow(*count, size_of(type_in_kernels(tensor)), &bytes))
      return Failure{"tensor '" + tensor.name + "' is larger than any memory"};
    auto made = Buffer::make(bytes, limit_);
    if (!made) return Failure{"tensor '" + tensor.name + "': " + made.error()};
    buffer = *made;
    if (Status status = decode(tensor, static_cast<std::size_t>(*count), buffer->data()); !status)
      return Failure{status.error()};
    slot = buffer;
  }
  return Data{{buffer->data(), buffer->size()}, buffer};
}

void drop_pages(const Data& data) {
  if (!data.in_file) return;
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto begin = (reinterpret_cast<std::uintptr_t>(data.bytes.data()) + page - 1) / page * page;
  const auto end = reinterpret_cast<std::uintptr_t>(data.bytes.data() + data.bytes.size()) / page * page;
  if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

}  // namespace mlq
