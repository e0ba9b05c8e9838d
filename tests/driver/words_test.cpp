// Lists that two folders keep, because neither may see the other, say the same; every code is explained.
#include <gmock/gmock.h>

#include <fstream>
#include <regex>
#include <set>

#include "compiler/backends/backend.h"
#include "compiler/driver/codes.h"
#include "compiler/manifest/fields.h"
#include "compiler/quantize/quantize.h"
#include "compiler/validate/metric.h"
#include "tests/support/files.h"

namespace mlqc {
namespace {

const Field& field(const Field& section, const std::string& key) {
  return *std::ranges::find(section.fields, key, &Field::key);
}

std::vector<std::string> words(const std::string& section, const std::string& key) {
  return field(field(manifest_fields(), section), key).words;
}

TEST(Words, AlgorithmsOfTheManifestAreThoseThatExist) {
  std::vector<std::string> expected = {"none", "custom_lut", "uniform", "trellis"};
  for (const Algorithm& algorithm : algorithms()) expected.emplace_back(algorithm.name);
  EXPECT_THAT(words("quantize", "algorithm"), testing::UnorderedElementsAreArray(expected));
}

TEST(Words, MetricsOfTheManifestAreThoseThatExist) {
  std::vector<std::string> expected = {"size"};
  for (const Metric& metric : metrics()) expected.emplace_back(metric.name);
  EXPECT_THAT(words("gate", "metric"), testing::UnorderedElementsAreArray(expected));
}

TEST(Words, FormatsToEmitAreThoseThatExist) {
  std::vector<std::string> expected;
  for (const Backend& backend : backends()) expected.emplace_back(backend.name);
  EXPECT_THAT(field(manifest_fields(), "emit").words, testing::UnorderedElementsAreArray(expected));
}

TEST(Codes, EveryCodeInTheSourcesIsExplained) {
  std::set<std::string> explained;
  for (const Code& code : codes()) EXPECT_TRUE(explained.insert(std::string(code.code)).second) << code.code;
  const auto root = mlq::test::data_folder().parent_path().parent_path();
  const std::regex quoted("\"(MLQ[0-9]{3})\"");
  std::set<std::string> used;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root / "compiler")) {
    if (entry.path().extension() != ".cpp" && entry.path().extension() != ".h") continue;
    const std::string text = mlq::test::read(entry.path());
    for (std::sregex_iterator it(text.begin(), text.end(), quoted), end; it != end; ++it)
      used.insert((*it)[1]);
  }
  EXPECT_GT(used.size(), 40u);
  EXPECT_THAT(used, testing::IsSubsetOf(explained));
}

}  // namespace
}  // namespace mlqc
