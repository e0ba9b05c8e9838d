#include "compiler/manifest/scalars.h"

#include <gtest/gtest.h>

namespace mlqc {
namespace {

TEST(Size, CountsInThousandsAndIn1024s) {
  EXPECT_EQ(to_size("1300000"), 1300000);
  EXPECT_EQ(to_size("700 KB"), 700000);
  EXPECT_EQ(to_size("700kB"), 700000);
  EXPECT_EQ(to_size("1.5 MiB"), 1.5 * 1024 * 1024);
  EXPECT_EQ(to_size("2 GB"), 2e9);
  EXPECT_EQ(to_size("12 B"), 12);
  EXPECT_EQ(to_size("1 KiB"), 1024);
}

TEST(Size, TakesNoUnitItDoesNotKnow) {
  for (const char* text : {"", "KB", "1 kb", "1 K", "1,4 MB", "1.4.2 MB", "1 MB x", "0x10", "-"})
    EXPECT_FALSE(to_size(text)) << text;
}

TEST(Whole, IsStrict) {
  EXPECT_EQ(to_whole("-12"), -12);
  EXPECT_EQ(to_whole("0"), 0);
  for (const char* text :
       {"", "-", "+1", "01", "-01", "1.0", "1e3", "1_000", "0b1", " 1", "9223372036854775808"})
    EXPECT_FALSE(to_whole(text)) << text;
}

TEST(Number, IsFiniteAndDecimal) {
  EXPECT_EQ(to_number("-0.5"), -0.5);
  EXPECT_EQ(to_number("1e-3"), 1e-3);
  for (const char* text : {"", ".5", "inf", "-inf", "nan", "1e999", "00.5", "0x1p3", "1,5"})
    EXPECT_FALSE(to_number(text)) << text;
}

TEST(Identifier, IsWhatCppTakes) {
  EXPECT_TRUE(is_identifier("_a9"));
  EXPECT_FALSE(is_identifier("9a"));
  EXPECT_FALSE(is_identifier("a-b"));
  EXPECT_TRUE(is_qualified_identifier("a::b::c"));
  for (const char* text : {"", "::a", "a::", "a:::b", "a:b"})
    EXPECT_FALSE(is_qualified_identifier(text)) << text;
}

}  // namespace
}  // namespace mlqc
