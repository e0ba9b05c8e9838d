// TensorProto to Tensor.
#pragma once

#include <memory>

#include "compiler/frontends/frontend.h"

namespace onnx {
class TensorProto;
}

namespace mlqc::onnx_format {

// Where a tensor lies: messages name the file, and `owner` keeps the parsed model alive, whose bytes are not
// copied where they can stay.
struct Origin {
  const Source& source;
  std::shared_ptr<const void> owner;
};

// A constant of the type that is used inside (types.h); halves stay halves. Throws Error MLQ331: a type that
// mlq has none for; MLQ332: fewer or more numbers than the shape says; MLQ330: external data that is not
// there.
mlq::Tensor to_tensor(const ::onnx::TensorProto& proto, const Origin& origin);

// The elements of an integer tensor of at most 8 bits as unsigned numbers: signed ones are moved up by half
// of their range. For weights that are quantized in the file, which would take eight times the memory as
// int64.
mlq::Data to_codes(const ::onnx::TensorProto& proto, const Origin& origin);

}  // namespace mlqc::onnx_format
