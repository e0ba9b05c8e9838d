#include "tests/frontends/shared_pictures.h"

#include <filesystem>
#include <set>

#include "compiler/support/bytes.h"
#include "compiler/validate/image_file.h"
#include "tests/support/files.h"

namespace mlqc::test {

namespace fs = std::filesystem;

std::vector<std::vector<float>> pictures(const char* folder, mlq::Color color, int height, int width,
                                         std::size_t step) {
  std::set<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(mlq::test::shared_folder() / "samples" / folder))
    if (entry.is_regular_file()) files.insert(entry.path());
  std::vector<std::vector<float>> result;
  std::size_t i = 0;
  for (const fs::path& file : files) {
    if (i++ % step) continue;
    const auto image = read_image(map_file(file).bytes);
    if (!image) continue;
    const auto array = mlq::to_tensor(image->view(), color, width, height);
    const auto planes = array->floats();
    const std::size_t channels = color == mlq::Color::gray ? 1 : 3, plane = planes.size() / channels;
    std::vector<float> last(planes.size());
    for (std::size_t c = 0; c < channels; ++c)
      for (std::size_t p = 0; p < plane; ++p) last[p * channels + c] = planes[c * plane + p];
    result.push_back(std::move(last));
  }
  return result;
}

}  // namespace mlqc::test
