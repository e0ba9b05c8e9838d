// Convolutions and pools whose windows have three axes, beside those of spatial.cpp.
#pragma once

#include "compiler/backends/coreml_writer/writer.h"

namespace mlqc::coreml_writer {

// What a node's attributes say of each spatial axis.
struct Window {
  Ints kernel, stride, dilation, begin, end;
  bool same = false;
};

// `kernel` as the node or its weights say it; fails where it has other than one to three axes.
Window window_of(Writer& writer, const Ints& kernel);

// Nodes whose operand is [N, C, D, H, W]: specification version 5.
void convolve_volume(Writer& writer, const Window& window);
void pool_volume(Writer& writer, const Window& window, bool max);
void pool_whole_volume(Writer& writer, bool max);

}  // namespace mlqc::coreml_writer
