// Cutting, bordering and enlarging of pictures: what happens on the axes H and W.
#include "compiler/frontends/coreml/layers.h"
#include "compiler/frontends/coreml/network.pb.h"
#include "compiler/frontends/coreml/sampling.h"
#include "compiler/frontends/coreml/spatial.h"

namespace mlqc::coreml {

namespace {

using Layer = NeuralNetworkLayer;

TensorId cut(Build& b, TensorId x, const Ints& starts, const Ints& ends) {
  return b.node("Slice", {x, b.ints(starts), b.ints(ends), b.ints({-2, -1})});
}

// By amounts, or to the size of a second blob from an offset on.
void crop(Build& b, const Layer& layer, const char*) {
  if (b.inputs() == 1) {
    const Pads amounts = border(b, layer.crop().crop_amounts());
    const auto end = [](std::int64_t amount) { return amount > 0 ? -amount : INT64_MAX; };
    return b.out(cut(b, b.in(), amounts.begin, {end(amounts.end[0]), end(amounts.end[1])}));
  }
  Ints offset = sizes(b, layer.crop().offset());
  if (offset.empty()) offset = {0, 0};
  b.require(offset.size() == 2, "has an offset of other than two numbers");
  const Ints wanted = spatial_sizes(b, b.in(1), 2);
  b.out(cut(b, b.in(), offset, {offset[0] + wanted[0], offset[1] + wanted[1]}));
}

void padding(Build& b, const Layer& layer, const char*) {
  const Padding& p = layer.padding();
  const Pads amounts = border(b, p.padding_amounts());
  const auto rank = static_cast<std::size_t>(b.rank(b.in()));
  b.require(rank >= 2, "has an input of fewer than two dimensions");
  Ints pads(2 * rank, 0);
  for (std::size_t i = 0; i < 2; ++i) {
    pads[rank - 2 + i] = amounts.begin[i];
    pads[2 * rank - 2 + i] = amounts.end[i];
  }
  const char* mode = p.has_reflection() ? "reflect" : p.has_replication() ? "edge" : "constant";
  Ids operands{b.in(), b.ints(pads)};
  if (p.has_constant()) operands.push_back(b.number(p.constant().value()));
  b.out(b.node("Pad", std::move(operands), {{"mode", std::string(mode)}}));
}

// To the size times `scale`; `mode` is ONNX's coordinate transformation, "" is nearest.
TensorId resize(Build& b, TensorId x, const std::vector<float>& scale, const Ints& size,
                const std::string& mode) {
  Attributes attributes{{"mode", std::string(mode.empty() ? "nearest" : "linear")},
                        {"coordinate_transformation_mode", mode.empty() ? std::string("asymmetric") : mode},
                        {"nearest_mode", std::string("floor")}};
  if (size.empty()) {
    const std::vector<float> scales{1, 1, scale[0], scale[1]};
    return b.node("Resize", {x, mlq::no_tensor, b.floats({4}, scales)}, std::move(attributes));
  }
  const Ints sizes{b.dimension(x, 0), b.dimension(x, 1), size[0], size[1]};
  b.require(sizes[0] >= 0 && sizes[1] >= 0, "needs to know the shape of its input");
  return b.node("Resize", {x, mlq::no_tensor, mlq::no_tensor, b.ints(sizes)}, std::move(attributes));
}

void upsample(Build& b, const Layer& layer, const char*) {
  const Upsample& u = layer.upsample();
  std::vector<float> scale(u.fractional_scaling_factor().begin(), u.fractional_scaling_factor().end());
  if (scale.empty())
    for (const std::int64_t factor : sizes(b, u.scaling_factor()))
      scale.push_back(static_cast<float>(factor));
  if (scale.empty()) scale = {1, 1};
  b.require(scale.size() == 2 && scale[0] > 0 && scale[1] > 0, "scales by other than two positive factors");
  std::string mode;
  if (u.mode() == Upsample::BILINEAR)
    mode = u.linear_upsample_mode() == Upsample::ALIGN_CORNERS_TRUE    ? "align_corners"
           : u.linear_upsample_mode() == Upsample::ALIGN_CORNERS_FALSE ? "half_pixel"
                                                                       : "asymmetric";
  b.out(at_rank(b, b.in(), 4, [&](TensorId x) { return resize(b, x, scale, {}, mode); }));
}

void resize_bilinear(Build& b, const Layer& layer, const char*) {
  Ints target = sizes(b, layer.resize_bilinear().target_size());
  if (target.empty()) target = {1, 1};
  b.require(target.size() == 2, "has a target size of other than two numbers");
  const auto method = layer.resize_bilinear().mode().sampling_method();
  const bool middle = method == SamplingMode::ALIGN_ENDPOINTS_MODE && (target[0] == 1 || target[1] == 1);
  if (method == SamplingMode::ROI_ALIGN_MODE || middle) {  // grids that Resize does not know
    const Ints input = spatial_sizes(b, b.in(), 2);
    const auto whole = [&](std::size_t axis) {
      const auto end = static_cast<float>(input[axis] - 1);
      return Interval{b.number(0), b.number(end), grid_line(method, target[axis])};
    };
    return b.out(sample(b, b.in(), whole(0), whole(1)));
  }
  const std::string mode = method == SamplingMode::UPSAMPLE_MODE ? "asymmetric" : "align_corners";
  b.out(at_rank(b, b.in(), 4, [&](TensorId x) { return resize(b, x, {}, target, mode); }));
}

void reorganize_data(Build& b, const Layer& layer, const char*) {
  const ReorganizeData& r = layer.reorganize_data();
  const Attributes block{{"blocksize", size(b, r.block_size())}};
  b.out(at_rank(b, b.in(), 4, [&](TensorId x) {
    if (r.mode() == ReorganizeData::SPACE_TO_DEPTH) return b.node("SpaceToDepth", {x}, block);
    Attributes attributes = block;
    attributes["mode"] = std::string(r.mode() == ReorganizeData::PIXEL_SHUFFLE ? "CRD" : "DCR");
    return b.node("DepthToSpace", {x}, std::move(attributes));
  }));
}

constexpr Row rows[] = {
    {Layer::kCrop, crop},
    {Layer::kPadding, padding},
    {Layer::kUpsample, upsample},
    {Layer::kResizeBilinear, resize_bilinear},
    {Layer::kReorganizeData, reorganize_data},
};

}  // namespace

std::span<const Row> picture_rows() { return rows; }

}  // namespace mlqc::coreml
