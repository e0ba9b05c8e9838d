// Groups in blocks, against a judge that counts them element by element.
#include "runtime-stub/src/blocks.h"

#include <gmock/gmock.h>

#include "tests/runtime/graphs.h"

namespace mlq {
namespace {

using test::Random;

// Coordinates of an element, and the block that each of them lies in, in row-major order.
std::size_t naive_group(const Shape& shape, const Shape& blocks, std::size_t element) {
  Shape at(shape.size());
  for (std::size_t d = shape.size(); d-- > 0;) {
    at[d] = static_cast<std::int64_t>(element) % shape[d];
    element /= static_cast<std::size_t>(shape[d]);
  }
  std::int64_t group = 0;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    const std::int64_t block = d < blocks.size() && blocks[d] > 0 ? blocks[d] : shape[d];
    group = group * ((shape[d] + block - 1) / block) + at[d] / block;
  }
  return static_cast<std::size_t>(group);
}

struct Case {
  Shape shape, blocks;
  std::size_t groups;
};

const Case cases[] = {
    {{5, 7, 3}, {}, 1},
    {{5, 7, 3}, {0, 0, 0}, 1},
    {{5, 7, 3}, {1}, 5},
    {{5, 7, 3}, {0, 1}, 7},
    {{5, 7, 3}, {0, 0, 1}, 3},
    {{5, 7, 3}, {2}, 3},
    {{5, 7, 3}, {0, 3}, 3},
    {{5, 7, 3}, {1, 3}, 15},
    {{5, 7, 3}, {3, 1}, 14},
    {{5, 7, 3}, {2, 0, 2}, 6},
    {{5, 7, 3}, {1, 1, 1}, 105},
    {{5, 7, 3}, {9, 9}, 1},
    {{4, 6, 2, 5}, {2, 3}, 4},
    {{4, 6, 2, 5}, {1, 4, 0, 2}, 24},
    {{1, 1, 9}, {1, 1, 4}, 3},
    {{11}, {4}, 3},
    {{3, 900}, {1, 32}, 87},
    {{900, 3}, {32, 1}, 87},
    {{1, 5000}, {0, 4999}, 2},
    {{900, 7}, {0, 2}, 4},
    {{30, 5, 3, 20}, {0, 0, 2}, 2},
    {{700, 3, 3}, {0, 1}, 3},
};

TEST(Blocks, AreCountedAndFoundInRowMajorOrder) {
  for (const Case& c : cases) {
    const std::string what = to_string(c.shape) + " in " + to_string(c.blocks);
    EXPECT_EQ(group_count(c.shape, c.blocks), c.groups) << what;
    const auto count = static_cast<std::size_t>(*element_count(c.shape));
    Runs runs(c.shape, c.blocks);
    // Twice around.
    for (std::size_t i = 0; i < 2 * count; runs.next()) {
      ASSERT_GT(runs.length(), 0u) << what;
      for (const std::size_t end = i + runs.length(); i < end; ++i)
        ASSERT_EQ(runs.group(), naive_group(c.shape, c.blocks, i % count)) << what << ", element " << i;
    }
  }
}

std::uint32_t bits_at(const std::vector<std::uint8_t>& packed, std::size_t first, int bits) {
  std::uint32_t value = 0;
  for (std::size_t i = first; i < first + static_cast<std::size_t>(bits); ++i)
    value = value << 1 | (packed[i / 8] >> (7 - i % 8) & 1);
  return value;
}

TEST(Blocks, AreDecodedAtEveryWidth) {
  Random random(4);
  for (const Case& c : cases)
    for (const int bits : {1, 3, 4, 8, 16})
      for (const bool table : {false, true}) {
        if (table && bits == 16) continue;
        const auto count = static_cast<std::size_t>(*element_count(c.shape));
        std::vector<std::uint8_t> packed((count * static_cast<std::size_t>(bits) + 7) / 8);
        for (auto& byte : packed) byte = static_cast<std::uint8_t>(random.next());
        Quantization q{bits, c.blocks, {}, {}, {}};
        if (table) q.table = random.numbers(c.groups << bits);
        if (!table) q.scale = random.numbers(c.groups);
        if (!table) q.offset = random.numbers(c.groups);
        const Tensor tensor{"w", DataType::float32, c.shape, copy_data(std::span<const std::uint8_t>(packed)),
                            q};
        std::vector<float> values(count);
        ASSERT_TRUE(dequantize(tensor, values));
        for (std::size_t i = 0; i < count; ++i) {
          const std::uint32_t index = bits_at(packed, i * static_cast<std::size_t>(bits), bits);
          const std::size_t g = naive_group(c.shape, c.blocks, i);
          const float expected = table ? q.table[(g << bits) + index]
                                       : static_cast<float>(double(q.scale[g]) * index + q.offset[g]);
          ASSERT_EQ(values[i], expected) << to_string(c.shape) << " in " << to_string(c.blocks) << " " << i;
        }
      }
}

TEST(Blocks, ThatDoNotSuitTheShapeAreRefused) {
  EXPECT_EQ(group_count({4, 5}, {1, 1, 1}), std::nullopt);
  EXPECT_EQ(group_count({4, 5}, {-1}), std::nullopt);
  EXPECT_EQ(group_count({4, -1}, {0, 1}), std::nullopt);
  EXPECT_EQ(group_count(Shape(17, 1), {1}), std::nullopt);
  const std::int64_t large = std::int64_t{1} << 62;
  EXPECT_EQ(group_count({large, large}, {1, 1}), std::nullopt);
  EXPECT_EQ(group_count({large, 4}, {large, 3}), 2u);
  EXPECT_EQ(group_count({0, 4}, {1}), 0u);

  std::vector<float> values(4);
  for (const Shape& blocks : {Shape{1, 1, 1}, Shape{-3}, Shape{0, 1}}) {
    const std::vector<std::uint8_t> bytes(4);
    const Tensor tensor{
        "w", DataType::float32, {2, 2}, copy_data(std::span(bytes)), Quantization{8, blocks, {1}, {0}, {}}};
    EXPECT_FALSE(dequantize(tensor, values)) << to_string(blocks);
    Graph graph;
    add_tensor(graph, tensor);
    EXPECT_FALSE(check(graph)) << to_string(blocks);
  }
}

TEST(Blocks, AlongAnAxisAreKnownAgain) {
  for (const int axis : {-1, 0, 1, 5}) EXPECT_EQ(axis_of(blocks_along(axis)), axis);
  EXPECT_EQ(axis_of({0, 0}), -1);
  EXPECT_EQ(axis_of({0, 1, 0}), 1);
  EXPECT_EQ(axis_of({2}), std::nullopt);
  EXPECT_EQ(axis_of({1, 32}), std::nullopt);
}

}  // namespace
}  // namespace mlq
