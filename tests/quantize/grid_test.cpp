#include "compiler/quantize/grid.h"

#include <gmock/gmock.h>

#include "tests/quantize/naive.h"

namespace mlqc {
namespace {

TEST(Ranges, AreThoseOfEachGroup) {
  struct Layout {
    std::int64_t outer, groups, inner;
  };
  for (const Layout layout :
       {Layout{1, 1, 5000}, {1, 1, 1}, {1, 1, 63}, {2, 3, 64}, {5, 4, 129}, {7, 11, 1}, {1, 9, 2}}) {
    const auto size = static_cast<std::size_t>(layout.outer * layout.groups * layout.inner);
    const std::vector<float> values = test::heavy_tailed(size, size + 1);
    const Weights weights{values, layout.groups, layout.inner};
    std::vector<Range> expected(static_cast<std::size_t>(layout.groups), Range{1e9f, -1e9f});
    for (std::size_t i = 0; i < size; ++i) {
      Range& range = expected[static_cast<std::size_t>(test::group_of(weights, i))];
      range = {std::min(range.low, values[i]), std::max(range.high, values[i])};
    }
    const std::vector<Range> ours = ranges(weights);
    ASSERT_EQ(ours.size(), expected.size());
    for (std::size_t g = 0; g < ours.size(); ++g) {
      EXPECT_EQ(ours[g].low, expected[g].low);
      EXPECT_EQ(ours[g].high, expected[g].high);
    }
  }
}

TEST(OnGrids, RoundsHalvesToEven) {
  const std::vector<float> values = {0.5f, 1.5f, 2.5f, 3.5f, 254.5f};
  const auto whole_numbers = [](Range, int) { return Grid{0, 1}; };
  for (const bool by_inverse : {false, true})
    EXPECT_THAT(on_grids({values, 1, 5}, 8, whole_numbers, by_inverse).indices,
                testing::ElementsAre(0, 2, 2, 4, 254));
}

}  // namespace
}  // namespace mlqc
