// Names what is on a photograph, with whatever classifier the build was given.
//   photos PHOTO.jpg
#include <stb/stb_image.h>

#include <iomanip>
#include <iostream>
#include <memory>

#include "photos_model.hpp"

namespace {

int fail(const std::string& sentence) {
  std::cerr << "photos: " << sentence << '\n';
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return fail("give me one photograph: photos PHOTO.jpg");
  int width = 0, height = 0, channels = 0;
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(stbi_load(argv[1], &width, &height, &channels, 3),
                                                         stbi_image_free);
  if (!pixels) return fail(std::string(argv[1]) + ": " + stbi_failure_reason());

  const auto net = app::Photos::load();
  if (!net) return fail(net.error());
  const auto seen = net->predict({.photo = {pixels.get(), width, height, 0, mlq::PixelFormat::rgb8}});
  if (!seen) return fail(seen.error());
  for (const auto& guess : seen->scores.top()) {
    std::cout << std::fixed << std::setprecision(1) << std::setw(6) << 100 * guess.value << " %  "
              << guess.label << '\n';
  }
}
