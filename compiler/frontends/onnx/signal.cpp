// Signals: windows, the short-time Fourier transform; small learners of the other domain.
#include <array>
#include <numbers>

#include "compiler/frontends/onnx/operators.h"

namespace mlqc::onnx_format {

namespace {

// a - b cos(2 pi t / n) + c cos(4 pi t / n); n is one less for a window that is the same from both ends.
void window(Op& op, float a, float c2, float c4) {
  Build& b = op.b;
  const Value size = op.in();
  Value n = b.as_float(size);
  if (op.i("periodic", 1) == 0) n = b.sub(n, b.number(1.0f));
  const Value t = b.as_float(b.node("Range", {b.scalar(0), size, b.scalar(1)}));
  const Value angle = b.div(b.mul(t, b.number(2 * std::numbers::pi_v<float>)), n);
  Value y = b.sub(b.number(a), b.mul(b.node("Cos", {angle}), b.number(c2)));
  if (c4 != 0.0f) y = b.add(y, b.mul(b.node("Cos", {b.mul(angle, b.number(2.0f))}), b.number(c4)));
  op.out(b.cast(y, static_cast<int>(op.i("output_datatype", t_float))));
}
void hann(Op& op) { window(op, 0.5f, 0.5f, 0.0f); }
void hamming(Op& op) { window(op, 25.0f / 46, 1 - 25.0f / 46, 0.0f); }
void blackman(Op& op) { window(op, 0.42f, 0.5f, 0.08f); }

// Frames of [batch, samples, 1] side by side, weighted, and each transformed.
constexpr std::int64_t most_places = 1 << 26;  // of numbers in all frames

void stft(Op& op) {
  Build& b = op.b;
  const Value signal = op.in();
  const std::int64_t step = b.constant_ints(op.in(1), "a step between frames").at(0);
  const std::int64_t length =
      op.given(3) ? b.constant_ints(op.in(3), "a length of frames").at(0) : b.dim(op.in(2), 0);
  b.require(step > 0 && length > 0 && b.dim(signal, 1) >= length, "has frames that do not fit the signal");
  const std::int64_t frames = (b.dim(signal, 1) - length) / step + 1;
  b.require(frames <= most_places / length, "has more frames than memory");
  Ints places;
  for (std::int64_t f = 0; f < frames; ++f)
    for (std::int64_t t = 0; t < length; ++t) places.push_back(f * step + t);
  Value x =
      b.reshape(b.gather(signal, b.ints(places), 1), {b.dim(signal, 0), frames, length, b.dim(signal, 2)});
  if (op.given(2)) x = b.mul(x, b.reshape(op.in(2), {length, 1}));
  op.out(b.node("DFT", {x, {}, b.scalar(2)}, {{"onesided", op.i("onesided", 1)}}));
}

void dft(Op& op) { op.out(op.b.node("DFT", op.ins(), op.attributes())); }

void binarizer(Op& op) {
  Build& b = op.b;
  const Value above = b.node("Greater", {op.in(), b.number(op.f("threshold", 0.0f))}, {}, t_bool);
  op.out(b.cast(above, op.in().type));
}

}  // namespace

std::span<const Row> signal_rows() {
  static constexpr auto rows = std::to_array<Row>({
      {"HannWindow", hann},
      {"HammingWindow", hamming},
      {"BlackmanWindow", blackman},
      {"STFT", stft},
      {"DFT", dft},
      {"Binarizer", binarizer, "ai.onnx.ml"},
  });
  return rows;
}

}  // namespace mlqc::onnx_format
