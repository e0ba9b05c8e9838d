// Exchange of channels and space: DepthToSpace and SpaceToDepth.
#include "runtime-stub/kernels/families.h"
#include "runtime-stub/kernels/loops.h"
#include "runtime-stub/kernels/support.h"

namespace mlq::kernels {
namespace {

Status infer_blocks(Call& call) {
  if (!has_operands(call, 1)) return fail(call, "needs an operand");
  Shape y = call.inputs[0].shape;
  std::int64_t b = call.node.get_int("blocksize", 1);
  if (y.size() != 4) return fail(call, "needs an operand of rank 4");
  if (b < 1 || b > 1 << 20) return fail(call, "block size out of range");
  bool deep = call.node.op == "SpaceToDepth";
  auto divide = [](std::int64_t& d, std::int64_t by) {
    bool even = d == unknown || d % by == 0;
    if (d != unknown) d /= by;
    return even;
  };
  bool even = deep ? divide(y[2], b) && divide(y[3], b) : divide(y[1], b * b);
  if (!even) return fail(call, "the block size does not divide the dimensions");
  if (deep)
    y[1] = times(y[1], b * b);
  else
    y[2] = times(y[2], b), y[3] = times(y[3], b);
  set_output(call, 0, call.inputs[0].type, y);
  return {};
}

// Both operators permute [N, block row, block column, C, H, W] or [N, C, row, column, H, W].
Status evaluate_blocks(const Call& call) {
  bool deep = call.node.op == "SpaceToDepth";
  bool columns_first = call.node.get_string("mode", "DCR") == "CRD";
  const Shape& small = deep ? call.outputs[0].shape : call.inputs[0].shape;  // many channels, few cells
  std::int64_t b = call.node.get_int("blocksize", 1), n = small[0], c = small[1] / (b * b), h = small[2],
               w = small[3];
  if (product(small) == 0) return {};
  // Order of the loops: image, channel, row, block row, column, block column: the large image in order.
  Shape extents{n, c, h, b, w, b};
  Shape large{c * h * b * w * b, h * b * w * b, b * w * b, w * b, b, 1};
  std::int64_t plane = h * w, across = columns_first ? plane : c * plane;
  Shape deepest{small[1] * plane, columns_first ? b * b * plane : plane, w, b * across, 1, across};
  auto loops =
      make_loops(extents, deep ? std::vector<Shape>{deepest, large} : std::vector<Shape>{large, deepest});
  copy_strided(loops, call.outputs[0].data, call.inputs[0].data, size_of(call.outputs[0].type));
  return {};
}

constexpr Kernel rows[] = {{"DepthToSpace", infer_blocks, evaluate_blocks},
                           {"SpaceToDepth", infer_blocks, evaluate_blocks}};

}  // namespace

std::span<const Kernel> blocks_kernels() { return rows; }

}  // namespace mlq::kernels
