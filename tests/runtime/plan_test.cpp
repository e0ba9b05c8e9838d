#include "runtime-stub/src/plan.h"

#include <gmock/gmock.h>

#include "runtime-stub/src/buffer.h"
#include "tests/runtime/graphs.h"

namespace mlq {
namespace {

using test::Random;
using Intervals = std::vector<Interval>;

// The judge looks at every pair.
void expect_no_overlap(const Intervals& intervals, const Placement& placement) {
  for (std::size_t a = 0; a < intervals.size(); ++a) {
    EXPECT_EQ(placement.offsets[a] % alignment, 0u);
    EXPECT_LE(placement.offsets[a] + intervals[a].bytes, placement.bytes);
    for (std::size_t b = 0; b < a; ++b) {
      const bool together =
          intervals[a].first <= intervals[b].last && intervals[b].first <= intervals[a].last;
      const bool apart = placement.offsets[a] + intervals[a].bytes <= placement.offsets[b] ||
                         placement.offsets[b] + intervals[b].bytes <= placement.offsets[a];
      EXPECT_TRUE(!together || apart) << a << " and " << b;
    }
  }
}

// What no plan can go below: the most that is alive at one step.
std::size_t busiest_step(const Intervals& intervals) {
  std::size_t most = 0;
  for (const Interval& at : intervals) {
    std::size_t alive = 0;
    for (const Interval& i : intervals)
      if (i.first <= at.first && at.first <= i.last) alive += aligned(i.bytes);
    most = std::max(most, alive);
  }
  return most;
}

Intervals random_intervals(Random& random, std::size_t count) {
  Intervals intervals;
  for (std::size_t i = 0; i < count; ++i) {
    const int first = static_cast<int>(i);
    intervals.push_back({random.below(5000), first, first + static_cast<int>(random.below(6))});
  }
  return intervals;
}

TEST(Place, NeverGivesTwoLiveTensorsTheSameByte) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Random random(seed);
    const Intervals intervals = random_intervals(random, 1 + random.below(120));
    const auto placement = place(intervals, 1 << 30);
    ASSERT_TRUE(placement) << placement.error();
    expect_no_overlap(intervals, *placement);
    EXPECT_LE(placement->bytes, 2 * busiest_step(intervals) + alignment);
  }
}

TEST(Place, AChainNeedsTwoBuffers) {
  Intervals chain;
  for (int i = 0; i < 20; ++i) chain.push_back({1024, i, i + 1});
  EXPECT_EQ(place(chain, 1 << 20)->bytes, 2048u);
}

TEST(Place, TakesTheSmallestGapThatFits) {
  // At step 2 there are gaps of 256 and 128 bytes; a tensor of 128 goes into the latter.
  const Intervals intervals = {{1024, 0, 9}, {512, 0, 9}, {256, 0, 1}, {192, 0, 9},
                               {160, 0, 1},  {130, 0, 9}, {129, 2, 9}};
  const auto placement = place(intervals, 1 << 20);
  ASSERT_TRUE(placement);
  expect_no_overlap(intervals, *placement);
  EXPECT_EQ(placement->offsets[6], placement->offsets[4]);
}

TEST(Place, RefusesWhatIsAboveTheLimit) {
  EXPECT_THAT(place(Intervals{{2000, 0, 1}}, 1000).error(), testing::HasSubstr("limit"));
  EXPECT_THAT(place(Intervals{{800, 0, 1}, {800, 1, 2}}, 1000).error(), testing::HasSubstr("limit"));
  EXPECT_THAT(place(Intervals{{SIZE_MAX, 0, 1}, {SIZE_MAX, 1, 2}}, 1000).error(),
              testing::HasSubstr("limit"));
}

TEST(Place, NothingNeedsNothing) { EXPECT_EQ(place({}, 1000)->bytes, 0u); }

}  // namespace
}  // namespace mlq
