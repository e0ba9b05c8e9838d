#include "compiler/validate/labels.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "compiler/support/bytes.h"
#include "compiler/support/error.h"

namespace mlqc {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail(const Place& where, std::string what, std::string hint) {
  throw Error(Exit::usage, {where, std::move(what), "MLQ407", std::move(hint), {}});
}

// One field of a CSV line (RFC 4180): up to the next comma, or within quotes, doubled ones for one.
std::string take_field(std::string_view& line) {
  std::string field;
  if (!line.starts_with('"')) {
    const std::size_t end = std::min(line.find(','), line.size());
    field = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    return field;
  }
  std::size_t at = 1;
  for (; at < line.size(); ++at)
    if (line[at] != '"')
      field += line[at];
    else if (at + 1 < line.size() && line[at + 1] == '"')
      field += line[++at];
    else
      break;
  line.remove_prefix(std::min(at + 2, line.size()));
  return field;
}

std::map<std::string, std::string> read_csv(const At<fs::path>& source) {
  std::istringstream text(read_text(source.value));
  std::map<std::string, std::string> labels;
  std::string line;
  for (int number = 1; std::getline(text, line); ++number) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty() || (number == 1 && line == "file,label")) continue;
    std::string_view rest = line;
    const std::string file = take_field(rest), label = take_field(rest);
    if (file.empty() || label.empty())
      fail({source.value.string(), number, 1}, "this line is not 'file,label'", "quote names with a comma");
    labels[file] = label;
  }
  return labels;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

}  // namespace

std::vector<std::string> read_labels(const At<fs::path>& source, const Samples& samples) {
  std::error_code error;
  const bool folders = fs::is_directory(source.value, error);
  const auto csv = folders ? std::map<std::string, std::string>() : read_csv(source);
  std::vector<std::string> labels;
  for (const Samples::Item& item : samples.items) {
    const fs::path name(item.name);
    auto found = csv.find(item.name);
    if (found == csv.end()) found = csv.find(name.filename().string());
    labels.push_back(folders              ? name.parent_path().filename().string()
                     : found != csv.end() ? found->second
                                          : "");
    if (labels.back().empty())
      fail(
          source.where, fmt::format("the sample '{}' has no label", item.name),
          folders ? "put it into a folder that has its label as its name" : "add a line 'file,label' for it");
  }
  return labels;
}

std::vector<std::int64_t> places_of(const std::vector<std::string>& labels,
                                    const std::vector<std::string>& of_model) {
  std::map<std::string, std::int64_t> places;
  for (std::size_t i = of_model.size(); i-- > 0;)  // of equal ones the first
    places[lower(of_model[i])] = static_cast<std::int64_t>(i);
  std::vector<std::int64_t> found;
  for (const std::string& label : labels) {
    const auto place = places.find(lower(label));
    const bool number = of_model.empty() && label.size() < 10 &&
                        std::ranges::all_of(label, [](unsigned char c) { return std::isdigit(c); });
    if (place == places.end() && !number) {
      const std::string meant = nearest(label, of_model);
      fail({}, fmt::format("the model has no label '{}'", label),
           meant.empty() ? "'mlqc inspect' says how many it has" : "did you mean '" + meant + "'?");
    }
    found.push_back(number ? std::stoll(label) : place->second);
  }
  return found;
}

}  // namespace mlqc
