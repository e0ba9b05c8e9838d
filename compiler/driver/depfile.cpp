#include "compiler/driver/depfile.h"

#include <set>

#include "compiler/support/bytes.h"

namespace mlqc {

namespace fs = std::filesystem;

namespace {

std::string escape(const std::string& path) {
  std::string out;
  for (const char c : path) {
    if (c == ' ' || c == '#') out += '\\';
    if (c == '$') out += '$';
    out += c;
  }
  return out;
}

}  // namespace

std::string depfile_text(const std::string& target, const std::vector<fs::path>& files) {
  std::set<std::string> sorted;
  for (const fs::path& file : files) {
    std::error_code error;
    if (fs::exists(file, error)) sorted.insert(fs::absolute(file).lexically_normal().string());
  }
  std::string text = escape(target) + ":";
  for (const std::string& file : sorted) text += " \\\n  " + escape(file);
  return text + "\n";
}

void write_stamp(const fs::path& stamp) {
  if (!write_if_changed(stamp, "done\n")) fs::last_write_time(stamp, fs::file_time_type::clock::now());
}

}  // namespace mlqc
