#include "tests/quantize/naive.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace mlqc::test {

namespace {

// Squared error of sorted values [from, to) around their mean.
long double run_error(const std::vector<float>& sorted, std::size_t from, std::size_t to) {
  long double sum = 0, error = 0;
  for (std::size_t i = from; i < to; ++i) sum += sorted[i];
  const long double mean = sum / static_cast<long double>(to - from);
  for (std::size_t i = from; i < to; ++i) error += (sorted[i] - mean) * (sorted[i] - mean);
  return error;
}

long double best_cut(const std::vector<float>& sorted, std::size_t from, int runs) {
  if (runs == 1) return run_error(sorted, from, sorted.size());
  long double best = run_error(sorted, from, sorted.size());
  for (std::size_t to = from + 1; to < sorted.size(); ++to)
    best = std::min(best, run_error(sorted, from, to) + best_cut(sorted, to, runs - 1));
  return best;
}

}  // namespace

std::vector<std::uint8_t> naive_pack(std::span<const std::uint8_t> indices, int bits) {
  std::vector<std::uint8_t> out((indices.size() * static_cast<std::size_t>(bits) + 7) / 8);
  std::size_t at = 0;
  for (std::uint8_t index : indices)
    for (int bit = bits - 1; bit >= 0; --bit, ++at)
      if (index >> bit & 1) out[at / 8] = static_cast<std::uint8_t>(out[at / 8] | 128 >> at % 8);
  return out;
}

std::int64_t group_of(const Weights& weights, std::size_t element) {
  return static_cast<std::int64_t>(element) / weights.inner % weights.groups;
}

std::vector<float> decoded(const Weights& weights, const Quantized& quantized, int bits) {
  std::vector<float> out;
  for (std::size_t i = 0; i < weights.values.size(); ++i) {
    const auto group = static_cast<std::size_t>(group_of(weights, i));
    if (!quantized.table.empty()) {
      out.push_back(quantized.table[(group << bits) + quantized.indices[i]]);
    } else {
      const double scale = quantized.scale[group], offset = quantized.offset[group];
      out.push_back(static_cast<float>(scale * quantized.indices[i] + offset));
    }
  }
  return out;
}

double squared_error(std::span<const float> a, std::span<const float> b) {
  double error = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = static_cast<double>(a[i]) - b[i];
    error += difference * difference;
  }
  return error;
}

double least_error(std::vector<float> values, int entries) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  std::vector<long double> before(n + 1, std::numeric_limits<long double>::infinity());
  before[0] = 0;
  for (int run = 0; run < entries; ++run) {
    std::vector<long double> next = before;
    for (std::size_t to = 1; to <= n; ++to) {
      long double mean = 0, error = 0;  // of [from, to), grown backwards (Welford 1962)
      for (std::size_t from = to; from-- > 0;) {
        const long double step = values[from] - mean;
        mean += step / static_cast<long double>(to - from);
        error += step * (values[from] - mean);
        next[to] = std::min(next[to], before[from] + error);
      }
    }
    before = std::move(next);
  }
  return static_cast<double>(before[n]);
}

double least_error_by_force(std::vector<float> values, int entries) {
  std::sort(values.begin(), values.end());
  return static_cast<double>(best_cut(values, 0, entries));
}

std::vector<double> normal(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> distribution;
  std::vector<double> values(size);
  for (double& value : values) value = distribution(random);
  return values;
}

std::vector<float> heavy_tailed(std::size_t size, std::uint64_t seed, double scale) {
  std::mt19937_64 random(seed);
  std::student_t_distribution<double> distribution(5);
  std::vector<float> values(size);
  for (float& value : values) value = static_cast<float>(scale * distribution(random));
  return values;
}

}  // namespace mlqc::test
