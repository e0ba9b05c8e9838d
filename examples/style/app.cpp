// Paints a photograph with each number of bits, and says how far each picture is from the float one.
//   style PHOTO.jpg FOLDER
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb/stb_image.h>
#include <stb/stb_image_write.h>

#include <cmath>
#include <iostream>
#include <memory>
#include <string>

#include "style_2.hpp"
#include "style_3.hpp"
#include "style_32.hpp"
#include "style_4.hpp"
#include "style_8.hpp"

namespace {

template <class Net>
mlq::Result<mlq::Image> paint(const mlq::ImageView& photo) {
  const auto net = Net::load();
  if (!net) return mlq::Failure{net.error()};
  auto painted = net->predict({.image = photo});
  if (!painted) return mlq::Failure{painted.error()};
  return std::move(painted->output);
}

// Of the same size.
double psnr(const mlq::Image& a, const mlq::Image& b) {
  double squares = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) {
    const double difference = double(a.pixels[i]) - double(b.pixels[i]);
    squares += difference * difference;
  }
  return 10 * std::log10(255 * 255 * double(a.pixels.size()) / squares);
}

// False when it could not be painted or written.
bool report(int bits, const mlq::Result<mlq::Image>& painted, const mlq::Result<mlq::Image>& reference,
            const std::string& folder) {
  if (!painted || !reference) {
    std::cerr << "style: " << (painted ? reference.error() : painted.error()) << '\n';
    return false;
  }
  std::cout << bits << " bits: " << psnr(*painted, *reference) << " dB\n";
  const std::string file = folder + "/" + std::to_string(bits) + ".png";
  return stbi_write_png(file.c_str(), painted->width, painted->height, 3, painted->pixels.data(), 0) != 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "style: give me a photograph and a folder\n";
    return 1;
  }
  int width = 0, height = 0, channels = 0;
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(stbi_load(argv[1], &width, &height, &channels, 3),
                                                         stbi_image_free);
  if (!pixels) {
    std::cerr << "style: " << argv[1] << ": " << stbi_failure_reason() << '\n';
    return 1;
  }
  const mlq::ImageView photo{pixels.get(), width, height, 0, mlq::PixelFormat::rgb8};
  const auto exact = paint<app::Style32>(photo);
  const bool good = report(32, exact, exact, argv[2]) &&
                    report(8, paint<app::Style8>(photo), exact, argv[2]) &&
                    report(4, paint<app::Style4>(photo), exact, argv[2]) &&
                    report(3, paint<app::Style3>(photo), exact, argv[2]) &&
                    report(2, paint<app::Style2>(photo), exact, argv[2]);
  return good ? 0 : 1;
}
