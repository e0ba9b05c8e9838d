// What lies where a model should, and is none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/frontends/frontend.h"
#include "compiler/support/error.h"
#include "tests/frontends/coreml_fixture.h"
#include "tests/support/files.h"

namespace mlqc {
namespace {

using mlq::test::TemporaryFolder;
using testing::HasSubstr;

Diagnostic refusal(const std::filesystem::path& path) {
  try {
    read_source(path);
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::model);
    EXPECT_EQ(error.diagnostic().where.file, path.string());
    return error.diagnostic();
  }
  return {};
}

TEST(ReadSource, GivesBytesDigestAndFormat) {
  TemporaryFolder folder;
  const Source source = read_source(folder.write("a.MLMODEL", test::classifier().SerializeAsString()));
  EXPECT_EQ(source.format, "coreml");
  EXPECT_EQ(source.sha256.size(), 64u);
  EXPECT_EQ(import_graph(source).labels.size(), 3u);
}

TEST(ReadSource, RefusesWhatIsNotThere) { EXPECT_EQ(refusal("no/such.mlmodel").code, "MLQ301"); }

TEST(ReadSource, RefusesAnEmptyFile) {
  TemporaryFolder folder;
  EXPECT_EQ(refusal(folder.write("a.mlmodel", "")).code, "MLQ302");
}

TEST(ReadSource, RefusesAGitLfsPointer) {
  TemporaryFolder folder;
  const auto path =
      folder.write("a.mlmodel", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n");
  EXPECT_EQ(refusal(path).code, "MLQ303");
  EXPECT_THAT(refusal(path).hint, HasSubstr("git lfs pull"));
}

TEST(ReadSource, RefusesAPageAboutTheModel) {
  TemporaryFolder folder;
  EXPECT_EQ(refusal(folder.write("a.mlmodel", "\n  <!DOCTYPE html><html></html>")).code, "MLQ304");
  EXPECT_EQ(refusal(folder.write("b.mlmodel", "<HTML><body>404</body>")).code, "MLQ304");
}

TEST(ReadSource, RefusesUnknownFormatsAndNamesTheKnown) {
  TemporaryFolder folder;
  EXPECT_EQ(refusal(folder.write("a.txt", "x")).code, "MLQ305");
  EXPECT_THAT(refusal(folder.write("a.txt", "x")).hint, HasSubstr(".mlmodel"));
  EXPECT_EQ(refusal(folder.write("model", "x")).code, "MLQ305");
}

TEST(ReadSource, RefusesAPackageByName) {
  TemporaryFolder folder;
  folder.write("a.mlpackage/Manifest.json", "{}");
  EXPECT_EQ(refusal(folder / "a.mlpackage").code, "MLQ310");
  EXPECT_THAT(refusal(folder / "a.mlpackage/").what, HasSubstr("mlpackage"));
}

TEST(Frontends, ExtensionsAreUniqueAndAFormatHasOneReader) {
  for (const Frontend& a : frontends())
    for (const Frontend& b : frontends()) {
      EXPECT_EQ(a.format == b.format, a.import == b.import);
      EXPECT_EQ(a.extension == b.extension, &a == &b);
    }
}

}  // namespace
}  // namespace mlqc
