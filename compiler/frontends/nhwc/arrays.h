// Operators on arrays of any rank that the channels-last formats say in the same words.
#pragma once

#include "compiler/frontends/nhwc/build.h"

namespace mlqc::nhwc {

// x [..., I] times weights [I, O], or [O, I] when `transposed`; bias [O] or no_tensor.
TensorId dense(Build& build, TensorId x, TensorId weights, TensorId bias, bool transposed);

// The masks have a bit per entry of begin: TensorFlow's StridedSlice.
struct Slicing {
  Ints begin, end, strides;
  std::int64_t begin_mask = 0, end_mask = 0, ellipsis_mask = 0, new_axis_mask = 0, shrink_mask = 0;
};
TensorId strided_slice(Build& build, TensorId x, const Slicing& slicing);
// size -1: to the end.
TensorId slice(Build& build, TensorId x, const Ints& begin, const Ints& size);

TensorId concat(Build& build, const Ids& parts, std::int64_t axis);
TensorId stack(Build& build, const Ids& parts, std::int64_t axis);
Ids unstack(Build& build, TensorId x, std::int64_t axis, std::size_t count);
Ids split(Build& build, TensorId x, std::int64_t axis, const Ints& sizes);
// Equal parts.
Ids split(Build& build, TensorId x, std::int64_t axis, std::size_t count);

// `pads` is [rank, 2]: before and after each axis. mode: constant, reflect, symmetric; `value` may be
// no_tensor.
TensorId pad(Build& build, TensorId x, const Ints& pads, const char* mode, TensorId value);
TensorId expand_dims(Build& build, TensorId x, std::int64_t axis);
TensorId squeeze(Build& build, TensorId x, Ints axes);  // none: all dimensions that are 1
TensorId gather(Build& build, TensorId x, TensorId indices, std::int64_t axis);
TensorId reduce(Build& build, const char* op, TensorId x, const Ints& axes, bool keep_dimensions);
// op: ArgMax, ArgMin.
TensorId arg_reduce(Build& build, const char* op, TensorId x, std::int64_t axis);
TensorId reverse(Build& build, TensorId x, const Ints& axes);
// `depth`, `on` and `off` are scalars; the new axis is where `axis` says, -1: last.
TensorId one_hot(Build& build, TensorId x, TensorId depth, TensorId on, TensorId off, std::int64_t axis);
// x clamped to [low, high].
TensorId clip(Build& build, TensorId x, float low, float high);

}  // namespace mlqc::nhwc
