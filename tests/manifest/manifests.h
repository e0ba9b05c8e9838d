// The manifests in this repository.
#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "tests/support/files.h"

namespace mlqc {

inline std::filesystem::path source_folder() { return mlq::test::data_folder().parent_path().parent_path(); }

inline std::vector<std::filesystem::path> manifests_of_the_tree() {
  std::vector<std::filesystem::path> found;
  for (const char* folder : {"manifests", "examples", "tests"})
    if (std::filesystem::is_directory(source_folder() / folder))
      for (const auto& entry : std::filesystem::recursive_directory_iterator(source_folder() / folder))
        if (entry.path().string().ends_with(".mlq.yaml")) found.push_back(entry.path());
  return found;
}

}  // namespace mlqc
