// Convolution, pooling, resizing. With one spatial axis, an axis of one place stands before it meanwhile.
#include "compiler/backends/coreml_writer/spatial.h"

#include <algorithm>

#include "compiler/frontends/coreml/network.pb.h"

namespace mlqc::coreml_writer {

namespace {

using Layer = NeuralNetworkLayer;

void put_neutral(Window& window) {
  if (window.kernel.size() != 1) return;
  window.kernel.insert(window.kernel.begin(), 1);
  window.stride.insert(window.stride.begin(), 1);
  window.dilation.insert(window.dilation.begin(), 1);
  window.begin.insert(window.begin.begin(), 0);
  window.end.insert(window.end.begin(), 0);
}

void set_edges(coreml::ValidPadding& valid, const Window& window) {
  for (std::size_t axis = 0; axis < 2; ++axis) {
    auto& edge = *valid.mutable_padding_amounts()->add_border_amounts();
    edge.set_start_edge_size(static_cast<std::uint64_t>(window.begin[axis]));
    edge.set_end_edge_size(static_cast<std::uint64_t>(window.end[axis]));
  }
}

void add_all(google::protobuf::RepeatedField<std::uint64_t>& to, const Ints& from) {
  for (const std::int64_t value : from) to.Add(static_cast<std::uint64_t>(value));
}

// A larger result at the end is a smaller crop there.
void take_output_padding(Writer& w, Window& window) {
  const Ints more = w.node().get_ints("output_padding", Ints(window.end.size(), 0));
  for (std::size_t i = 0; i < more.size() && i < window.end.size(); ++i) {
    window.end[i] -= more[i];
    w.require(window.end[i] >= 0, "has a result larger than its input fills");
  }
}

void convolution(Writer& w, const Row& row) {
  const bool transposed = row.op == "ConvTranspose";
  w.require(w.is_constant(1) && (!w.given(2) || w.is_constant(2)), "has weights that are not constant");
  const Shape& shape = w.shape(1);
  Window window = window_of(w, {shape.begin() + 2, shape.end()});
  if (transposed) {
    w.require(!window.same && w.node().get_ints("output_shape").empty() &&
                  std::all_of(window.dilation.begin(), window.dilation.end(),
                              [](std::int64_t n) { return n == 1; }),
              "asks for an output shape, or is dilated");
    take_output_padding(w, window);
  }
  if (window.kernel.size() == 3) return convolve_volume(w, window);
  put_neutral(window);
  const std::int64_t groups = w.node().get_int("group", 1);
  w.at_rank_4([&](Layer& layer) {
    coreml::Convolution& c = *layer.mutable_convolution();
    c.set_output_channels(static_cast<std::uint64_t>(transposed ? shape[1] * groups : shape[0]));
    c.set_kernel_channels(static_cast<std::uint64_t>(transposed ? shape[0] : shape[1]));
    c.set_n_groups(static_cast<std::uint64_t>(groups));
    c.set_is_deconvolution(transposed);
    add_all(*c.mutable_kernel_size(), window.kernel);
    add_all(*c.mutable_stride(), window.stride);
    add_all(*c.mutable_dilation_factor(), window.dilation);
    window.same ? static_cast<void>(c.mutable_same()) : set_edges(*c.mutable_valid(), window);
    w.weights(*c.mutable_weights(), w.operand(1), {}, transposed ? 1 : 0);
    c.set_with_bias(w.given(2));
    if (w.given(2)) w.weights(*c.mutable_bias(), w.operand(2));
    w.finish();
  });
}

// What a result that was rounded up sees beyond its operand is padding at the end.
void round_up(const Writer& w, Window& window) {
  if (!w.node().get_int("ceil_mode", 0)) return;
  const Shape &from = w.shape(0), &to = w.tensor(w.node().outputs[0]).shape;
  for (std::size_t i = 0; i < window.kernel.size(); ++i) {
    w.require(from[i + 2] >= 0 && to[i + 2] >= 0, "rounds up a size that is not known");
    const std::int64_t seen =
        (to[i + 2] - 1) * window.stride[i] + (window.kernel[i] - 1) * window.dilation[i] + 1;
    window.end[i] = std::max(window.end[i], seen - from[i + 2] - window.begin[i]);
  }
}

coreml::Pooling::PoolingType pooling_type(std::string_view op) {
  if (op.find("Max") != std::string_view::npos) return coreml::Pooling::MAX;
  return op.find("Lp") != std::string_view::npos ? coreml::Pooling::L2 : coreml::Pooling::AVERAGE;
}

void pool(Writer& w, const Row& row) {
  Window window = window_of(w, w.node().get_ints("kernel_shape"));
  w.require(w.node().outputs.size() == 1, "gives the places of its maxima");
  w.require(
      std::all_of(window.dilation.begin(), window.dilation.end(), [](std::int64_t n) { return n == 1; }),
      "is dilated");
  round_up(w, window);
  if (window.kernel.size() == 3) {
    w.require(pooling_type(row.op) != coreml::Pooling::L2, "is an L2 pool of volumes");
    return pool_volume(w, window, pooling_type(row.op) == coreml::Pooling::MAX);
  }
  put_neutral(window);
  w.at_rank_4([&](Layer& layer) {
    coreml::Pooling& p = *layer.mutable_pooling();
    p.set_type(pooling_type(row.op));
    add_all(*p.mutable_kernel_size(), window.kernel);
    add_all(*p.mutable_stride(), window.stride);
    window.same ? static_cast<void>(p.mutable_same()) : set_edges(*p.mutable_valid(), window);
    p.set_avg_pool_exclude_padding(w.node().get_int("count_include_pad", 0) == 0);
  });
}

void pool_all(Writer& w, const Row& row) {
  if (w.rank(0) == 5) return pool_whole_volume(w, row.op == "GlobalMaxPool");
  w.require(w.rank(0) == 3 || w.rank(0) == 4, "has other than one or two spatial axes");
  w.at_rank_4([&](Layer& layer) {
    coreml::Pooling& p = *layer.mutable_pooling();
    p.set_type(pooling_type(row.op));
    p.set_global_pooling(true);
    p.mutable_valid();
  });
}

// How often each place of an image is repeated, or 0 when the sizes do not come out even.
std::uint64_t factor(const Shape& from, const Shape& to, std::size_t axis) {
  return from[axis] > 0 && to[axis] > 0 && to[axis] % from[axis] == 0
             ? static_cast<std::uint64_t>(to[axis] / from[axis])
             : 0;
}

// Half pixels are a mode of upsampling alone: resizing by the method called after ROI Align spreads its
// points over one place less.
void upsample_half_pixels(Writer& w, const Shape& from, const Shape& to) {
  coreml::Upsample& u = *w.layer({w.in()}, {w.out()}).mutable_upsample();
  u.set_mode(coreml::Upsample::BILINEAR);
  u.set_linear_upsample_mode(coreml::Upsample::ALIGN_CORNERS_FALSE);
  w.needs_version(5);
  for (const std::size_t axis : {std::size_t{2}, std::size_t{3}}) {
    w.require(from[axis] > 0 && to[axis] >= from[axis],
              "makes an image smaller on a grid that the format has not");
    const std::uint64_t whole = factor(from, to, axis);
    w.require(whole > 0, "enlarges an image by a factor that is not whole, on a grid of half pixels");
    u.add_scaling_factor(whole);
  }
}

void resize(Writer& w, const Row&) {
  const Shape &from = w.shape(0), &to = w.tensor(w.node().outputs[0]).shape;
  w.require(from.size() == 4 && to.size() == 4 && to[2] > 0 && to[3] > 0,
            "has a result whose size is not known");
  const std::string mode = w.node().get_string("mode", "nearest"),
                    how = w.node().get_string("coordinate_transformation_mode", "half_pixel");
  if (mode == "nearest") {
    const std::uint64_t height = factor(from, to, 2), width = factor(from, to, 3);
    w.require(height > 0 && width > 0 && how != "align_corners", "repeats pixels unevenly");
    coreml::Upsample& u = *w.layer({w.in()}, {w.out()}).mutable_upsample();
    u.add_scaling_factor(height);
    u.add_scaling_factor(width);
    u.set_mode(coreml::Upsample::NN);
    return;
  }
  w.require(mode == "linear" && (how == "asymmetric" || how == "half_pixel" || how == "align_corners"),
            "interpolates in a way that the format has not");
  if (how == "half_pixel") return upsample_half_pixels(w, from, to);
  coreml::ResizeBilinear& r = *w.layer({w.in()}, {w.out()}).mutable_resize_bilinear();
  r.add_target_size(static_cast<std::uint64_t>(to[2]));
  r.add_target_size(static_cast<std::uint64_t>(to[3]));
  r.mutable_mode()->set_sampling_method(how == "asymmetric"
                                            ? coreml::SamplingMode::UPSAMPLE_MODE
                                            : coreml::SamplingMode::STRICT_ALIGN_ENDPOINTS_MODE);
}

void shuffle_blocks(Writer& w, const Row& row) {
  const std::string mode = w.node().get_string("mode", "DCR");
  coreml::ReorganizeData& r = *w.layer({w.in()}, {w.out()}).mutable_reorganize_data();
  r.set_block_size(static_cast<std::uint64_t>(w.node().get_int("blocksize", 1)));
  if (row.op == "SpaceToDepth") return r.set_mode(coreml::ReorganizeData::SPACE_TO_DEPTH);
  r.set_mode(mode == "CRD" ? coreml::ReorganizeData::PIXEL_SHUFFLE : coreml::ReorganizeData::DEPTH_TO_SPACE);
  if (mode == "CRD") w.needs_version(5);
}

constexpr Row rows[] = {
    {"AveragePool", pool},
    {"Conv", convolution},
    {"ConvTranspose", convolution},
    {"DepthToSpace", shuffle_blocks},
    {"GlobalAveragePool", pool_all},
    {"GlobalMaxPool", pool_all},
    {"MaxPool", pool},
    {"Resize", resize},
    {"SpaceToDepth", shuffle_blocks},
};

}  // namespace

Window window_of(Writer& w, const Ints& kernel) {
  const mlq::Node& node = w.node();
  const std::size_t axes = kernel.size();
  w.require(axes >= 1 && axes <= 3, "has other than one to three spatial axes");
  const Ints pads = node.get_ints("pads", Ints(2 * axes, 0));
  Window window{
      kernel, node.get_ints("strides", Ints(axes, 1)), node.get_ints("dilations", Ints(axes, 1)), {}, {}};
  const std::string mode = node.get_string("auto_pad", "NOTSET");
  w.require(mode != "SAME_LOWER", "has its odd padding in front");
  window.same = mode == "SAME_UPPER";
  w.require(pads.size() == 2 * axes && window.stride.size() == axes && window.dilation.size() == axes,
            "has strides or paddings of another number of axes");
  window.begin.assign(pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(axes));
  window.end.assign(pads.begin() + static_cast<std::ptrdiff_t>(axes), pads.end());
  if (mode == "VALID") window.begin.assign(axes, 0), window.end.assign(axes, 0);
  return window;
}

std::span<const Row> spatial_rows() { return rows; }

}  // namespace mlqc::coreml_writer
