// compile_open ARTIFACT ROUNDS: maps the artifact so many times and prints the milliseconds of each.
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "mlq/model.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  for (int round = 0; round < std::atoi(argv[2]); ++round) {
    const auto start = std::chrono::steady_clock::now();
    const auto model = mlq::Model::open(argv[1]);
    if (!model) return std::fprintf(stderr, "%s\n", model.error().c_str()), 1;
    std::printf("%f\n",
                std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
}
