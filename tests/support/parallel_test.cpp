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

}  // namespace
}  // namespace mlqc
