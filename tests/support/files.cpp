#include "tests/support/files.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace mlq::test {

namespace fs = std::filesystem;

fs::path shared_folder() {
  const char* named = std::getenv("MLQ_SHARED");
  const fs::path folder = named ? fs::path(named) : fs::path(MLQ_SOURCE_DIR).parent_path() / "shared";
  return fs::is_directory(folder / "models") ? folder : fs::path();
}

fs::path data_folder() { return fs::path(MLQ_SOURCE_DIR) / "tests/data"; }

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (fs::temp_directory_path() / "mlq-test-XXXXXX").string();
  path_ = mkdtemp(pattern.data());
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

fs::path TemporaryFolder::write(const std::string& name, const std::string& text) const {
  const fs::path path = path_ / name;
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

std::string read(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

}  // namespace mlq::test
