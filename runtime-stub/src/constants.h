// Constants as kernels read them: halves and quantized weights as floats, aligned.
#pragma once

#include <mutex>
#include <unordered_map>

#include "mlq/graph.h"
#include "mlq/kernel.h"
#include "runtime-stub/src/buffer.h"

namespace mlq {

// Decodes each constant once for all that hold it at the same time; what nobody holds is freed. Bytes that
// kernels can read as they lie are not copied. May be called from many threads.
class Constants {
 public:
  explicit Constants(std::size_t memory_limit) : limit_(memory_limit) {}

  Result<Data> get(const Tensor& tensor);
  std::size_t memory_limit() const { return limit_; }

 private:
  std::size_t limit_;
  std::mutex mutex_;
  std::unordered_map<const Tensor*, std::weak_ptr<Buffer>> decoded_;
};

// What shape inference may look at: type, shape, and the data of integers and short floats (axes, scales).
bool matters_for_shapes(const Tensor& constant);

// A constant's type as kernels see it.
DataType type_in_kernels(const Tensor& constant);

// The file's pages behind a constant are not needed for now: the system reads them again on the next touch.
void drop_pages(const Data& data);

}  // namespace mlq
