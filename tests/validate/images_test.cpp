#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "compiler/validate/image_file.h"
#include "tests/support/files.h"
#include "tests/support/npy.h"

namespace mlqc {
namespace {

using mlq::test::data_folder;
using testing::HasSubstr;

std::span<const std::byte> as_bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

std::vector<std::uint8_t> expected_pixels(const std::string& name) {
  const mlq::Array array = mlq::test::read_npy(data_folder() / "images" / (name + ".npy"));
  const auto* first = reinterpret_cast<const std::uint8_t*>(array.bytes.data());
  return {first, first + array.bytes.size()};
}

double root_mean_square(const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum / static_cast<double>(a.size()));
}

class Picture : public testing::TestWithParam<const char*> {
 protected:
  std::string file() const { return mlq::test::read(data_folder() / "images" / GetParam()); }
};

TEST_P(Picture, DecodesToThePixelsOfPillow) {
  const mlq::Result<mlq::Image> image = read_image(as_bytes(file()));
  ASSERT_TRUE(image) << image.error();
  EXPECT_EQ(image->width, 37);
  EXPECT_EQ(image->height, 21);
  EXPECT_EQ(image->pixels, expected_pixels(GetParam()));
  EXPECT_EQ(image->format == mlq::PixelFormat::gray8, image->pixels.size() == 37 * 21);
}

TEST_P(Picture, CutAnywhereIsAnError) {
  const std::string whole = file();
  for (std::size_t size = 0; size < whole.size(); size += 3) {
    const mlq::Result<mlq::Image> image = read_image(as_bytes(whole.substr(0, size)));
    EXPECT_FALSE(image) << size << " of " << whole.size();
    EXPECT_FALSE(image.error().empty());
  }
}

// What may come of it is an error or another picture, of the size that it says.
TEST_P(Picture, FlippedBitsDoNoHarm) {
  const std::string whole = file();
  std::mt19937 random(1);
  for (int trial = 0; trial < 400; ++trial) {
    std::string damaged = whole;
    for (int i = 0; i <= trial % 4; ++i)
      damaged[random() % damaged.size()] ^= static_cast<char>(1 << random() % 8);
    const mlq::Result<mlq::Image> image = read_image(as_bytes(damaged));
    if (!image) continue;
    const std::size_t channels = image->format == mlq::PixelFormat::gray8 ? 1 : 3;
    EXPECT_EQ(image->pixels.size(), channels * static_cast<std::size_t>(image->width) * image->height);
  }
}

std::string name_of(const testing::TestParamInfo<const char*>& info) {
  std::string name = info.param;
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Kinds, Picture,
                         testing::Values("444.jpg", "422.jpg", "420.jpg", "gray.jpg", "progressive.jpg",
                                         "rgb.png", "gray.png", "one_bit.png", "palette.png",
                                         "palette_transparent.png", "alpha.png", "gray_alpha.png",
                                         "rgb16.png", "gray16.png", "interlaced.png"),
                         name_of);

// The drawn colours, four inks and two lossy steps later.
TEST(ReadImage, CmykComesNearTheColoursItWasMadeFrom) {
  const mlq::Result<mlq::Image> image =
      read_image(as_bytes(mlq::test::read(data_folder() / "images/cmyk.jpg")));
  ASSERT_TRUE(image) << image.error();
  const auto drawn = expected_pixels("cmyk.jpg");
  ASSERT_EQ(image->pixels.size(), drawn.size());
  EXPECT_LT(root_mean_square(image->pixels, drawn), 6);
}

TEST(ReadImage, LossyColoursComeNearTheDrawnOnes) {
  for (const char* name : {"444.jpg", "422.jpg", "420.jpg", "progressive.jpg"}) {
    const mlq::Result<mlq::Image> image =
        read_image(as_bytes(mlq::test::read(data_folder() / "images" / name)));
    ASSERT_TRUE(image) << image.error();
    EXPECT_LT(root_mean_square(image->pixels, expected_pixels("rgb.png")), 20) << name;
  }
}

TEST(ReadImage, RefusesAHugeSizeBeforeMakingRoomForIt) {
  std::string png = mlq::test::read(data_folder() / "images/rgb.png");
  png[18] = png[22] = '\x7f';  // 32549 x 32533 pixels; the sum no longer holds either
  EXPECT_FALSE(read_image(as_bytes(png)));
  std::string jpeg = mlq::test::read(data_folder() / "images/420.jpg");
  const std::size_t frame = jpeg.find("\xff\xc0");
  ASSERT_NE(frame, std::string::npos);
  for (std::size_t i = frame + 5; i < frame + 9; ++i) jpeg[i] = '\xf0';
  EXPECT_THAT(read_image(as_bytes(jpeg)).error(), HasSubstr("61680 x 61680 pixels"));
  EXPECT_FALSE(check_image_size(65535, 65535));
  EXPECT_FALSE(check_image_size(0, 5));
  EXPECT_TRUE(check_image_size(8192, 8192));
}

TEST(ReadImage, SaysWhatTheFileIsInstead) {
  EXPECT_THAT(read_image({}).error(), HasSubstr("empty"));
  EXPECT_THAT(read_image(as_bytes("<!DOCTYPE html>")).error(), HasSubstr("neither JPEG nor PNG"));
  EXPECT_THAT(read_image(as_bytes("version https://git-lfs.github.com/spec/v1")).error(),
              HasSubstr("git lfs pull"));
}

}  // namespace
}  // namespace mlqc
