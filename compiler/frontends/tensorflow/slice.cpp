// Cuts, paddings, orders of axes.
#include "compiler/frontends/nhwc/arrays.h"
#include "compiler/frontends/tensorflow/operators.h"

namespace mlqc::tensorflow {

namespace {

void slice(Net& net, const char*) {
  const Ints begin = net.b.constant_ints(net.in(1), "starts"), size = net.b.constant_ints(net.in(2), "sizes");
  net.out(nhwc::slice(net.b, net.in(0), begin, size));
}

void strided_slice(Net& net, const char*) {
  nhwc::Slicing s{net.b.constant_ints(net.in(1), "starts"), net.b.constant_ints(net.in(2), "ends"),
                  net.b.constant_ints(net.in(3), "strides")};
  s.begin_mask = net.integer("begin_mask", 0), s.end_mask = net.integer("end_mask", 0);
  s.ellipsis_mask = net.integer("ellipsis_mask", 0), s.new_axis_mask = net.integer("new_axis_mask", 0);
  s.shrink_mask = net.integer("shrink_axis_mask", 0);
  net.out(nhwc::strided_slice(net.b, net.in(0), s));
}

void reverse(Net& net, const char*) {
  net.out(nhwc::reverse(net.b, net.in(0), net.b.constant_ints(net.in(1), "axes")));
}

void transpose(Net& net, const char*) {
  net.out(net.b.transpose(net.in(0), net.b.constant_ints(net.in(1), "a permutation")));
}

void pad(Net& net, const char* mode) {
  net.out(nhwc::pad(net.b, net.in(0), net.b.constant_ints(net.in(1), "paddings"), mode,
                    net.inputs() > 2 ? net.in(2) : mlq::no_tensor));
}

void mirror_pad(Net& net, const char*) {
  pad(net, net.text("mode", "REFLECT") == "SYMMETRIC" ? "symmetric" : "reflect");
}

constexpr Row rows[] = {
    {"MirrorPad", mirror_pad}, {"Pad", pad, "constant"}, {"PadV2", pad, "constant"},
    {"ReverseV2", reverse},    {"Slice", slice},         {"StridedSlice", strided_slice},
    {"Transpose", transpose},
};

}  // namespace

std::span<const Row> slice_rows() { return rows; }

}  // namespace mlqc::tensorflow
