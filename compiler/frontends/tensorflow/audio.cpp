// Sound as keyword spotters read it: frames, their spectrum, and the cepstrum of its mel bands. What these
// operators compute is in the sources of TensorFlow (core/kernels: spectrogram, mfcc, mfcc_mel_filterbank,
// mfcc_dct).
#include <algorithm>
#include <cmath>
#include <numbers>

#include "compiler/frontends/nhwc/arrays.h"
#include "compiler/frontends/tensorflow/operators.h"

namespace mlqc::tensorflow {

namespace {

// A file says its own rate; a graph does not. Networks for words are trained at this one.
constexpr std::int64_t sample_rate = 16000;

// Instead of a file's bytes the samples enter, -1 to 1, under the name of the node that held the bytes.
void decode_wav(Net& net, const char*) {
  net.b.require(net.inputs() == 1, "reads nothing");
  const std::int64_t samples = net.integer("desired_samples", -1),
                     channels = net.integer("desired_channels", -1);
  net.b.require(samples > 0 && samples < 1 << 26 && channels > 0 && channels < 64,
                "reads sound of a length or a number of channels that is not known when it is compiled");
  const Step& file =
      net.program.steps[static_cast<std::size_t>(source_of(net.program, net.step().inputs.at(0)).step)];
  net.out(net.b.input(file.name, mlq::DataType::float32, {samples, channels}), 0);
  net.b.graph.inputs.back().description = "sound from -1 to 1, 16000 samples a second";
  net.out(net.b.scalar(sample_rate), 1);
}

// A matrix of numbers by row and column.
template <class Make>
TensorId matrix(nhwc::Build& b, std::int64_t rows, std::int64_t columns, const Make& make) {
  std::vector<float> values;
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < columns; ++c) values.push_back(static_cast<float>(make(r, c)));
  return b.floats({rows, columns}, values);
}

struct Complex {
  TensorId real, imaginary;
};

// e^(-2 pi i r c / n).
Complex roots(nhwc::Build& b, std::int64_t rows, std::int64_t columns, std::int64_t n) {
  const auto angle = [n](std::int64_t r, std::int64_t c) {
    return -2 * std::numbers::pi * static_cast<double>(r * c % n) / static_cast<double>(n);
  };
  return {matrix(b, rows, columns, [&](auto r, auto c) { return std::cos(angle(r, c)); }),
          matrix(b, rows, columns, [&](auto r, auto c) { return std::sin(angle(r, c)); })};
}

Complex times(nhwc::Build& b, const char* op, Complex x, Complex y) {
  return {b.node("Sub", {b.node(op, {x.real, y.real}), b.node(op, {x.imaginary, y.imaginary})}),
          b.node("Add", {b.node(op, {x.real, y.imaginary}), b.node(op, {x.imaginary, y.real})})};
}

// |spectrum|^2 of real rows [n, p * q], bins 0 to p * q / 2. Cooley and Tukey's step once: element q * a + c,
// bin k + p * m; the constants are two small matrices instead of one of the size of the spectrum squared.
TensorId power(nhwc::Build& b, TensorId rows, std::int64_t n, std::int64_t p, std::int64_t q) {
  const TensorId x = b.reshape(rows, {n, p, q});
  const Complex first = roots(b, p, p, p), twist = roots(b, p, q, p * q), last = roots(b, q, q, q);
  const Complex columns{b.node("MatMul", {first.real, x}), b.node("MatMul", {first.imaginary, x})};
  const Complex spectrum = times(b, "MatMul", times(b, "Mul", columns, twist), last);
  const TensorId squares =
      b.node("Add", {b.node("Square", {spectrum.real}), b.node("Square", {spectrum.imaginary})});
  return nhwc::slice(b, b.reshape(b.transpose(squares, {0, 2, 1}), {n, p * q}), {0, 0}, {-1, p * q / 2 + 1});
}

// Frames [frames, window] of a sound, `stride` samples apart: blocks of so many samples stand side by side,
// so that no place needs a number in the file. Of very many blocks, the places are cheaper.
TensorId frames_of(nhwc::Build& b, TensorId sound, std::int64_t frames, std::int64_t window,
                   std::int64_t stride) {
  const std::int64_t samples = b.shape(sound)[0], blocks = (window + stride - 1) / stride;
  const TensorId line = b.reshape(sound, {samples});
  if (blocks > 32) {
    Ints places;
    for (std::int64_t f = 0; f < frames; ++f)
      for (std::int64_t i = 0; i < window; ++i) places.push_back(f * stride + i);
    return b.reshape(nhwc::gather(b, line, b.ints(places), 0), {frames, window});
  }
  const std::int64_t rows = frames + blocks - 1, used = std::min(samples, rows * stride);
  const TensorId padded =
      nhwc::pad(b, nhwc::slice(b, line, {0}, {used}), {0, rows * stride - used}, "constant", mlq::no_tensor);
  const TensorId table = b.reshape(padded, {rows, stride});
  Ids parts;
  for (std::int64_t k = 0; k < blocks; ++k) parts.push_back(nhwc::slice(b, table, {k, 0}, {frames, -1}));
  return nhwc::slice(b, nhwc::concat(b, parts, 1), {0, 0}, {-1, window});
}

// [samples, channels] to [channels, frames, bins].
void spectrogram(Net& net, const char*) {
  nhwc::Build& b = net.b;
  const std::int64_t window = net.integer("window_size", 0), stride = net.integer("stride", 0);
  const TensorId sound = net.in();
  b.require(b.rank(sound) == 2 && b.shape(sound)[0] >= 0 && b.shape(sound)[1] == 1,
            "needs one channel of sound");
  const std::int64_t samples = b.shape(sound)[0];
  b.require(window > 1 && window <= samples && window <= 1 << 16 && stride > 0, "has a window out of range");
  const std::int64_t frames = (samples - window) / stride + 1;
  b.require(frames <= (1 << 22) / window, "makes too many frames");
  net.limits.spread += static_cast<std::size_t>(frames * window);
  b.require(net.limits.spread <= most_spread, "makes too many frames");
  const TensorId cut = frames_of(b, sound, frames, window, stride);
  const TensorId hann = matrix(b, 1, window, [&](auto, auto i) {
    return 0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(window));
  });
  std::int64_t p = 1, q = 1;  // the next power of two
  while (p * q < window) (p > q ? q : p) *= 2;
  const TensorId padded =
      nhwc::pad(b, b.node("Mul", {cut, hann}), {0, 0, 0, p * q - window}, "constant", mlq::no_tensor);
  TensorId y = power(b, padded, frames, p, q);
  if (!net.flag("magnitude_squared")) y = b.node("Sqrt", {y});
  net.out(nhwc::expand_dims(b, y, 0));
}

