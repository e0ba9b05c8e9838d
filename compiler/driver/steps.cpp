#include "compiler/driver/steps.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "compiler/driver/depfile.h"
#include "compiler/driver/key.h"
#include "compiler/manifest/manifest.h"
#include "compiler/support/bytes.h"

namespace mlqc {

namespace fs = std::filesystem;

namespace {

// What every file system and every build tool takes for a file's name.
bool is_file_name(const std::string& name) {
  return !name.empty() && name[0] != '.' && name[0] != '-' && std::ranges::all_of(name, [](unsigned char c) {
    return std::isalnum(c) || c == '_' || c == '-' || c == '+' || c == '.';
  });
}

}  // namespace

std::string output_name(const Options& options) {
  std::string name = options.name;
  if (name.empty()) {
    name = fs::path(options.arguments[0]).filename().string();
    for (const char* extension : {".yaml", ".yml", ".mlq"})
      if (name.ends_with(extension)) name.resize(name.size() - std::string_view(extension).size());
  }
  if (!is_file_name(name))
    throw Error(Exit::usage, {{},
                              fmt::format("'{}' cannot be the name of the outputs", name),
                              "MLQ123",
                              "give --name with letters, digits, '_', '-', '+' and '.'",
                              {}});
  return name;
}

fs::path output_file(const Options& options, const std::string& extension) {
  return options.out / (output_name(options) + extension);
}

void check_folder(const Options& options) {
  std::error_code error;
  fs::create_directories(options.out, error);
  if (!error && !fs::is_directory(options.out)) error = std::make_error_code(std::errc::not_a_directory);
  if (!error && ::access(options.out.c_str(), W_OK | X_OK) != 0) error = {errno, std::generic_category()};
  if (error)
    throw Error(Exit::usage, {{options.out.string()},
                              "cannot write into this folder: " + error.message(),
                              "MLQ501",
                              "choose another output folder",
                              {}});
}

Exit finish(const Options& options, const Step& step) {
  if (step.exit != Exit::good) return step.exit;
  const fs::path& target = options.stamp.empty() ? options.out / output_name(options) : options.stamp;
  if (!options.depfile.empty()) write_if_changed(options.depfile, depfile_text(target.string(), step.read));
  if (!options.stamp.empty()) write_stamp(options.stamp);
  return Exit::good;
}

std::string page_entry(const Options& options, const Report& report) {
  const fs::path file = output_file(options, ".details.json");
  std::error_code error;
  const std::string details = fs::exists(file, error) ? read_text(file) : "{}";
  return "{\"report\":" + to_json(report) + ",\"details\":" + details + "}";
}

std::string report_pages(const std::vector<std::string>& entries) {
  std::string json = "{\"models\":[";
  for (std::size_t i = 0; i < entries.size(); ++i) json += (i ? "," : "") + entries[i];
  return json + "]}";
}

Report read_measured(const Options& options, const Manifest& manifest) {
  const fs::path file = output_file(options, ".measured.json");
  const std::string cure = fmt::format("run 'mlqc quantize {} -o {} --name {}'", options.arguments[0],
                                       options.out.string(), output_name(options));
  if (!fs::exists(file))
    throw Error(Exit::usage, {{file.string()}, "nothing was measured yet", "MLQ220", cure, {}});
  if (settings_in(output_file(options, ".key")) != settings_digest(manifest))
    throw Error(
        Exit::usage,
        {{file.string()}, "this was measured with other settings than the manifest's", "MLQ221", cure, {}});
  return report_from_json(read_text(file));
}

}  // namespace mlqc
