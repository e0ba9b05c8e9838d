#include "compiler/validate/labels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "compiler/validate/metric.h"
#include "tests/support/files.h"

namespace mlqc {
namespace {

using mlq::test::TemporaryFolder;
using testing::ElementsAre;
using testing::HasSubstr;

Samples samples(const std::vector<std::string>& names) {
  Samples made;
  for (const std::string& name : names) made.items.push_back({name, {name}});
  return made;
}

std::string refusal(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(error.diagnostic().code, "MLQ407");
    return error.diagnostic().what + " " + error.diagnostic().hint;
  }
  return "nothing";
}

TEST(Labels, ComeFromFolders) {
  const TemporaryFolder folder;
  EXPECT_THAT(read_labels({folder.path(), {}}, samples({"cat/1.jpg", "more/dog/2.jpg"})),
              ElementsAre("cat", "dog"));
  EXPECT_THAT(refusal([&] { read_labels({folder.path(), {}}, samples({"1.jpg"})); }), HasSubstr("'1.jpg'"));
}

TEST(Labels, ComeFromACsvByPathOrName) {
  const TemporaryFolder folder;
  const auto file =
      folder.write("labels.csv", "file,label\r\na/1.jpg,cat\n2.jpg,\"dog, wet\"\n\"3 \"\"x\"\".jpg\",bird\n");
  EXPECT_THAT(read_labels({file, {}}, samples({"a/1.jpg", "b/2.jpg", "3 \"x\".jpg"})),
              ElementsAre("cat", "dog, wet", "bird"));
  EXPECT_THAT(refusal([&] { read_labels({file, {}}, samples({"b/1.jpg"})); }), HasSubstr("'b/1.jpg'"));
  const auto broken = folder.write("broken.csv", "1.jpg\n");
  EXPECT_THAT(refusal([&] { read_labels({broken, {}}, samples({"1.jpg"})); }), HasSubstr("file,label"));
}

TEST(Labels, ArePlacesOfTheModel) {
  EXPECT_THAT(places_of({"Dog", "cat"}, {"cat", "dog", "cat"}), ElementsAre(1, 0));
  EXPECT_THAT(places_of({"7", "0"}, {}), ElementsAre(7, 0));
  EXPECT_THAT(refusal([] { places_of({"dgo"}, {"cat", "dog"}); }), HasSubstr("did you mean 'dog'"));
  EXPECT_THAT(refusal([] { places_of({"seven"}, {}); }), HasSubstr("'seven'"));
}

TEST(Accuracy, HoldsEachModelAgainstTheTruth) {
  mlq::Feature output;
  output.kind = mlq::FeatureKind::scores;
  output.shape = {3};
  const auto array = [](const std::vector<float>& values) {
    const auto bytes = std::as_bytes(std::span(values));
    return mlq::Array{mlq::DataType::float32, {3}, {bytes.begin(), bytes.end()}};
  };
  const mlq::Array ours = array({0, 1, 0}), theirs = array({0, 0, 1});
  EXPECT_EQ(accuracy.with_truth(output, ours, theirs, 2), 1);
  EXPECT_EQ(accuracy.with_truth(output, ours, theirs, 1), 0);
  EXPECT_EQ(reference_accuracy.with_truth(output, ours, theirs, 1), 1);
  EXPECT_EQ(reference_accuracy.with_truth(output, ours, theirs, 2), 0);
}

}  // namespace
}  // namespace mlqc
