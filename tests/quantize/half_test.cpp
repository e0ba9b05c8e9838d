#include "compiler/quantize/half.h"

#include <gmock/gmock.h>

#include <cmath>

namespace mlqc {
namespace {

using testing::ElementsAre;

TEST(Halves, AreRoundedToNearestEven) {
  std::int64_t overflow = 0;
  const std::vector<float> values = {0,        -0.0f,    1,         -2, 65504, 1 + 0x1p-11f, 1 + 0x3p-11f,
                                     0x1p-24f, 0x1p-25f, 0x1.8p-24f};
  EXPECT_THAT(to_halves(values, overflow),
              ElementsAre(0, 0x8000, 0x3c00, 0xc000, 0x7bff, 0x3c00, 0x3c02, 1, 0, 2));
  EXPECT_EQ(overflow, -1);
}

TEST(Halves, NameTheFirstThatDoesNotFit) {
  std::int64_t overflow = 0;
  to_halves(std::vector<float>{1, 65519, -65520, 1e10f}, overflow);
  EXPECT_EQ(overflow, 2);
}

}  // namespace
}  // namespace mlqc
