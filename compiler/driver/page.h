// Pages that need no server and no network: one file holds text, style, script and figures.
#pragma once

#include <string>

namespace mlqc {

// `kind` is the script of page/ that draws it: report, sweep, model, compare. `json` is what it draws.
std::string html_page(const std::string& kind, const std::string& title, const std::string& json);

}  // namespace mlqc
