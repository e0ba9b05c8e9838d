#include <gmock/gmock.h>

#include <random>

#include "compiler/quantize/quantize.h"
#include "tests/quantize/naive.h"

namespace mlqc {
namespace {

using Indices = std::vector<std::uint8_t>;

std::string hex(std::span<const std::byte> bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (std::byte b : bytes) {
    text += digits[std::to_integer<int>(b) >> 4];
    text += digits[std::to_integer<int>(b) & 15];
  }
  return text;
}

// Bytes that Core ML Tools writes for these indices.
TEST(Pack, WritesWhatCoreMlToolsWrites) {
  Indices nibbles;
  for (int i = 0; i < 16; ++i) nibbles.push_back(static_cast<std::uint8_t>(i));
  nibbles.push_back(3);
  EXPECT_EQ(hex(pack(nibbles, 4)), "0123456789abcdef30");
  EXPECT_EQ(hex(pack(Indices{0, 1, 2, 3, 0, 3, 0}, 2)), "1b30");
  EXPECT_EQ(hex(pack(Indices{0, 1, 0, 1, 0, 1, 0}, 1)), "54");
  EXPECT_EQ(hex(pack(Indices{0, 1, 2, 3, 4, 7, 0}, 3)), "0539c0");
  EXPECT_EQ(hex(pack(Indices{0, 1, 2, 3, 4, 31, 0}, 5)), "0044327c00");
  EXPECT_EQ(hex(pack(Indices{0, 128, 255}, 8)), "0080ff");
}

class PackWidth : public testing::TestWithParam<int> {};

TEST_P(PackWidth, AgreesWithBitByBitAndComesBack) {
  const int bits = GetParam();
  std::mt19937 random(7);
  for (std::size_t size : {0, 1, 2, 7, 8, 9, 15, 16, 17, 63, 1000, 4095, 4096, 4097, 8191, 12345}) {
    Indices indices(size);
    for (std::uint8_t& index : indices) index = static_cast<std::uint8_t>(random() & ((1u << bits) - 1));
    const std::vector<std::byte> packed = pack(indices, bits);
    const Indices expected = test::naive_pack(indices, bits);
    ASSERT_EQ(packed.size(), expected.size()) << size;
    EXPECT_TRUE(std::equal(packed.begin(), packed.end(), std::as_bytes(std::span(expected)).begin())) << size;
    EXPECT_EQ(unpack(packed, size, bits), indices) << size;
  }
}

INSTANTIATE_TEST_SUITE_P(EveryWidth, PackWidth, testing::Range(1, 9));

TEST(Pack, RefusesToReadPastTheEnd) {
  const std::vector<std::byte> bytes(4);
  EXPECT_EQ(unpack(bytes, 8, 4).size(), 8u);
  EXPECT_THROW(unpack(bytes, 9, 4), Error);
  EXPECT_THROW(unpack({}, 1, 1), Error);
}

TEST(Pack, RefusesWidthsThatAreNoBytes) {
  EXPECT_THROW(pack(Indices{0}, 0), Error);
  EXPECT_THROW(pack(Indices{0}, 9), Error);
}

}  // namespace
}  // namespace mlqc
