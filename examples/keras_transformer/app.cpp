// Finds the digit in a picture and says which it is.
//   find_digit PICTURE.png
#include <png.h>

#include <iostream>
#include <string>
#include <vector>

#include "keras_transformer.hpp"

namespace {

int fail(const std::string& sentence) {
  std::cerr << "find_digit: " << sentence << '\n';
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return fail("give me one picture: find_digit PICTURE.png");
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  if (!png_image_begin_read_from_file(&png, argv[1])) return fail(std::string(argv[1]) + " is no PNG");
  png.format = PNG_FORMAT_GRAY;
  std::vector<std::uint8_t> pixels(PNG_IMAGE_SIZE(png));
  if (!png_image_finish_read(&png, nullptr, pixels.data(), 0, nullptr))
    return fail("cannot read the picture");
  const mlq::ImageView picture{pixels.data(), int(png.width), int(png.height), 0, mlq::PixelFormat::gray8};
  const auto net = app::KerasTransformer::load();
  if (!net) return fail(net.error());
  const auto seen = net->predict({.picture = picture});
  if (!seen) return fail(seen.error());
  std::cout << "This is a " << seen->classLabel << ".\n";
  return 0;
}
