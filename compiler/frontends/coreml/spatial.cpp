#include "compiler/frontends/coreml/spatial.h"

#include <algorithm>

#include "compiler/frontends/coreml/layers.pb.h"

namespace mlqc::coreml {

Ints per_axis(const Build& build, const Ints& given, std::size_t axes, std::int64_t otherwise) {
  if (given.empty()) return Ints(axes, otherwise);
  build.require(given.size() == axes, "has a kernel, stride or dilation of the wrong rank");
  build.require(std::all_of(given.begin(), given.end(), [](std::int64_t n) { return n > 0; }),
                "has a kernel, stride or dilation of zero");
  return given;
}

Pads border(const Build& build, const BorderAmounts& amounts) {
  Pads pads{{0, 0}, {0, 0}};
  build.require(amounts.border_amounts_size() == 0 || amounts.border_amounts_size() == 2,
                "has border amounts for other than two axes");
  for (int i = 0; i < amounts.border_amounts_size(); ++i) {
    pads.begin[static_cast<std::size_t>(i)] = size(build, amounts.border_amounts(i).start_edge_size());
    pads.end[static_cast<std::size_t>(i)] = size(build, amounts.border_amounts(i).end_edge_size());
  }
  return pads;
}

Pads same_pads(const Build&, const Ints& input, const Window& window, bool begin_heavy) {
  Pads pads;
  for (std::size_t i = 0; i < input.size(); ++i) {
    const std::int64_t out = (input[i] + window.stride[i] - 1) / window.stride[i];
    const std::int64_t total =
        std::max<std::int64_t>(0, (out - 1) * window.stride[i] + window.reach(i) - input[i]);
    pads.begin.push_back(begin_heavy ? total - total / 2 : total / 2);
    pads.end.push_back(total - pads.begin.back());
  }
  return pads;
}

Attributes attributes(const Window& window, const Pads& pads) {
  Ints both = pads.begin;
  both.insert(both.end(), pads.end.begin(), pads.end.end());
  return {{"kernel_shape", window.kernel},
          {"strides", window.stride},
          {"dilations", window.dilation},
          {"pads", both}};
}

Attributes same_attributes(const Build& build, TensorId x, const Window& window, bool begin_heavy) {
  const std::size_t axes = window.kernel.size();
  if (knows_sizes(build, x, axes))
    return attributes(window, same_pads(build, spatial_sizes(build, x, axes), window, begin_heavy));
  Attributes result = attributes(window, {Ints(axes, 0), Ints(axes, 0)});
  result.erase("pads");
  result["auto_pad"] = std::string(begin_heavy ? "SAME_LOWER" : "SAME_UPPER");
  return result;
}

bool knows_sizes(const Build& build, TensorId id, std::size_t axes) {
  const Shape& shape = build.shape(id);
  return shape.size() >= axes && std::all_of(shape.end() - static_cast<std::ptrdiff_t>(axes), shape.end(),
                                             [](std::int64_t n) { return n >= 0; });
}

Ints spatial_sizes(const Build& build, TensorId id, std::size_t axes) {
  const Shape& shape = build.shape(id);
  build.require(shape.size() >= axes, "has an input of too low a rank");
  Ints sizes(shape.end() - static_cast<std::ptrdiff_t>(axes), shape.end());
  build.require(std::all_of(sizes.begin(), sizes.end(), [](std::int64_t n) { return n >= 0; }),
                "needs to know the height and width of its input");
  return sizes;
}

TensorId to_rank(Build& build, TensorId x, int rank) {
  const int from = build.rank(x);
  if (from == rank) return x;
  const auto shape = build.shape(x);
  if (from < rank) {
    Ints axes;
    for (int i = 0; i < rank - from; ++i) axes.push_back(i);
    return build.node("Unsqueeze", {x, build.ints(axes)});
  }
  Ints target{-1};
  target.insert(target.end(), shape.end() - (rank - 1), shape.end());
  build.require(std::count(target.begin(), target.end(), -1) == 1,
                "has an input whose shape is not known well enough");
  return build.reshape(x, target);
}

TensorId from_rank(Build& build, TensorId y, const Shape& original, int rank) {
  const int from = static_cast<int>(original.size());
  if (from == rank) return y;
  if (from < rank) {
    Ints axes;
    for (int i = 0; i < rank - from; ++i) axes.push_back(i);
    return build.node("Squeeze", {y, build.ints(axes)});
  }
  Ints target(original.begin(), original.end() - (rank - 1));
  const Shape& now = build.shape(y);
  target.insert(target.end(), now.end() - (rank - 1), now.end());
  build.require(std::count(target.begin(), target.end(), -1) <= 1,
                "has a result whose shape is not known well enough");
  return build.reshape(y, target);
}

}  // namespace mlqc::coreml
