#include "runtime-stub/kernels/xnnpack.h"

#include <xnnpack.h>

#include <limits>

#include "runtime-stub/kernels/support.h"

namespace mlq::kernels {
namespace {

// Initialization is done once, by whichever thread comes first, and never undone.
bool ready() {
  static const bool ok = xnn_initialize(nullptr) == xnn_status_success;
  return ok;
}

class Operator : public Prepared {
 public:
  explicit Operator(xnn_operator_t op) : op_(op) {}
  ~Operator() override { xnn_delete_operator(op_); }
  Operator(const Operator&) = delete;
  Operator& operator=(const Operator&) = delete;

  Status run(void* threads) override {
    if (xnn_run_operator(op_, static_cast<pthreadpool_t>(threads)) == xnn_status_success) return {};
    return Failure{"the kernel library could not run an operator"};
  }

 private:
  xnn_operator_t op_;
};

// Takes over what create made, if setup succeeds too.
template <class Setup>
PreparedOrNull finish(xnn_status created, xnn_operator_t op, Setup setup) {
  if (created != xnn_status_success) return nullptr;
  auto prepared = std::make_unique<Operator>(op);
  return setup() == xnn_status_success ? std::move(prepared) : nullptr;
}

pthreadpool_t pool_of(const Buffers& b) { return static_cast<pthreadpool_t>(b.threads); }

bool fits(const Plane2d& p) {
  constexpr std::int64_t limit = std::numeric_limits<std::int32_t>::max();
  for (std::int64_t v : {p.kernel[0], p.kernel[1], p.stride[0], p.stride[1], p.before[0], p.before[1],
                         p.after[0], p.after[1], p.dilation[0], p.dilation[1]})
    if (v < 0 || v > limit) return false;
  return ready() && p.batch > 0 && p.height > 0 && p.width > 0 && p.channels > 0 && p.out_height > 0 &&
         p.out_width > 0 && p.out_channels > 0;
}

}  // namespace

PreparedOrNull xnnpack_conv(const Plane2d& p, const float* weights, const float* bias, const Buffers& b) {
  if (!fits(p)) return nullptr;
  xnn_operator_t op = nullptr;
  auto created = xnn_create_convolution2d_nhwc_f32(
      p.before[0], p.after[1], p.after[0], p.before[1], p.kernel[0], p.kernel[1], p.stride[0], p.stride[1],
      p.dilation[0], p.dilation[1], p.groups, p.channels / p.groups, p.out_channels / p.groups, p.channels,
      p.out_stride > 0 ? p.out_stride : p.out_channels, weights, bias, p.lowest, p.highest, 0, &op);
  return finish(created, op, [&] {
    return xnn_setup_convolution2d_nhwc_f32(op, p.batch, p.height, p.width, b.x, b.y, pool_of(b));
  });
}

PreparedOrNull xnnpack_conv_transpose(const Plane2d& p, const float* weights, const float* bias,
                                      const Buffers& b) {
  if (!fits(p)) return nullptr;
  std::int64_t extra[2];
  for (int d = 0; d < 2; ++d) {
    std::int64_t size = d == 0 ? p.height : p.width, out = d == 0 ? p.out_height : p.out_width;
    std::int64_t whole = (size - 1) * p.stride[d] + (p.kernel[d] - 1) * p.dilation[d] + 1;
    extra[d] = out - (whole - p.before[d] - p.after[d]);
    if (extra[d] < 0 || extra[d] >= p.stride[d]) return nullptr;
  }
  xnn_operator_t op = nullptr;
  auto created = xnn_create_deconvolution2d_nhwc_f32(
      p.before[0], p.after[1], p.after[0], p.before[1], p.kernel[0], p.kernel[1], p.stride[0], p.stride[1],
      p.dilation[0], p.dilation[1], p.groups, p.channels / p.groups, p.out_channels / p.groups, p.channels,
      p.out_channels, weights, bias, p.lowest, p.highest, 0, &op);
  return finish(created, op, [&] {
    return xnn_setup_deconvolution2d_nhwc_f32(op, p.batch, p.height, p.width, extra[0], extra[1], b.x, b.y,
                                              pool_of(b));
  });
}

PreparedOrNull xnnpack_max_pool(const Plane2d& p, const Buffers& b) {
  if (!fits(p)) return nullptr;
  xnn_operator_t op = nullptr;
  auto created = xnn_create_max_pooling2d_nhwc_f32(
      p.before[0], p.after[1], p.after[0], p.before[1], p.kernel[0], p.kernel[1], p.stride[0], p.stride[1],
      p.dilation[0], p.dilation[1], p.channels, p.channels, p.channels, p.lowest, p.highest, 0, &op);
  return finish(created, op, [&] {
    return xnn_setup_max_pooling2d_nhwc_f32(op, p.batch, p.height, p.width, b.x, b.y, pool_of(b));
  });
}

PreparedOrNull xnnpack_average_pool(const Plane2d& p, const Buffers& b) {
  if (!fits(p) || p.dilation[0] != 1 || p.dilation[1] != 1) return nullptr;
  xnn_operator_t op = nullptr;
  auto created = xnn_create_average_pooling2d_nhwc_f32(
      p.before[0], p.after[1], p.after[0], p.before[1], p.kernel[0], p.kernel[1], p.stride[0], p.stride[1],
      p.channels, p.channels, p.channels, p.lowest, p.highest, 0, &op);
  return finish(created, op, [&] {
    return xnn_setup_average_pooling2d_nhwc_f32(op, p.batch, p.height, p.width, b.x, b.y, pool_of(b));
  });
}

PreparedOrNull xnnpack_global_average_pool(const Plane2d& p, const Buffers& b) {
  if (!fits(p)) return nullptr;
  xnn_operator_t op = nullptr;
  auto created = xnn_create_global_average_pooling_nwc_f32(p.channels, p.channels, p.channels, p.lowest,
                                                           p.highest, 0, &op);
  return finish(created, op, [&] {
    return xnn_setup_global_average_pooling_nwc_f32(op, p.batch, p.height * p.width, b.x, b.y, pool_of(b));
  });
}

PreparedOrNull xnnpack_dense(const Rows& r, const float* weights, const float* bias, const Buffers& b) {
  if (!ready() || r.rows <= 0 || r.from <= 0 || r.to <= 0) return nullptr;
  xnn_operator_t op = nullptr;
  std::uint32_t flags = r.transposed ? 0 : XNN_FLAG_TRANSPOSE_WEIGHTS;
  auto created = xnn_create_fully_connected_nc_f32(r.from, r.to, r.from, r.to, weights, bias, r.lowest,
                                                   r.highest, flags, &op);
  return finish(created, op,
                [&] { return xnn_setup_fully_connected_nc_f32(op, r.rows, b.x, b.y, pool_of(b)); });
}

PreparedOrNull xnnpack_binary(Binary kind, const Call& call, float lowest, float highest) {
  const Shape &a = call.inputs[0].shape, &b = call.inputs[1].shape;
  if (!ready() || a.size() > XNN_MAX_TENSOR_DIMS || b.size() > XNN_MAX_TENSOR_DIMS ||
      product(call.outputs[0].shape) == 0)
    return nullptr;
  std::vector<std::size_t> sa(a.begin(), a.end()), sb(b.begin(), b.end());
  xnn_operator_t op = nullptr;
  auto make = [&](auto create, auto setup) {
    const xnn_status created = create(lowest, highest, 0, &op);  // before `op` is read
    return finish(created, op, [&] {
      return setup(op, sa.size(), sa.data(), sb.size(), sb.data(), in<float>(call, 0), in<float>(call, 1),
                   out<float>(call), static_cast<pthreadpool_t>(call.threads));
    });
  };
  auto unbounded = [](auto create) {
    return [create](float, float, std::uint32_t flags, xnn_operator_t* made) { return create(flags, made); };
  };
  switch (kind) {
    case Binary::add:
      return make(xnn_create_add_nd_f32, xnn_setup_add_nd_f32);
    case Binary::subtract:
      return make(xnn_create_subtract_nd_f32, xnn_setup_subtract_nd_f32);
    case Binary::multiply:
      return make(xnn_create_multiply_nd_f32, xnn_setup_multiply_nd_f32);
    case Binary::divide:
      return make(xnn_create_divide_nd_f32, xnn_setup_divide_nd_f32);
    case Binary::maximum:
      return make(unbounded(xnn_create_maximum_nd_f32), xnn_setup_maximum_nd_f32);
    case Binary::minimum:
      return make(unbounded(xnn_create_minimum_nd_f32), xnn_setup_minimum_nd_f32);
  }
  return nullptr;
}

PreparedOrNull xnnpack_unary(Unary kind, const Call& call, float a, float b) {
  // One long row in pieces, so that several threads have something to share.
  std::int64_t n = product(call.outputs[0].shape), row = 1;
  if (!ready() || n == 0) return nullptr;
  for (std::int64_t d : call.outputs[0].shape) row = d;
  if (call.outputs[0].shape.empty()) row = 1;
  std::size_t c = row, batch = n / row;
  xnn_operator_t op = nullptr;
  auto pool = static_cast<pthreadpool_t>(call.threads);
  auto make = [&](xnn_status created, auto setup) {
    return finish(created, op, [&] { return setup(op, batch, in<float>(call, 0), out<float>(call), pool); });
  };
  switch (kind) {
    case Unary::sigmoid:
      return make(xnn_create_sigmoid_nc_f32(c, c, c, 0, &op), xnn_setup_sigmoid_nc_f32);
    case Unary::hard_swish:
      return make(xnn_create_hardswish_nc_f32(c, c, c, 0, &op), xnn_setup_hardswish_nc_f32);
    case Unary::clamp:
      return make(xnn_create_clamp_nc_f32(c, c, c, a, b, 0, &op), xnn_setup_clamp_nc_f32);
    case Unary::elu:
      return make(xnn_create_elu_nc_f32(c, c, c, a, 0, &op), xnn_setup_elu_nc_f32);
    case Unary::leaky_relu:
      return make(xnn_create_leaky_relu_nc_f32(c, c, c, a, 0, &op), xnn_setup_leaky_relu_nc_f32);
    case Unary::square_root:
      return make(xnn_create_square_root_nc_f32(c, c, c, 0, &op), xnn_setup_square_root_nc_f32);
    case Unary::absolute:
      return make(xnn_create_abs_nc_f32(c, c, c, 0, &op), xnn_setup_abs_nc_f32);
    case Unary::negate:
      return make(xnn_create_negate_nc_f32(c, c, c, 0, &op), xnn_setup_negate_nc_f32);
    case Unary::square:
      return make(xnn_create_square_nc_f32(c, c, c, 0, &op), xnn_setup_square_nc_f32);
  }
  return nullptr;
}

}  // namespace mlq::kernels
