// quantize_kmeans WEIGHTS.f32: answers lines on its input. "run BITS": CPU seconds of one kmeans_lut, and its
// squared error. "best BITS": the least squared error there is, by dynamic programming over all distinct
// weights.
#include <time.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "compiler/quantize/points.h"
#include "compiler/quantize/quantize.h"

namespace {

double cpu_seconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::vector<float> read(const char* path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  std::vector<float> values(static_cast<std::size_t>(file.tellg()) / sizeof(float));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(values.data()),
            static_cast<std::streamsize>(values.size() * sizeof(float)));
  return values;
}

void run(const std::vector<float>& values, int bits) {
  const double start = cpu_seconds();
  const mlqc::Quantized q = mlqc::find_algorithm("kmeans_lut")
                                ->quantize({values, 1, static_cast<std::int64_t>(values.size())}, bits);
  const double seconds = cpu_seconds() - start;
  double error = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double difference = static_cast<double>(values[i]) - q.table[q.indices[i]];
    error += difference * difference;
  }
  std::printf("%.9f %.17g\n", seconds, error);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::vector<float> values = read(argv[1]);
  std::string word;
  for (int bits; std::cin >> word >> bits; std::fflush(stdout)) {
    if (word == "run")
      run(values, bits);
    else
      std::printf("%.17g\n", mlqc::best_segments(mlqc::exact_points(values), 1 << bits).cost);
  }
}
