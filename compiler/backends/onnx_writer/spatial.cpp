// Convolution, pooling, resizing.
#include <algorithm>
#include <cmath>

#include "compiler/backends/onnx_writer/writer.h"
#include "compiler/graph/edit.h"

namespace mlqc::onnx_writer {

namespace {

// An average of spread windows came with operator set 19; windows that are not spread may say so.
void average(Writer& w, const Row& row) {
  const Ints dilations = w.node().get_ints("dilations");
  w.require(std::all_of(dilations.begin(), dilations.end(), [](std::int64_t n) { return n == 1; }),
            "is a dilated average");
  const std::string x = w.in();
  w.copy_attributes(w.last(row.op, {x}), row.attributes, "dilations");
}

// The scales that are stated, or those that lead to the sizes; only one of both can be said.
bool scales_lead_to(const std::vector<float>& scales, const Shape& from, const Shape& to) {
  if (scales.size() != from.size() || to.size() != from.size()) return false;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (from[i] < 0 || to[i] < 0) continue;
    if (std::floor(static_cast<float>(from[i]) * scales[i]) != static_cast<float>(to[i])) return false;
  }
  return true;
}

std::vector<float> scales_of(const Writer& w, std::size_t place) {
  if (!w.given(place)) return w.node().get_floats("scales");
  return floats_of(w.graph, w.operand(place)).value_or(std::vector<float>());
}

void resize(Writer& w, const Row& row) {
  const mlq::Node& node = w.node();
  const bool old = row.op == "Upsample", has_sizes = w.given(3) || node.attributes.contains("sizes");
  const std::string how =
      node.get_string("coordinate_transformation_mode", old ? "asymmetric" : "half_pixel");
  w.require(how != "half_pixel_symmetric" && !node.get_int("antialias", 0),
            "interpolates in a way that ONNX has not");
  const std::vector<float> scales = scales_of(w, old ? 1 : 2);
  const std::string x = w.in(), roi = how == "tf_crop_and_resize" ? w.in(1) : "";
  Names inputs = {x, roi};
  if (!scales.empty() && (!has_sizes || scales_lead_to(scales, w.shape(0), w.result().shape))) {
    inputs.push_back(w.floats(scales));
  } else {
    w.require(scales.empty() || !has_sizes, "has scales that do not lead to its sizes");
    w.require(has_sizes, "has scales that depend on its input");
    inputs.insert(inputs.end(), {"", w.list(3, "sizes")});
  }
  NodeProto& to = w.last("Resize", inputs);
  const std::string mode = node.get_string("mode", "nearest");
  set(to, "mode", mode == "bilinear" ? "linear" : mode);
  set(to, "coordinate_transformation_mode", how);
  if (mode == "nearest")
    set(to, "nearest_mode", node.get_string("nearest_mode", old ? "floor" : "round_prefer_floor"));
  if (mode == "cubic") set(to, "cubic_coeff_a", node.get_float("cubic_coeff_a", -0.75f));
  if (node.get_int("exclude_outside", 0)) set(to, "exclude_outside", std::int64_t{1});
  if (how == "tf_crop_and_resize") set(to, "extrapolation_value", node.get_float("extrapolation_value", 0));
}

// The same words as before operator set 20.
void grid_sample(Writer& w, const Row&) {
  const std::string mode = w.node().get_string("mode", "linear");
  NodeProto& to = w.last("GridSample", {w.in(0), w.in(1)});
  set(to, "mode",
      mode.ends_with("linear")  ? std::string("bilinear")
      : mode.ends_with("cubic") ? "bicubic"
                                : mode);
  set(to, "padding_mode", w.node().get_string("padding_mode", "zeros"));
  set(to, "align_corners", w.node().get_int("align_corners", 0));
}

constexpr Row rows[] = {
    {"AveragePool", average, "auto_pad ceil_mode count_include_pad kernel_shape pads strides"},
    {"Conv", same, "auto_pad dilations group kernel_shape pads strides"},
    {"ConvTranspose", same, "auto_pad dilations group kernel_shape output_padding output_shape pads strides"},
    {"GlobalAveragePool", same},
    {"GlobalLpPool", same, "p"},
    {"GlobalMaxPool", same},
    {"GridSample", grid_sample},
    {"LpPool", same, "auto_pad kernel_shape p pads strides"},
    {"MaxPool", same, "auto_pad ceil_mode dilations kernel_shape pads storage_order strides"},
    {"Resize", resize},
    {"RoiAlign", same,
     "coordinate_transformation_mode mode output_height output_width sampling_ratio spatial_scale", "2"},
    {"Upsample", resize},
};

}  // namespace

std::span<const Row> spatial_rows() { return rows; }

}  // namespace mlqc::onnx_writer
