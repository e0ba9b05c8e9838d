#include "compiler/driver/page.h"

#include "compiler/driver/page_parts.h"

namespace mlqc {

namespace {

void replace(std::string& text, const std::string& key, const std::string& value) {
  const std::size_t at = text.find(key);
  if (at != std::string::npos) text.replace(at, key.size(), value);
}

// HTML ends a script at "</", whatever stands in its quotes.
std::string in_script(const std::string& json) {
  std::string out;
  for (const char c : json)
    if (c == '<')
      out += "\\u003c";
    else
      out += c;
  return out;
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text)
    if (c == '<')
      out += "&lt;";
    else if (c == '&')
      out += "&amp;";
    else
      out += c;
  return out;
}

std::string_view script_of(const std::string& kind) {
  if (kind == "sweep") return page_sweep;
  if (kind == "model") return page_model;
  if (kind == "compare") return page_compare;
  return page_report;
}

}  // namespace

std::string html_page(const std::string& kind, const std::string& title, const std::string& json) {
  std::string text(page_shell);
  // The data come last: what stands in them is never taken for a key.
  replace(text, "@title@", escaped(title));
  replace(text, "@style@", std::string(page_style));
  replace(text, "@script@", std::string(page_common) + std::string(script_of(kind)));
  replace(text, "@data@", in_script(json));
  return text;
}

}  // namespace mlqc
