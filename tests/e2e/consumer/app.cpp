// Shows an empty picture to the model and prints what it takes it for.
#include <array>
#include <cstdio>
#include <tiny.hpp>

int main() {
  const auto net = app::Tiny::load();
  if (!net) return std::puts(net.error().c_str()), 1;
  const std::array<std::uint8_t, 28 * 28> pixels{};
  const auto seen = net->predict({.image = {pixels.data(), 28, 28, 0, mlq::PixelFormat::gray8}});
  if (!seen) return std::puts(seen.error().c_str()), 1;
  std::printf("label %.*s\n", static_cast<int>(seen->classLabel.size()), seen->classLabel.data());
}
