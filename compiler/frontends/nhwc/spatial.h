// Operators on images [N, spatial..., C], with one, two or three spatial axes.
#pragma once

#include "compiler/frontends/nhwc/build.h"

namespace mlqc::nhwc {

enum class Padding { same, valid, given };

// How a window moves; one number per spatial axis, outermost first. Empty lists are ones (pads: zeros).
struct Window {
  Ints stride, dilation;
  Padding padding = Padding::valid;
  Ints pads_begin, pads_end;  // of Padding::given
};

// Axes between the source's order and the operators'.
TensorId to_channels_first(Build& build, TensorId x);
TensorId to_channels_last(Build& build, TensorId x);

// `weights` is [O, I / groups, spatial...]; `bias` is [O] or no_tensor.
TensorId convolve(Build& build, TensorId x, TensorId weights, TensorId bias, const Window& window,
                  std::int64_t groups = 1);
// `weights` is [I, O, spatial...]; `output` is the result's spatial sizes, or empty: what the padding
// implies.
TensorId convolve_transposed(Build& build, TensorId x, TensorId weights, TensorId bias, const Window& window,
                             const Ints& output, const Ints& output_padding = {});
// op: MaxPool, AveragePool (which does not count what is padded), LpPool.
TensorId pool(Build& build, const char* op, TensorId x, const Ints& kernel, const Window& window);
// op: GlobalAveragePool, GlobalMaxPool.
TensorId pool_all(Build& build, const char* op, TensorId x, bool keep_dimensions);

// How positions of a resized image lie in its source: TensorFlow's three ways.
enum class Corners { asymmetric, aligned, half_pixel };
// `size` is [height, width], constant or not.
TensorId resize(Build& build, TensorId x, TensorId size, bool bilinear, Corners corners);

// op: DepthToSpace, SpaceToDepth; the depth is read as TensorFlow does, blocks outermost.
TensorId shuffle_blocks(Build& build, const char* op, TensorId x, std::int64_t block);

}  // namespace mlqc::nhwc
