#include <algorithm>
#include <array>
#include <cstddef>

#include "compiler/backends/backend.h"
#include "compiler/backends/formats.h"

namespace mlqc {

namespace {

#ifdef MLQ_HAVE_HTSCODECS
constexpr auto coded = write_mlq_coded;
#else
constexpr std::nullptr_t coded = nullptr;
#endif

constexpr std::array<Backend, 3> table = {{
    {"mlq", ".mlq", write_mlq, "", nullptr, coded},
    {"coreml", ".mlmodel", write_coreml, ""},
    {"onnx", ".onnx", write_onnx, "", check_onnx, nullptr, write_onnx_files},
}};

}  // namespace

std::vector<WrittenFile> write_files(const Backend& backend, const Source& source, const mlq::Graph& graph,
                                     const std::string& name) {
  if (backend.write_files) return backend.write_files(source, graph, name);
  return {{std::string(backend.extension), backend.write(source, graph)}};
}

std::span<const Backend> backends() { return table; }

const Backend* find_backend(std::string_view name) {
  const auto* found =
      std::find_if(table.begin(), table.end(), [&](const Backend& b) { return b.name == name; });
  return found == table.end() ? nullptr : found;
}

}  // namespace mlqc
