// Where tests find things, and where they may write.
#pragma once

#include <filesystem>
#include <string>

namespace mlq::test {

// The material that is not in the repository: $MLQ_SHARED, else ../shared beside the checkout. Empty when
// absent.
std::filesystem::path shared_folder();

// tests/data of the checkout.
std::filesystem::path data_folder();

// Ends the test as skipped, visibly, when the shared material is absent.
#define MLQ_NEEDS_SHARED() \
  if (::mlq::test::shared_folder().empty()) GTEST_SKIP() << "no shared material; set MLQ_SHARED"

// A new empty folder that goes with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  // Writes a file beneath it and returns its path.
  std::filesystem::path write(const std::string& name, const std::string& text) const;

 private:
  std::filesystem::path path_;
};

std::string read(const std::filesystem::path& path);

}  // namespace mlq::test
