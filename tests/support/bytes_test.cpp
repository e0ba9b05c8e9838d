#include "compiler/support/bytes.h"

#include <gtest/gtest.h>

#include "compiler/support/error.h"
#include "tests/support/files.h"

namespace mlqc {
namespace {

using mlq::test::TemporaryFolder;

TEST(Sha256, MatchesTheStandardsVector) {  // FIPS 180-4, "abc"
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(WriteIfChanged, LeavesAnEqualFileAlone) {
  TemporaryFolder folder;
  EXPECT_TRUE(write_if_changed(folder / "a/b.txt", "one"));
  const auto before = std::filesystem::last_write_time(folder / "a/b.txt");
  EXPECT_FALSE(write_if_changed(folder / "a/b.txt", "one"));
  EXPECT_EQ(std::filesystem::last_write_time(folder / "a/b.txt"), before);
  EXPECT_TRUE(write_if_changed(folder / "a/b.txt", "two"));
  EXPECT_EQ(read_text(folder / "a/b.txt"), "two");
}

TEST(WriteIfChanged, LeavesNothingBehindWhereItCannotWrite) {
  TemporaryFolder folder;
  std::filesystem::create_directories(folder / "taken/inside");
  EXPECT_THROW(write_if_changed(folder / "taken", "x"), Error);  // the name is a folder
  std::size_t entries = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path())) ++entries;
  EXPECT_EQ(entries, 1u);
}

TEST(WriteIfChanged, ThrowsOnANameThatNoFileSystemTakes) {
  TemporaryFolder folder;
  EXPECT_THROW(write_if_changed(folder / std::string(300, 'n'), "x"), Error);
}

TEST(MapFile, NamesTheMissingFile) {
  try {
    map_file("no/such/file.mlmodel");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.diagnostic().where.file, "no/such/file.mlmodel");
    EXPECT_EQ(error.diagnostic().code, "MLQ301");
  }
}

}  // namespace
}  // namespace mlqc
