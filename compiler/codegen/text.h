// A model's own words inside generated code, where they must stay words.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mlqc {

// A C++ string literal with its quotes; everything but plain ASCII as octal escapes.
std::string string_literal(std::string_view text);

// The lines of a comment. What would end or continue a line, reverse the writing direction or is no UTF-8
// is replaced.
std::vector<std::string> comment_lines(std::string_view text);

}  // namespace mlqc
