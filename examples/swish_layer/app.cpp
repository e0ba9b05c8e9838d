// Computes the activation of three numbers.
//   swish X Y Z
#include <array>
#include <cstdlib>
#include <iostream>

#include "swish_model.hpp"

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "swish: give me three numbers\n";
    return 1;
  }
  const std::array<float, 3> x{std::strtof(argv[1], nullptr), std::strtof(argv[2], nullptr),
                               std::strtof(argv[3], nullptr)};
  const auto net = app::SwishNet::load();
  const auto out = net ? net->predict({.x = x}) : mlq::Failure{net.error()};
  if (!out) {
    std::cerr << "swish: " << out.error() << '\n';
    return 1;
  }
  for (const float y : out->y.values()) std::cout << y << '\n';
}
