// The texts of header.mustache and source.mustache.
#pragma once

#include <string_view>

namespace mlqc {

extern const std::string_view header_template;
extern const std::string_view source_template;

}  // namespace mlqc
