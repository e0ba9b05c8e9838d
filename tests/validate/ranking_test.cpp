#include "compiler/validate/ranking.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "compiler/validate/metric.h"

namespace mlqc {
namespace {

Best best(std::int64_t reference, std::int64_t candidate) { return {reference, candidate, 0.75, 0.5}; }

TEST(Ranking, CountsEachClassAndNamesFlips) {
  const std::vector<std::optional<Best>> all = {best(2, 2), best(0, 2), std::nullopt, best(2, 1)};
  const std::vector<std::string> names = {"a", "b", "c", "d"};
  const Ranking ranking = rank(all, names, {"cat", "dog"});
  ASSERT_EQ(ranking.classes.size(), 2u);
  EXPECT_EQ(ranking.classes[0].label, "cat");
  EXPECT_EQ(ranking.classes[0].agreed, 0u);
  EXPECT_EQ(ranking.classes[1].label, "2") << "a class without a label is a number";
  EXPECT_EQ(ranking.classes[1].n, 2u);
  EXPECT_EQ(ranking.classes[1].agreed, 1u);
  ASSERT_EQ(ranking.flips.size(), 2u);
  EXPECT_EQ(ranking.flips[0].sample, "b");
  EXPECT_EQ(ranking.flips[1].candidate, "dog");
  EXPECT_EQ(ranking.flips[1].candidate_score, 0.5);
}

TEST(Ranking, TheWorstClassHasEnoughSamples) {
  Ranking ranking;
  ranking.classes = {{"rare", 4, 0}, {"good", 100, 99}, {"bad", 10, 3}};
  EXPECT_EQ(worst_class(ranking)->label, "bad");
  ranking.classes = {{"rare", 4, 0}};
  EXPECT_EQ(worst_class(ranking), nullptr);
}

// Everything is a hot dog: 95 % agree, and one class is gone.
TEST(WorstClassAgreement, SeesWhatTheMeanHides) {
  std::vector<double> figures(95, 1);
  figures.insert(figures.end(), 5, -2);
  const Measurement measured = summarize(worst_class_agreement, figures);
  EXPECT_EQ(measured.value, 0);
  EXPECT_EQ(measured.n, 5u);
  figures.push_back(2);
  EXPECT_DOUBLE_EQ(summarize(worst_class_agreement, figures).value, 1.0 / 6);
  figures.push_back(0);
  EXPECT_TRUE(std::isnan(summarize(worst_class_agreement, figures).value)) << "a sample that has no class";
  EXPECT_TRUE(std::isnan(summarize(worst_class_agreement, std::vector<double>{1, 1, 1, 1}).value));
}

}  // namespace
}  // namespace mlqc
