// Images made larger or smaller: padding, cropping, resizing.
#include "compiler/frontends/keras/layers.h"
#include "compiler/frontends/nhwc/arrays.h"
#include "compiler/frontends/nhwc/spatial.h"

namespace mlqc::keras {

namespace {

struct Border {
  std::int64_t before = 0, after = 0;
};

// Per axis: n, [n, n], [n of each axis], or [[before, after] of each axis].
std::vector<Border> borders_of(const Net& net, const Value& said, std::size_t axes) {
  std::vector<Border> borders;
  if (axes == 1 && said.is_list() && said.list().size() == 2)
    return {{said.integers()[0], said.integers()[1]}};
  // Keras 1 wrote four numbers for two axes.
  if (axes == 2 && said.list().size() == 4) {
    const Ints all = said.integers();
    return {{all[0], all[1]}, {all[2], all[3]}};
  }
  for (const Value& entry : said.list()) {
    const Ints pair = entry.integers();
    net.b.require(!pair.empty(), "has an empty border");
    borders.push_back({pair.front(), pair.back()});
  }
  if (!said.is_list()) borders.assign(axes, {said.integer(-1), said.integer(-1)});
  net.b.require(borders.size() == axes, "has borders of another number of axes");
  for (const Border& border : borders)
    net.b.require(
        border.before >= 0 && border.after >= 0 && border.before < 1 << 24 && border.after < 1 << 24,
        "has a border out of range");
  return borders;
}

std::size_t axes_of(const Net& net) {
  net.b.require(net.b.rank(net.x()) >= 3, "needs an image");
  return static_cast<std::size_t>(net.b.rank(net.x())) - 2;
}

Ids zero_padding(Net& net, const char*) {
  const auto borders = borders_of(net, net.config()["padding"], axes_of(net));
  Ints pads{0, 0};
  for (const Border& border : borders) pads.push_back(border.before), pads.push_back(border.after);
  pads.push_back(0), pads.push_back(0);
  const TensorId x = channels_last(net, net.x());
  return {channels_back(net, nhwc::pad(net.b, x, pads, "constant", mlq::no_tensor))};
}

Ids cropping(Net& net, const char*) {
  const auto borders = borders_of(net, net.config()["cropping"], axes_of(net));
  const TensorId x = channels_last(net, net.x());
  Ints starts, ends, axes;
  for (std::size_t i = 0; i < borders.size(); ++i) {
    starts.push_back(borders[i].before);
    ends.push_back(borders[i].after ? -borders[i].after : std::numeric_limits<std::int32_t>::max());
    axes.push_back(static_cast<std::int64_t>(i) + 1);
  }
  return {
      channels_back(net, net.b.node("Slice", {x, net.b.ints(starts), net.b.ints(ends), net.b.ints(axes)}))};
}

// Each place of an axis `times` times.
TensorId repeat(Net& net, TensorId x, std::int64_t axis, std::int64_t times) {
  net.b.require(times > 0 && times < 1 << 16, "has a factor out of range");
  const TensorId deeper = nhwc::expand_dims(net.b, x, axis + 1);
  Ints repeats(static_cast<std::size_t>(net.b.rank(deeper)), 1);
  repeats[static_cast<std::size_t>(axis) + 1] = times;
  Ints target(net.b.shape(x).begin(), net.b.shape(x).end());
  std::int64_t& size = target[static_cast<std::size_t>(axis)];
  size = size < 0 ? -1 : size * times;
  return net.b.reshape(net.b.node("Tile", {deeper, net.b.ints(repeats)}), target);
}

Ids upsampling(Net& net, const char*) {
  Ints factors = net.config().any({"size", "length"}).integers();
  TensorId x = channels_last(net, net.x());
  if (factors.size() == 1) factors.assign(axes_of(net), factors[0]);
  net.b.require(factors.size() == axes_of(net), "has factors of another number of axes");
  for (std::size_t i = 0; i < factors.size(); ++i)
    x = repeat(net, x, static_cast<std::int64_t>(i) + 1, factors[i]);
  return {channels_back(net, x)};
}

nhwc::Corners corners(const Net& net) {
  return net.later_2 ? nhwc::Corners::half_pixel : nhwc::Corners::asymmetric;
}

Ids upsampling_2d(Net& net, const char*) {
  const Ints factors = net.config()["size"].integers();
  const TensorId x = channels_last(net, net.x());
  net.b.require(net.b.rank(x) == 4 && factors.size() == 2, "needs an image and two factors");
  const Shape& shape = net.b.shape(x);
  for (const std::int64_t factor : factors)
    net.b.require(factor > 0 && factor < 1 << 16, "has a factor out of range");
  const std::string how = net.config()["interpolation"].text("nearest");
  net.b.require(how == "nearest" || how == "bilinear", "interpolates in a way that mlq does not know");
  if (shape[1] < 0 || shape[2] < 0) {
    net.b.require(how == "nearest", "interpolates an image whose size is not known");
    return {channels_back(net, repeat(net, repeat(net, x, 1, factors[0]), 2, factors[1]))};
  }
  return {
      channels_back(net, nhwc::resize(net.b, x, net.b.ints({shape[1] * factors[0], shape[2] * factors[1]}),
                                      how == "bilinear", corners(net)))};
}

Ids resizing(Net& net, const char*) {
  const Value& config = net.config();
  net.b.require(!config["crop_to_aspect_ratio"].truth(false) && !config["pad_to_aspect_ratio"].truth(false),
                "crops or pads to an aspect ratio, which mlq does not do");
  const std::string how = config["interpolation"].text("bilinear");
  net.b.require(how == "nearest" || how == "bilinear", "interpolates in a way that mlq does not know");
  const Ints size{config["height"].integer(0), config["width"].integer(0)};
  net.b.require(size[0] > 0 && size[1] > 0, "has a size out of range");
  const TensorId x = channels_last(net, net.x());
  return {channels_back(
      net, nhwc::resize(net.b, x, net.b.ints(size), how == "bilinear", nhwc::Corners::half_pixel))};
}

Ids center_crop(Net& net, const char*) {
  const TensorId x = channels_last(net, net.x());
  net.b.require(net.b.rank(x) == 4, "needs an image");
  Ints begin(4, 0), size(4, -1);
  for (std::size_t i = 1; i < 3; ++i) {
    size[i] = net.config()[i == 1 ? "height" : "width"].integer(0);
    begin[i] = (net.b.shape(x)[i] - size[i]) / 2;
    net.b.require(size[i] > 0 && net.b.shape(x)[i] >= size[i], "crops more than the image has");
  }
  return {channels_back(net, nhwc::slice(net.b, x, begin, size))};
}

constexpr Row rows[] = {
    {"CenterCrop", center_crop, no_weights},     {"Cropping1D", cropping, no_weights},
    {"Cropping2D", cropping, no_weights},        {"Cropping3D", cropping, no_weights},
    {"Resizing", resizing, no_weights},          {"UpSampling1D", upsampling, no_weights},
    {"UpSampling2D", upsampling_2d, no_weights}, {"UpSampling3D", upsampling, no_weights},
    {"ZeroPadding1D", zero_padding, no_weights}, {"ZeroPadding2D", zero_padding, no_weights},
    {"ZeroPadding3D", zero_padding, no_weights},
};

}  // namespace

std::span<const Row> picture_rows() { return rows; }

}  // namespace mlqc::keras
