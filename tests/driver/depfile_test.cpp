#include "compiler/driver/depfile.h"

#include <gtest/gtest.h>

#include "tests/support/files.h"

namespace mlqc {
namespace {

using mlq::test::TemporaryFolder;

TEST(Depfile, NamesExistingFilesAbsoluteAndTheTargetAsGiven) {
  const TemporaryFolder folder;
  const auto a = folder.write("a b#c$d.yaml", "x");
  const std::string dir = folder.path().string();
  EXPECT_EQ(depfile_text("out dir/x.stamp", {a, folder / "missing", folder / "sub/../a b#c$d.yaml"}),
            "out\\ dir/x.stamp: \\\n  " + dir + "/a\\ b\\#c$$d.yaml\n");
}

TEST(Depfile, RelativeFilesBecomeAbsolute) {
  const std::string text = depfile_text("x", {"."});
  EXPECT_EQ(text.find("  /"), text.find("  "));
}

TEST(Stamp, GetsANewTimeWithoutNewContent) {
  const TemporaryFolder folder;
  write_stamp(folder / "x.stamp");
  const auto old = std::filesystem::file_time_type::clock::now() - std::chrono::hours(1);
  std::filesystem::last_write_time(folder / "x.stamp", old);
  write_stamp(folder / "x.stamp");
  EXPECT_GT(std::filesystem::last_write_time(folder / "x.stamp"), old + std::chrono::minutes(30));
}

}  // namespace
}  // namespace mlqc
