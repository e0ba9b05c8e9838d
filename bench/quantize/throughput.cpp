// Linear quantization of cold weights against reading them, and packing against copying its input: each pair
// in turns, one thread, ratios of the minima and of the medians of the CPU times.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <numeric>

#include "compiler/quantize/quantize.h"

namespace {

double cpu_seconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

volatile std::uint64_t sink;

// As fast as this machine reads: sums in enough lanes to keep its vector units busy.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
__attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), optimize("O3")))
#endif
std::uint64_t
read_all(const std::uint64_t* words, std::size_t size) {
  std::uint64_t sums[16] = {};
  for (std::size_t i = 0; i + 16 <= size; i += 16)
    for (std::size_t j = 0; j < 16; ++j) sums[j] += words[i + j];
  return std::accumulate(sums, sums + 16, std::uint64_t{0});
}

// Both in turns; prints how much of `base`'s speed `ours` has.
void compare(const char* what, double bytes, int rounds, const std::function<void()>& base,
             const std::function<void()>& ours) {
  std::vector<double> a, b;
  for (int round = 0; round < rounds; ++round) {
    const double start = cpu_seconds();
    base();
    const double middle = cpu_seconds();
    ours();
    a.push_back(middle - start);
    b.push_back(cpu_seconds() - middle);
  }
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  std::printf("%-44s %6.2f and %6.2f GB/s: time ratio %.2f (minima), %.2f (medians)\n", what,
              bytes / a[0] / 1e9, bytes / b[0] / 1e9, b[0] / a[0], b[b.size() / 2] / a[a.size() / 2]);
}

void linear_against_reading() {
  // Eleven tensors of 512 x 4608, together more than any cache.
  constexpr std::int64_t channels = 512, inner = 4608;
  constexpr std::size_t size = channels * inner, tensors = 11;
  std::vector<float> weights(size * tensors);
  std::uint32_t state = 1;
  for (float& w : weights)
    w = static_cast<float>((state = state * 1664525u + 1013904223u) >> 8) * 0x1p-24f - .5f;
  const double bytes = static_cast<double>(weights.size() * sizeof(float));
  const auto read = [&] {
    sink = read_all(reinterpret_cast<const std::uint64_t*>(weights.data()), weights.size() / 2);
  };
  for (const char* name : {"linear", "linear_symmetric"}) {
    const mlqc::Algorithm* algorithm = mlqc::find_algorithm(name);
    compare((std::string("read, ") + name + " 8 bits, cold").c_str(), bytes, 9, read, [&] {
      for (std::size_t t = 0; t < tensors; ++t)
        sink =
            algorithm->quantize({std::span(weights).subspan(t * size, size), channels, inner}, 8).indices[7];
    });
  }
}

void packing_against_copying() {
  std::vector<std::uint8_t> indices(512 * 4608), target(indices.size());
  for (int bits = 1; bits < 8; ++bits) {
    for (std::size_t i = 0; i < indices.size(); ++i)
      indices[i] = static_cast<std::uint8_t>((i * 2654435761u >> 16) & ((1u << bits) - 1));
    const std::string what = "packing " + std::to_string(bits) + " bits";
    const double bytes = static_cast<double>(indices.size());
    const auto pack = [&] { sink = std::to_integer<std::uint64_t>(mlqc::pack(indices, bits)[1]); };
    compare(("copy into new memory, " + what).c_str(), bytes, 25, [&] { sink = std::vector(indices)[1]; },
            pack);
    compare(("copy into old memory, " + what).c_str(), bytes, 25,
            [&] {
              std::memcpy(target.data(), indices.data(), indices.size());
              sink = target[static_cast<std::size_t>(bits)];
            },
            pack);
  }
}

}  // namespace

int main() {
  linear_against_reading();
  packing_against_copying();
}
