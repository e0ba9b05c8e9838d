#include "compiler/support/error.h"

#include <gtest/gtest.h>

namespace mlqc {
namespace {

TEST(Nearest, FindsTheMisspeltKey) {
  EXPECT_EQ(nearest("bts", {"algorithm", "bits", "layers"}), "bits");
  EXPECT_EQ(nearest("granularty", {"algorithm", "granularity"}), "granularity");
}

TEST(Nearest, SaysNothingWhenNothingIsNear) { EXPECT_EQ(nearest("colour", {"bits", "layers"}), ""); }

}  // namespace
}  // namespace mlqc
