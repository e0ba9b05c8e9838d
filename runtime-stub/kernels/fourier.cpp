// Fourier transforms: DFT along one axis, the last one holding real and imaginary parts.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "runtime-stub/kernels/rare_families.h"
#include "runtime-stub/kernels/support.h"

namespace mlq::kernels {
namespace {

// Operands: signal [..., 1 or 2], length, axis.
Result<std::int64_t> axis_of(const Call& call) {
  auto list = integers(call, 2, {call.node.get_int("axis", 1)});
  std::int64_t axis = list && list->size() == 1 ? (*list)[0] : 0;
  if (!list) return std::int64_t{unknown};
  if (list->size() != 1 || !normalize_axis(axis, rank(call.inputs[0].shape)) ||
      axis == rank(call.inputs[0].shape) - 1)
    return fail(call, "axis outside the signal's rank");
  return axis;
}

Status infer_dft(Call& call) {
  if (!has_operands(call, 1)) return fail(call, "needs a signal");
  Shape y = call.inputs[0].shape;
  if (call.inputs[0].type != DataType::float32) return fail(call, "is for float32 only");
  if (y.size() < 2 || (y.back() != 1 && y.back() != 2)) return fail(call, "the last axis is 1 or 2");
  const bool half = call.node.get_int("onesided", 0) != 0, inverse = call.node.get_int("inverse", 0) != 0;
  auto axis = axis_of(call);
  if (!axis) return axis.status();
  auto length = integers(call, 1, {});
  if (*axis == unknown || !length) {
    std::fill(y.begin(), y.end(), unknown);
    y.back() = half && inverse ? 1 : 2;
  } else {
    std::int64_t n = length->empty() ? y[*axis] : (*length)[0];
    if (length->empty() && half && inverse && n != unknown) n = 2 * (n - 1);
    if (n != unknown && n < 1) return fail(call, "a transform of no length");
    y[*axis] = n != unknown && half && !inverse ? n / 2 + 1 : n;
    y.back() = half && inverse ? 1 : 2;
  }
  set_output(call, 0, DataType::float32, y);
  return {};
}

struct Line {
  std::vector<double> real, imaginary;
};

// The sum as it is written: lengths are windows of speech, and a table of the circle keeps it exact.
Line transform(const Line& x, std::int64_t n, std::int64_t results, bool inverse) {
  const auto length = static_cast<std::uint32_t>(n), places = static_cast<std::uint32_t>(results);
  std::vector<double> cosine(length), sine(length);
  for (std::int64_t k = 0; k < n; ++k) {
    const double angle = 2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(n);
    cosine[k] = std::cos(angle), sine[k] = inverse ? std::sin(angle) : -std::sin(angle);
  }
  Line y{std::vector<double>(places), std::vector<double>(places)};
  const double factor = inverse ? 1.0 / static_cast<double>(n) : 1.0;
  for (std::int64_t k = 0; k < results; ++k) {
    for (std::int64_t t = 0, at = 0; t < n; ++t, at = (at + k) % n) {
      y.real[k] += x.real[t] * cosine[at] - x.imaginary[t] * sine[at];
      y.imaginary[k] += x.real[t] * sine[at] + x.imaginary[t] * cosine[at];
    }
    y.real[k] *= factor, y.imaginary[k] *= factor;
  }
  return y;
}

Status evaluate_dft(const Call& call) {
  const Shape &x = call.inputs[0].shape, &y = call.outputs[0].shape;
  auto axis = axis_of(call);
  if (!axis) return axis.status();
  const bool half = call.node.get_int("onesided", 0) != 0, inverse = call.node.get_int("inverse", 0) != 0;
  const auto length = integers(call, 1, {});
  std::int64_t n = half && !inverse ? x[*axis] : y[*axis];
  if (length && !length->empty()) n = (*length)[0];
  if (n < 1 || n > 1 << 24) return fail(call, "a transform of no length, or of a huge one");
  const std::int64_t inner = product(x, *axis + 1, rank(x) - 1), outer = product(x, 0, *axis),
                     parts = x.back();
  for (std::int64_t line = 0; line < outer * inner; ++line) {
    Line signal{std::vector<double>(static_cast<std::uint32_t>(n)),
                std::vector<double>(static_cast<std::uint32_t>(n))};
    const auto at = [&](const Shape& s, std::int64_t t) {
      return ((line / inner * s[*axis] + t) * inner + line % inner) * s.back();
    };
    for (std::int64_t t = 0; t < std::min(n, x[*axis]); ++t) {
      signal.real[t] = in<float>(call, 0)[at(x, t)];
      signal.imaginary[t] = parts == 2 ? in<float>(call, 0)[at(x, t) + 1] : 0.0f;
    }
    // The half that is not there is the mirrored, conjugate one.
    if (half && inverse)
      for (std::int64_t t = x[*axis]; t < n; ++t)
        if (n - t < x[*axis]) {
          signal.real[t] = signal.real[n - t];
          signal.imaginary[t] = -signal.imaginary[n - t];
        }
    const Line result = transform(signal, n, y[*axis], inverse);
    for (std::int64_t k = 0; k < y[*axis]; ++k) {
      out<float>(call)[at(y, k)] = static_cast<float>(result.real[k]);
      if (y.back() == 2) out<float>(call)[at(y, k) + 1] = static_cast<float>(result.imaginary[k]);
    }
  }
  return {};
}

constexpr Kernel rows[] = {{"DFT", infer_dft, evaluate_dft}};

}  // namespace

std::span<const Kernel> fourier_kernels() { return rows; }

}  // namespace mlq::kernels
