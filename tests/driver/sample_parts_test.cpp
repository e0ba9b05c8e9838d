#include "compiler/driver/sample_parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace mlqc {
namespace {

using testing::ElementsAre;

std::vector<std::string> names(const Samples& samples) {
  std::vector<std::string> all;
  for (const auto& item : samples.items) all.push_back(item.name);
  return all;
}

// As find_samples lists them; each item's file says of which picture it is.
Samples pictures(std::size_t count, bool mirrored, bool cropped) {
  Samples samples;
  for (const bool crop : {false, true})
    for (const bool mirror : {false, true})
      for (std::size_t i = 0; i < count && (cropped || !crop) && (mirrored || !mirror); ++i) {
        const std::string file = std::to_string(i);
        samples.items.push_back({file + (mirror ? "m" : "") + (crop ? "c" : ""), {file}, mirror, crop});
      }
  return samples;
}

std::set<std::string> files(const Samples& samples) {
  std::set<std::string> all;
  for (const auto& item : samples.items) all.insert(item.files[0]);
  return all;
}

TEST(Spread, IsEvenOverTheList) {
  EXPECT_THAT(spread(9, 3), ElementsAre(0u, 3u, 6u));
  EXPECT_THAT(spread(2, 5), ElementsAre(0u, 1u));
  EXPECT_TRUE(spread(0, 5).empty());
}

TEST(Split, KeepsEveryFourthSampleToJudge) {
  const SampleParts parts = split(pictures(9, false, false));
  EXPECT_THAT(names(parts.held), ElementsAre("3", "7"));
  EXPECT_THAT(names(parts.steering), ElementsAre("0", "1", "2", "4", "5", "6", "8"));
}

// With 9 pictures, the fourth of the mirrored ones is not the fourth of the rest of the list.
TEST(Split, KeepsAPictureAndWhatWasMadeOfItOnOneSide) {
  for (const bool mirrored : {false, true})
    for (const bool cropped : {false, true}) {
      const SampleParts parts = split(pictures(9, mirrored, cropped));
      EXPECT_THAT(names(parts.held), ElementsAre("3", "7"));
      EXPECT_EQ(parts.steering.items.size(), 7u * (mirrored ? 2 : 1) * (cropped ? 2 : 1));
      EXPECT_THAT(files(parts.steering), ElementsAre("0", "1", "2", "4", "5", "6", "8"));
    }
}

TEST(Split, LetsFewSamplesDoBoth) {
  const SampleParts parts = split(pictures(7, true, false));
  EXPECT_EQ(parts.steering.items.size(), 14u);
  EXPECT_EQ(parts.held.items.size(), 7u);
}

TEST(Split, TakesTheLabelsAlong) {
  Samples samples = pictures(8, false, false);
  samples.labels = {"a", "b", "c", "d", "e", "f", "g", "h"};
  EXPECT_THAT(split(samples).held.labels, ElementsAre("d", "h"));
}

}  // namespace
}  // namespace mlqc
