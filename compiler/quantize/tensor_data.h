// The numbers of constants, in and out.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "mlq/graph.h"

namespace mlqc {

// A constant as floats: in place where it is floats already.
struct Floats {
  std::span<const float> values;
  std::vector<float> decoded;
};

// Throws Error (Exit::model) when the constant is damaged.
Floats floats_of(const mlq::Tensor& tensor);

template <class T>
mlq::Data own(std::vector<T> values) {
  const auto owner = std::make_shared<const std::vector<T>>(std::move(values));
  return {std::as_bytes(std::span(*owner)), owner};
}

}  // namespace mlqc
