#include <algorithm>
#include <cstring>

#include "compiler/frontends/beside.h"
#include "compiler/frontends/coreml/import.h"
#include "compiler/frontends/frontend.h"
#include "compiler/frontends/keras/import.h"
#include "compiler/frontends/onnx/external.h"
#include "compiler/frontends/onnx/import.h"
#include "compiler/frontends/tensorflow/import.h"
#include "compiler/frontends/tflite/import.h"
#include "compiler/support/bytes.h"
#include "compiler/support/error.h"

namespace mlqc {

namespace fs = std::filesystem;

namespace {

constexpr Frontend table[] = {
    {"coreml", ".mlmodel", coreml::import},
    {"tensorflow", ".pb", tensorflow::import},
    {"saved_model", "saved_model.pb", tensorflow::import_saved_model},
    {"keras", ".h5", keras::import},
    {"keras", ".hdf5", keras::import},
    {"keras", ".keras", keras::import},
    {"tflite", ".tflite", tflite::import},
    {"onnx", ".onnx", onnx_format::import},
};

[[noreturn]] void refuse(const fs::path& path, std::string what, const char* code, std::string hint) {
  throw Error(Exit::model, {{path.string()}, std::move(what), code, std::move(hint), {}});
}

bool starts_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

std::string_view head(const mlq::Data& data) {
  const std::string_view all(reinterpret_cast<const char*>(data.bytes.data()), data.bytes.size());
  return all.substr(0, 256);
}

bool is_html(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  if (first == std::string_view::npos) return false;
  std::string lower(text.substr(first, 15));
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  return starts_with(lower, "<!doctype html") || starts_with(lower, "<html");
}

// What lies where a model should when a download or a checkout went wrong.
void refuse_impostors(const fs::path& path, const mlq::Data& data) {
  if (data.bytes.empty()) refuse(path, "the model file is empty", "MLQ302", "download or export it again");
  const std::string_view text = head(data);
  if (starts_with(text, "version https://git-lfs.github.com/spec/"))
    refuse(path, "this is a Git LFS pointer, not the model itself", "MLQ303", "run git lfs pull");
  if (is_html(text))
    refuse(path, "this is an HTML page, not a model", "MLQ304",
           "the link leads to a page about the file; download the file itself");
}

const Frontend* for_extension(const std::string& extension) {
  for (const Frontend& frontend : table)
    if (frontend.extension == extension) return &frontend;
  return nullptr;
}

std::string known_extensions() {
  std::string text;
  for (const Frontend& frontend : table) text += (text.empty() ? "" : ", ") + std::string(frontend.extension);
  return text;
}

std::string extension_of(const fs::path& path) {
  const fs::path name =
      path.filename().empty() ? path.parent_path() : path;  // a folder with a slash at its end
  std::string extension = name.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return extension;
}

// A SavedModel is a folder, known by the one file that it always holds.
constexpr const char* saved_model_file = "saved_model.pb";

fs::path saved_model_folder(const fs::path& path) {
  std::error_code error;
  if (path.filename() == saved_model_file) return path.parent_path();
  return fs::is_directory(path, error) && fs::exists(path / saved_model_file, error) ? path : fs::path();
}

// The values of its variables lie beside the graph and count as much.
std::vector<fs::path> variables_of(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator it(folder / "variables", error), end; it != end; it.increment(error))
    if (it->is_regular_file(error)) files.push_back(it->path());
  std::sort(files.begin(), files.end());
  return files;
}

std::string digest_of_all(const Source& source) {
  const std::vector<fs::path> beside = files_beside(source);
  std::string digests = sha256(source.bytes.bytes);
  if (beside.empty() && source.format != "saved_model") return digests;
  for (const fs::path& file : beside) digests += sha256(map_file(file).bytes);
  return sha256(digests);
}

}  // namespace

std::span<const Frontend> frontends() { return table; }

std::vector<fs::path> files_beside(const Source& source) {
  if (source.format == "saved_model") {
    // The folder's own time does not change when the graph in it is written anew.
    std::vector<fs::path> files = variables_of(source.path);
    files.push_back(source.path / saved_model_file);
    return files;
  }
  if (source.format == "onnx") return onnx_format::external_files(source);
  return {};
}

Source read_source(const fs::path& path) {
  const std::string extension = extension_of(path);
  if (extension == ".mlpackage")
    refuse(path, "a model package (.mlpackage) is not supported", "MLQ310",
           "it holds an ML program; Core ML Tools writes a network instead: convert(..., "
           "convert_to=\"neuralnetwork\")");
  if (const fs::path folder = saved_model_folder(path); !folder.empty()) {
    Source source{folder, map_file(folder / saved_model_file), "", "saved_model"};
    refuse_impostors(folder / saved_model_file, source.bytes);
    source.sha256 = digest_of_all(source);
    return source;
  }
  Source source{path, map_file(path), "", ""};
  refuse_impostors(path, source.bytes);
  const Frontend* frontend = for_extension(extension);
  if (!frontend)
    refuse(path,
           extension.empty() ? "the model file has no extension, so its format is not known"
                             : "no front end reads files that end in " + extension,
           "MLQ305", "mlq reads " + known_extensions());
  source.format = frontend->format;
  source.sha256 = digest_of_all(source);
  return source;
}

mlq::Graph import_graph(const Source& source) {
  for (const Frontend& frontend : table) {
    if (frontend.format != source.format) continue;
    mlq::Graph graph = frontend.import(source);
    if (const mlq::Status status = mlq::check(graph); !status)
      refuse(source.path, "the model makes no sense: " + status.error(), "MLQ312", "");
    if (const mlq::Status status = mlq::infer_shapes(graph); !status)
      refuse(source.path, "the shapes of the model do not fit together: " + status.error(), "MLQ312", "");
    return graph;
  }
  refuse(source.path, "no front end is named " + std::string(source.format), "MLQ305", "");
}

}  // namespace mlqc
