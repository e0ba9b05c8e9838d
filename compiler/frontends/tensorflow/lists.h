// Arrays of tensors (TensorArray, TensorList): one tensor here, its elements along the first axis.
#pragma once

#include <optional>

#include "compiler/frontends/tensorflow/operators.h"

namespace mlqc::tensorflow {

struct ListWrite {
  Wire item;
  std::optional<Wire> index;  // nothing: at the end
};

// The wire is an array to which nothing was written yet.
bool is_fresh_list(const Program& program, Wire wire);
// What the result adds to the array `list`, if that is all it does.
std::optional<ListWrite> list_write(const Program& program, Wire result, Wire list);
// The elements are read joined along their first axis.
bool is_joined(const Program& program, Wire list);
// The joined elements of a fresh array: none.
TensorId empty_list(Net& net, Wire list);

// A constant whole number.
std::optional<std::int64_t> constant_number(const Program& program, Wire wire);

}  // namespace mlqc::tensorflow
