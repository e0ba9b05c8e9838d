// Weights of a layer as constants of the graph: their bytes stay in the mapped file.
#include <algorithm>

#include "compiler/frontends/coreml/build.h"
#include "compiler/frontends/coreml/weights.pb.h"

namespace mlqc::coreml {

namespace {

using mlq::DataType;
using mlq::Tensor;

void require_bytes(const Build& build, const Tensor& tensor, std::size_t bytes, bool exact) {
  const auto needed = mlq::data_size(tensor);
  if (!needed || bytes < *needed || (exact && bytes != *needed))
    build.fail("has " + std::to_string(bytes) + " bytes of '" + tensor.name + "', which has the shape " +
               mlq::to_string(tensor.shape));
}

mlq::Data in_file(const Build& build, Extent extent) {
  mlq::Data data = build.source.bytes;
  data.bytes = data.bytes.subspan(extent.at, extent.size);
  return data;
}

// Groups along the axis of the output channels, or one for all.
void set_linear(const Build& build, const Blob& blob, int axis, mlq::Quantization& q, const Shape& shape) {
  const std::size_t groups = blob.scale.size();
  build.require(groups == blob.offset.size() || blob.offset.empty(),
                "has quantized weights with another number of "
                "biases than of scales");
  const auto channels = shape.empty() ? 1u : static_cast<std::size_t>(shape[static_cast<std::size_t>(axis)]);
  build.require(groups == 1 || groups == channels,
                "has quantized weights with neither one scale nor one for each "
                "output channel");
  q.blocks = mlq::blocks_along(groups == 1 ? -1 : axis);
  q.scale = blob.scale;
  q.offset = blob.offset.empty() ? std::vector<float>(groups, 0.0f) : blob.offset;
}

mlq::Quantization quantization(const Build& build, const Blob& blob, int axis, const Shape& shape) {
  mlq::Quantization q;
  q.bits = blob.bits;
  build.require(q.bits >= 1 && q.bits <= 8, "has quantized weights of other than 1 to 8 bits");
  build.require(blob.scale.empty() != blob.table.empty(),
                "has quantized weights with neither or both of scale and "
                "table");
  if (blob.table.empty()) {
    set_linear(build, blob, axis, q, shape);
  } else {
    build.require(blob.table.size() == std::size_t{1} << q.bits, "has a table of another length than 2^bits");
    q.table = blob.table;
  }
  return q;
}

// weight = scale * q with q signed: the same numbers as unsigned ones, 128 higher.
void set_signed(Build& build, const Blob& blob, Tensor& tensor) {
  const auto file = build.source.bytes.bytes.subspan(blob.int8.at, blob.int8.size);
  std::vector<std::byte> shifted(file.begin(), file.end());
  for (std::byte& byte : shifted) byte ^= std::byte{0x80};
  tensor.data = mlq::copy_data(std::span<const std::byte>(shifted));
  build.require(blob.scale.size() == 1, "has signed weights with other than one scale");
  tensor.quantization = mlq::Quantization{8, {}, blob.scale, {-128.0f * blob.scale[0]}, {}};
}

}  // namespace

TensorId Build::own_weight(const Weights& message, const Shape& shape, int axis) {
  const std::size_t place = message.place();
  if (place == 0 || place > weights.blobs.size()) fail("lacks weights that its other fields call for");
  const Blob& blob = weights.blobs[place - 1];
  const int filled = (blob.floats.size || blob.scattered_floats) + (blob.halves.size > 0) +
                     (blob.raw.size > 0) + (blob.int8.size > 0);
  if (filled > 1) fail("has '" + blob.name + "' in more than one number format");
  Tensor tensor{blob.name, DataType::float32, shape, {}, {}};
  if (!mlq::element_count(shape)) fail("has weights of the impossible shape " + mlq::to_string(shape));
  if (blob.scattered_floats) {
    const std::vector<float> values = gather_floats(source.bytes.bytes, weights, blob);
    tensor.data = mlq::copy_data(std::span<const float>(values));
  } else if (blob.int8.size) {
    set_signed(*this, blob, tensor);
  } else if (blob.raw.size) {
    tensor.quantization = quantization(*this, blob, axis, shape);
    tensor.data = in_file(*this, blob.raw);
  } else if (blob.halves.size) {
    tensor.type = DataType::float16;
    tensor.data = in_file(*this, blob.halves);
  } else {
    tensor.data = in_file(*this, blob.floats);
  }
  require_bytes(*this, tensor, tensor.data->bytes.size(), !tensor.quantization);
  tensor.data->bytes = tensor.data->bytes.first(*mlq::data_size(tensor));
  return mlq::add_tensor(graph, std::move(tensor));
}

}  // namespace mlqc::coreml
