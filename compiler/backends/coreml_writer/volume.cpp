#include <algorithm>

#include "compiler/backends/coreml_writer/spatial.h"
#include "compiler/frontends/coreml/network.pb.h"

namespace mlqc::coreml_writer {

namespace {

int as_int(std::int64_t value) { return static_cast<int>(value); }

template <class Layer>
void set_window(Layer& layer, const Window& window) {
  layer.set_kernel_depth(as_int(window.kernel[0]));
  layer.set_kernel_height(as_int(window.kernel[1]));
  layer.set_kernel_width(as_int(window.kernel[2]));
  layer.set_stride_depth(as_int(window.stride[0]));
  layer.set_stride_height(as_int(window.stride[1]));
  layer.set_stride_width(as_int(window.stride[2]));
  layer.set_padding_type(window.same ? Layer::SAME : Layer::CUSTOM);
  if (window.same) return;
  layer.set_custom_padding_front(as_int(window.begin[0]));
  layer.set_custom_padding_top(as_int(window.begin[1]));
  layer.set_custom_padding_left(as_int(window.begin[2]));
  layer.set_custom_padding_back(as_int(window.end[0]));
  layer.set_custom_padding_bottom(as_int(window.end[1]));
  layer.set_custom_padding_right(as_int(window.end[2]));
}

}  // namespace

void convolve_volume(Writer& w, const Window& window) {
  const Shape& shape = w.shape(1);
  const std::int64_t groups = w.node().get_int("group", 1);
  w.require(w.node().op == "Conv", "is a transposed convolution of volumes");
  coreml::Convolution3d& c = *w.layer({w.in()}, {w.out()}).mutable_convolution_3d();
  c.set_output_channels(as_int(shape[0]));
  c.set_input_channels(as_int(shape[1] * groups));
  c.set_n_groups(as_int(groups));
  set_window(c, window);
  c.set_dilation_depth(as_int(window.dilation[0]));
  c.set_dilation_height(as_int(window.dilation[1]));
  c.set_dilation_width(as_int(window.dilation[2]));
  w.weights(*c.mutable_weights(), w.operand(1));
  c.set_with_bias(w.given(2));
  if (w.given(2)) w.weights(*c.mutable_bias(), w.operand(2));
  w.finish();
  w.needs_version(5);
}

void pool_volume(Writer& w, const Window& window, bool max) {
  coreml::Pooling3d& p = *w.layer({w.in()}, {w.out()}).mutable_pooling_3d();
  p.set_type(max ? coreml::Pooling3d::MAX : coreml::Pooling3d::AVERAGE);
  set_window(p, window);
  p.set_count_exclude_padding(w.node().get_int("count_include_pad", 0) == 0);
  w.needs_version(5);
}

void pool_whole_volume(Writer& w, bool max) {
  w.layer({w.in()}, {w.out()})
      .mutable_global_pooling_3d()
      ->set_type(max ? coreml::GlobalPooling3d::MAX : coreml::GlobalPooling3d::AVERAGE);
  w.needs_version(5);
}

}  // namespace mlqc::coreml_writer
