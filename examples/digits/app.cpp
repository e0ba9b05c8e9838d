// Reads a picture of a digit and says which it is.
//   digits PICTURE.png
#include <png.h>

#include <cstdio>
#include <digits_model.hpp>
#include <optional>
#include <vector>

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
      std::putchar(ramp[light * 10 / 256]);
    }
    std::putchar('\n');
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: digits PICTURE.png\n"), 2;
  const auto picture = read_png(argv[1]);
  if (!picture) return std::fprintf(stderr, "digits: %s is no PNG that can be read\n", argv[1]), 1;
  const auto net = app::Digits::load();
  if (!net) return std::fprintf(stderr, "digits: %s\n", net.error().c_str()), 1;
  const auto seen = net->predict({.image = picture->view()});
  if (!seen) return std::fprintf(stderr, "digits: %s\n", seen.error().c_str()), 1;

  show(*picture);
  std::printf("This is a %s.\n", seen->classLabel.c_str());
  for (const auto& guess : seen->classLabelProbs.top(3))
    std::printf("  %s  %5.1f %%\n", guess.label.c_str(), 100 * guess.score);
}
