// The texts of header.mustache, source.mustache and plugin.mustache.
#pragma once

#include <string_view>

namespace mlqc {

extern const std::string_view header_template;
extern const std::string_view source_template;
extern const std::string_view plugin_template;

}  // namespace mlqc
