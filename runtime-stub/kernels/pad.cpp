// Pad by a constant, by reflection, by repeating the edge or the whole; negative pads crop.
#include <cstring>
#include <limits>

#include "runtime-stub/kernels/families.h"
#include "runtime-stub/kernels/support.h"

namespace mlq::kernels {
namespace {

constexpr std::int64_t limit = std::int64_t{1} << 40;

// Begins of all axes, then ends of all axes; nothing while unknown.
Result<std::optional<std::vector<std::int64_t>>> pads_of(const Call& call) {
  std::size_t n = call.inputs[0].shape.size();
  auto listed = integers(call, 1, call.node.get_ints("pads"));
  if (!listed) return std::optional<std::vector<std::int64_t>>{};
  auto axes = integers(call, 3, call.node.get_ints("axes"));
  if (!axes) return std::optional<std::vector<std::int64_t>>{};
  if (axes->empty())
    for (std::size_t i = 0; i < n; ++i) axes->push_back(i);
  if (listed->size() != 2 * axes->size()) return fail(call, "two pads per axis are needed");
  std::vector<std::int64_t> pads(2 * n, 0);
  for (std::size_t i = 0; i < axes->size(); ++i) {
    std::int64_t axis = (*axes)[i];
    if (!normalize_axis(axis, static_cast<std::int64_t>(n)))
      return fail(call, "axis outside the operand's rank");
    pads[axis] = (*listed)[i];
    pads[n + axis] = (*listed)[i + axes->size()];
    for (std::int64_t p : {pads[axis], pads[n + axis]})
      if (p > limit || p < -limit) return fail(call, "a pad is out of range");
  }
  return std::optional(pads);
}

Status infer_pad(Call& call) {
  if (!has_operands(call, 1)) return fail(call, "needs an operand");
  if (call.given(2) && (call.inputs[2].type != call.inputs[0].type || product(call.inputs[2].shape) != 1))
    return fail(call, "the constant must be a single number of the operand's type");
  auto pads = pads_of(call);
  if (!pads) return pads.status();
  Shape y = call.inputs[0].shape;
  std::string mode = call.node.get_string("mode", "constant");
  if (mode != "constant" && mode != "reflect" && mode != "edge" && mode != "wrap")
    return fail(call, "unknown mode '" + mode + "'");
  for (std::size_t i = 0; i < y.size(); ++i) {
    if (!*pads || y[i] == unknown) {
      y[i] = unknown;
      continue;
    }
    std::int64_t before = (**pads)[i], after = (**pads)[y.size() + i];
    if (mode == "reflect" &&
        (before >= std::max<std::int64_t>(y[i], 1) || after >= std::max<std::int64_t>(y[i], 1)))
      return fail(call, "a reflecting pad must be smaller than its dimension");
    if ((mode == "edge" || mode == "wrap") && y[i] == 0 && (before > 0 || after > 0))
      return fail(call, "no edge in an empty dimension");
    y[i] += before + after;
    if (y[i] < 0) return fail(call, "negative pads leave nothing");
  }
  set_output(call, 0, call.inputs[0].type, y);
  return {};
}

// Per axis, the source position of each result position; -1 where the constant goes.
std::vector<std::int64_t> sources(std::int64_t size, std::int64_t before, std::int64_t result, char mode) {
  std::vector<std::int64_t> from(result);
  for (std::int64_t i = 0; i < result; ++i) {
    std::int64_t p = i - before;
    if (mode == 'e') p = std::min(std::max<std::int64_t>(p, 0), size - 1);
    if (mode == 'r') p = p < 0 ? -p : p >= size ? 2 * (size - 1) - p : p;
    if (mode == 'w') p = (p % size + size) % size;
    from[i] = p < 0 || p >= size ? -1 : p;
  }
  return from;
}

struct Padding {
  const Shape& y;
  std::vector<std::vector<std::int64_t>> from;
  Shape own, target;
  std::size_t size;
  std::uint64_t constant = 0;
};

template <class T>
void fill(T* to, std::int64_t n, std::uint64_t constant) {
  T value;
  std::memcpy(&value, &constant, sizeof(T));
  for (std::int64_t i = 0; i < n; ++i) to[i] = value;
}
void fill(std::byte* to, std::int64_t n, const Padding& p) {
  switch (p.size) {
    case 1:
      return fill(reinterpret_cast<std::uint8_t*>(to), n, p.constant);
    case 2:
      return fill(reinterpret_cast<std::uint16_t*>(to), n, p.constant);
    case 4:
      return fill(reinterpret_cast<std::uint32_t*>(to), n, p.constant);
    default:
      return fill(reinterpret_cast<std::uint64_t*>(to), n, p.constant);
  }
}

// Axis by axis; a whole block of the constant is filled at once.
void pad_axis(const Padding& p, std::size_t axis, std::byte* to, const std::byte* from) {
  if (axis == p.y.size()) {
    std::memcpy(to, from, p.size);
    return;
  }
  std::int64_t n = p.y[axis], block = p.target[axis] * p.size;
  bool last = axis + 1 == p.y.size();
  for (std::int64_t i = 0; i < n;) {
    std::int64_t source = p.from[axis][i], run = 1;
    // The longest stretch that is constant, or (on the last axis) that reads one element after another.
    while (i + run < n &&
           (source < 0 ? p.from[axis][i + run] < 0 : last && p.from[axis][i + run] == source + run))
      ++run;
    std::byte* place = to + i * block;
    if (source < 0)
      fill(place, run * p.target[axis], p);
    else if (last)
      std::memcpy(place, from + source * p.size, run * p.size);
    else
      pad_axis(p, axis + 1, place, from + source * p.own[axis] * p.size);
    i += run;
  }
}

Status evaluate_pad(const Call& call) {
  auto pads = pads_of(call);
  if (!pads) return pads.status();
  if (!*pads) return fail(call, "the pads are not known");
  const Shape &x = call.inputs[0].shape, &y = call.outputs[0].shape;
  if (product(y) == 0) return {};
  char mode = call.node.get_string("mode", "constant")[0];
  Padding p{y, {}, strides_of(x), strides_of(y), size_of(call.outputs[0].type)};
  for (std::size_t i = 0; i < x.size(); ++i) p.from.push_back(sources(x[i], (**pads)[i], y[i], mode));
  if (call.given(2)) {
    std::memcpy(&p.constant, call.inputs[2].data, p.size);
  } else if (call.outputs[0].type == DataType::float32) {
    float value = call.node.get_float("value", 0.0f);
    std::memcpy(&p.constant, &value, sizeof value);
  }
  pad_axis(p, 0, out<std::byte>(call), in<std::byte>(call, 0));
  return {};
}

constexpr Kernel rows[] = {{"Pad", infer_pad, evaluate_pad}};

}  // namespace

std::span<const Kernel> pad_kernels() { return rows; }

}  // namespace mlq::kernels
