// Reads a picture of a digit and says which it is.
//   digits PICTURE.png
#include <png.h>

#include <iomanip>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "digits_model.hpp"

namespace {

struct Picture {
  std::vector<std::uint8_t> pixels;
  int width, height;
  mlq::ImageView view() const { return {pixels.data(), width, height, 0, mlq::PixelFormat::gray8}; }
};

std::optional<Picture> read_png(const char* path) {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  if (!png_image_begin_read_from_file(&png, path)) return std::nullopt;
  png.format = PNG_FORMAT_GRAY;
  Picture picture{std::vector<std::uint8_t>(PNG_IMAGE_SIZE(png)), int(png.width), int(png.height)};
  if (!png_image_finish_read(&png, nullptr, picture.pixels.data(), 0, nullptr)) return std::nullopt;
  return picture;
}

// Two rows of pixels to a line of text, since a character is about twice as high as wide.
void show(const Picture& picture) {
  const char ramp[] = " .:-=+*#%@";
  for (int y = 0; y + 1 < picture.height; y += 2) {
    for (int x = 0; x < picture.width; ++x) {
      const std::size_t at = std::size_t(y) * picture.width + x;
      const int light = (picture.pixels[at] + picture.pixels[at + picture.width]) / 2;
      std::cout << ramp[light * 10 / 256];
    }
    std::cout << '\n';
  }
}

int fail(const std::string& sentence) {
  std::cerr << "digits: " << sentence << '\n';
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return fail("give me one picture: digits PICTURE.png");
  const auto picture = read_png(argv[1]);
  if (!picture) return fail(std::string(argv[1]) + " is no PNG that can be read");
  const auto net = app::Digits::load();
  if (!net) return fail(net.error());
  const auto seen = net->predict({.image = picture->view()});
  if (!seen) return fail(seen.error());

  show(*picture);
  std::cout << "This is a " << seen->classLabel << ".\n" << std::fixed << std::setprecision(1);
  for (const auto& guess : seen->classLabelProbs.top()) {
    std::cout << "  " << guess.label << std::setw(8) << 100 * guess.value << " %\n";
  }
}
