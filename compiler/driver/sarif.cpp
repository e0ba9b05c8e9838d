// SARIF 2.1.0, https://docs.oasis-open.org/sarif/sarif/v2.1.0: one run, one result per complaint.
#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "compiler/driver/codes.h"
#include "compiler/driver/machine.h"
#include "compiler/driver/verdicts.h"

namespace mlqc {

using Json = nlohmann::ordered_json;

namespace {

// RFC 3986: everything but what may stand in a path as it is.
std::string encoded(const std::string& path) {
  constexpr const char* digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) || std::string_view("/-._~").find(c) != std::string_view::npos)
      out += c;
    else
      (((out += '%') += digits[byte >> 4]) += digits[byte & 15]);
  }
  return out;
}

// Relative to the checkout, as code scanning wants it; files elsewhere by their whole path.
std::string uri_of(const std::string& file, const std::string& root) {
  const std::filesystem::path path = std::filesystem::absolute(file).lexically_normal();
  const std::string relative = path.lexically_relative(root).generic_string();
  if (relative.empty() || relative.starts_with("..")) return "file://" + encoded(path.generic_string());
  return encoded(relative);
}

Json rule_json(const Code& code) {
  return {{"id", code.code},
          {"shortDescription", {{"text", code.title}}},
          {"fullDescription", {{"text", code.explanation}}}};
}

Json result_json(const Diagnostic& complaint, const std::string& root) {
  std::string text = complaint.what;
  if (!complaint.hint.empty()) text += "\nhint: " + complaint.hint;
  for (const std::string& note : complaint.notes) text += "\nnote: " + note;
  Json result = {{"ruleId", complaint.code}, {"level", "error"}, {"message", {{"text", text}}}};
  if (complaint.where.file.empty()) return result;
  Json place = {{"artifactLocation", {{"uri", uri_of(complaint.where.file, root)}}}};
  if (complaint.where.line > 0)
    place["region"] = {{"startLine", complaint.where.line},
                       {"startColumn", std::max(complaint.where.column, 1)}};
  result["locations"] = Json::array({{{"physicalLocation", place}}});
  return result;
}

}  // namespace

std::string to_sarif(std::span<const ModelVerdict> verdicts, const std::string& root) {
  Json rules = Json::array(), results = Json::array();
  for (const ModelVerdict& verdict : verdicts)
    for (const Diagnostic& complaint : verdict.complaints) {
      const auto code = std::ranges::find(codes(), complaint.code, &Code::code);
      const bool known = std::ranges::any_of(rules, [&](const Json& r) { return r["id"] == complaint.code; });
      if (code != codes().end() && !known) rules.push_back(rule_json(*code));
      results.push_back(result_json(complaint, root));
    }
  const Json driver = {{"name", "mlqc"}, {"version", version()}, {"rules", rules}};
  const Json run = {{"tool", {{"driver", driver}}}, {"results", results}};
  const Json json = {{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
                     {"version", "2.1.0"},
                     {"runs", Json::array({run})}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace mlqc
