#include "compiler/support/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace mlqc {
namespace {

TEST(ParallelFor, VisitsEveryIndexOnce) {
  std::vector<std::atomic<int>> visits(1000);
  parallel_for(visits.size(), [&](std::size_t i) { ++visits[i]; });
  for (const auto& count : visits) EXPECT_EQ(count, 1);
}

TEST(ParallelFor, RethrowsTheFirstFailureByIndex) {
  for (int trial = 0; trial < 20; ++trial) {
    try {
      parallel_for(100, [](std::size_t i) {
        if (i == 7 || i == 93) throw std::runtime_error(std::to_string(i));
      });
      FAIL() << "nothing thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "7");
    }
  }
}

TEST(ParallelForSlots, NoSlotIsUsedTwiceAtOnce) {
  std::vector<std::atomic<int>> busy(static_cast<std::size_t>(threads()));
  parallel_for_slots(500, [&](std::size_t, std::size_t slot) {
    ASSERT_LT(slot, busy.size());
    EXPECT_EQ(busy[slot]++, 0);
    --busy[slot];
  });
}

// While a body waits for its inner loop, its thread may help that loop only.
TEST(ParallelForSlots, NorByABodyThatWaitsForALoopOfItsOwn) {
  std::vector<std::atomic<int>> busy(static_cast<std::size_t>(threads()));
  std::atomic<int> inner = 0;
  parallel_for_slots(200, [&](std::size_t, std::size_t slot) {
    EXPECT_EQ(busy[slot]++, 0);
    parallel_for(50, [&](std::size_t) { ++inner; });
    --busy[slot];
  });
  EXPECT_EQ(inner, 200 * 50);
}

TEST(ParallelFor, TakesThreadsBeforeEachLoop) {
  for (const int count : {3, 1, 2}) {
    set_threads(count);
    std::atomic<std::size_t> greatest = 0, visits = 0;
    parallel_for_slots(300, [&](std::size_t, std::size_t slot) {
      if (slot > greatest) greatest = slot;
      ++visits;
    });
    EXPECT_LT(greatest, static_cast<std::size_t>(count));
    EXPECT_EQ(visits, 300u);
  }
  set_threads(0);
}

}  // namespace
}  // namespace mlqc
