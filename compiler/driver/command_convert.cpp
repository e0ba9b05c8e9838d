#include <fmt/format.h>

#include "compiler/backends/backend.h"
#include "compiler/driver/commands.h"
#include "compiler/graph/rewrite.h"
#include "compiler/support/bytes.h"

namespace mlqc {

namespace {

// By the name of the file that is to be written.
const Backend& backend_for(const std::filesystem::path& file) {
  std::string known;
  for (const Backend& backend : backends()) {
    if (backend.extension == file.extension().string()) return backend;
    known += (known.empty() ? "" : ", ") + std::string(backend.extension);
  }
  throw Error(Exit::usage, {{},
                            fmt::format("'{}' is no format that mlqc writes", file.string()),
                            "MLQ123",
                            fmt::format("end its name in one of {}", known),
                            {}});
}

}  // namespace

Exit run_convert(const Options& options) {
  const Backend& backend = backend_for(options.out);
  const Source source = read_source(options.arguments[0]);
  if (!backend.needs_format.empty() && backend.needs_format != source.format)
    throw Error(Exit::usage,
                {{options.arguments[0]},
                 fmt::format("'{}' is written from a {} model only", backend.name, backend.needs_format),
                 "MLQ112",
                 "",
                 {}});
  std::filesystem::path stem = options.out;
  stem.replace_extension();
  for (const WrittenFile& file :
       write_files(backend, source, simplify(import_graph(source)), stem.filename().string()))
    write_if_changed(stem.string() + file.extension, file.bytes);
  return Exit::good;
}

}  // namespace mlqc