double mel(double hertz) { return 1127 * std::log1p(hertz / 700); }

struct Bands {
  std::int64_t bins, count;
  double low, high;  // Hertz
};

// Each bin's share in each band: triangles that meet at the bands' centres.
TensorId filterbank(nhwc::Build& b, const Bands& bands) {
  const double per_bin = 0.5 * sample_rate / static_cast<double>(bands.bins - 1), from = mel(bands.low);
  const double step = (mel(bands.high) - from) / static_cast<double>(bands.count + 1);
  const auto first = static_cast<std::int64_t>(1.5 + bands.low / per_bin);
  const auto last = static_cast<std::int64_t>(bands.high / per_bin);
  return matrix(b, bands.bins, bands.count, [&](std::int64_t bin, std::int64_t band) {
    const double distance =
        (mel(static_cast<double>(bin) * per_bin) - from) / step - static_cast<double>(band + 1);
    return bin < first || bin > last ? 0 : std::max(0.0, 1 - std::abs(distance));
  });
}

// [channels, frames, bins] of squares to [channels, frames, coefficients].
void cepstrum(Net& net, const char*) {
  nhwc::Build& b = net.b;
  const TensorId x = net.in(0);
  b.require(b.rank(x) == 3 && b.shape(x)[2] > 1 && b.shape(x)[2] <= 1 << 16, "needs a spectrogram");
  b.require(net.one(net.in(1), "a sample rate") == sample_rate, "needs sound of 16000 samples a second");
  const Bands bands{b.shape(x)[2], net.integer("filterbank_channel_count", 40),
                    net.real("lower_frequency_limit", 20), net.real("upper_frequency_limit", 4000)};
  const std::int64_t kept = net.integer("dct_coefficient_count", 13);
  b.require(bands.count > 0 && bands.count < 1024 && bands.count * bands.bins < 1 << 20 && kept > 0 &&
                kept <= bands.count && bands.low >= 0 && bands.high > bands.low &&
                bands.high <= sample_rate / 2.0,
            "has bands out of range");
  const TensorId energies = b.node("MatMul", {b.node("Sqrt", {x}), filterbank(b, bands)});
  const TensorId logs = b.node("Log", {b.node("Max", {energies, b.number(1e-12f)})});
  const auto n = static_cast<double>(bands.count);
  const TensorId cosines = matrix(b, bands.count, kept, [n](std::int64_t i, std::int64_t k) {
    return std::sqrt(2 / n) *
           std::cos(std::numbers::pi / n * static_cast<double>(k) * (static_cast<double>(i) + 0.5));
  });
  net.out(b.node("MatMul", {logs, cosines}));
}

constexpr Row rows[] = {
    {"AudioSpectrogram", spectrogram},
    {"DecodeWav", decode_wav},
    {"Mfcc", cepstrum},
};

}  // namespace

std::span<const Row> audio_rows() { return rows; }

}  // namespace mlqc::tensorflow
