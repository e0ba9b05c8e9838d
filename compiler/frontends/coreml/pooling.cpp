// Pooling in two and three dimensions.
#include <algorithm>

#include "compiler/frontends/coreml/layers.h"
#include "compiler/frontends/coreml/network.pb.h"
#include "compiler/frontends/coreml/spatial.h"

namespace mlqc::coreml {

namespace {

using Layer = NeuralNetworkLayer;

// Caffe's rule: the last window counts although it reaches over the edge, unless it lies in the padding
// alone.
Pads include_last_pixel(const Build& b, const Ints& input, const Window& window, const Ints& amounts) {
  b.require(amounts.empty() || amounts.size() == 2, "has padding for other than two axes");
  Pads pads;
  for (std::size_t i = 0; i < 2; ++i) {
    const std::int64_t pad = amounts.empty() ? 0 : amounts[i], stride = window.stride[i],
                       kernel = window.kernel[i];
    const std::int64_t room = input[i] + 2 * pad - kernel;
    b.require(room >= 0, "has a window larger than its input");
    std::int64_t out = (room + stride - 1) / stride + 1;
    if (pad > 0 && (out - 1) * stride >= input[i] + pad) --out;
    pads.begin.push_back(pad);
    pads.end.push_back(std::max<std::int64_t>(0, (out - 1) * stride + kernel - input[i] - pad));
  }
  return pads;
}

Attributes attributes_of(const Build& b, const Pooling& p, TensorId x, const Window& window) {
  switch (p.padding_case()) {
    case Pooling::kValid:
      return attributes(window, border(b, p.valid().padding_amounts()));
    case Pooling::kSame:
      return same_attributes(b, x, window, p.same().asymmetry_mode() == SamePadding::TOP_LEFT_HEAVY);
    case Pooling::kIncludeLastPixel: {
      const Ints amounts = sizes(b, p.include_last_pixel().padding_amounts());
      if (knows_sizes(b, x, 2))
        return attributes(window, include_last_pixel(b, spatial_sizes(b, x, 2), window, amounts));
      const Ints both = amounts.empty() ? Ints{0, 0} : amounts;
      Attributes result = attributes(window, {both, both});
      result["ceil_mode"] = std::int64_t{1};
      return result;
    }
    default:
      b.fail("says no padding, neither valid, same nor includeLastPixel");
  }
}

// sqrt(sum x^2): the average of squares times their number.
TensorId l2_pool(Build& b, TensorId x, Attributes attributes, const Window& window) {
  attributes["count_include_pad"] = std::int64_t{1};
  const float count = static_cast<float>(window.kernel[0] * window.kernel[1]);
  const TensorId mean = b.node("AveragePool", {b.multiply(x, x)}, std::move(attributes));
  return b.node("Sqrt", {b.multiply(mean, b.number(count))});
}

TensorId pool(Build& b, TensorId x, const Pooling& p) {
  const Window window{
      per_axis(b, sizes(b, p.kernel_size()), 2, 3), per_axis(b, sizes(b, p.stride()), 2, 1), {1, 1}};
  Attributes attributes = attributes_of(b, p, x, window);
  attributes.erase("dilations");
  if (p.type() == Pooling::L2) return l2_pool(b, x, std::move(attributes), window);
  if (p.type() == Pooling::MAX) return b.node("MaxPool", {x}, std::move(attributes));
  attributes["count_include_pad"] = std::int64_t{!p.avg_pool_exclude_padding()};
  return b.node("AveragePool", {x}, std::move(attributes));
}

TensorId global_pool(Build& b, TensorId x, const Pooling& p) {
  if (p.type() == Pooling::L2) return b.node("ReduceL2", {x}, {{"axes", Ints{-2, -1}}});
  return b.node(p.type() == Pooling::MAX ? "GlobalMaxPool" : "GlobalAveragePool", {x});
}

void pooling(Build& b, const Layer& layer, const char*) {
  const Pooling& p = layer.pooling();
  b.out(at_rank(b, b.in(), 4,
                [&](TensorId x) { return p.global_pooling() ? global_pool(b, x, p) : pool(b, x, p); }));
}

void pooling_3d(Build& b, const Layer& layer, const char*) {
  const Pooling3d& p = layer.pooling_3d();
  const auto three = [&](std::int32_t depth, std::int32_t height, std::int32_t width) {
    return per_axis(b, {or_default(depth, 1), or_default(height, 1), or_default(width, 1)}, 3, 1);
  };
  const Window window{three(p.kernel_depth(), p.kernel_height(), p.kernel_width()),
                      three(p.stride_depth(), p.stride_height(), p.stride_width()),
                      {1, 1, 1}};
  Pads pads{{0, 0, 0}, {0, 0, 0}};
  if (p.padding_type() == Pooling3d::CUSTOM)
    pads = {{p.custom_padding_front(), p.custom_padding_top(), p.custom_padding_left()},
            {p.custom_padding_back(), p.custom_padding_bottom(), p.custom_padding_right()}};
  b.out(at_rank(b, b.in(), 5, [&](TensorId x) {
    Attributes attributes = p.padding_type() == Pooling3d::SAME ? same_attributes(b, x, window, false)
                                                                : coreml::attributes(window, pads);
    attributes.erase("dilations");
    if (p.type() == Pooling3d::MAX) return b.node("MaxPool", {x}, std::move(attributes));
    attributes["count_include_pad"] = std::int64_t{!p.count_exclude_padding()};
    return b.node("AveragePool", {x}, std::move(attributes));
  }));
}

void global_pooling_3d(Build& b, const Layer& layer, const char*) {
  const bool max = layer.global_pooling_3d().type() == GlobalPooling3d::MAX;
  b.out(at_rank(b, b.in(), 5,
                [&](TensorId x) { return b.node(max ? "GlobalMaxPool" : "GlobalAveragePool", {x}); }));
}

constexpr Row rows[] = {
    {Layer::kPooling, pooling},
    {Layer::kPooling3D, pooling_3d},
    {Layer::kGlobalPooling3D, global_pooling_3d},
};

}  // namespace

std::span<const Row> pooling_rows() { return rows; }

}  // namespace mlqc::coreml
