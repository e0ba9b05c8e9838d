// Names that C++ accepts and does not keep for itself.
#pragma once

#include <string>
#include <string_view>

namespace mlqc {

// Letters, digits and single underscores, none of them at the start, no keyword and no macro of the
// usual headers.
bool is_usable_identifier(std::string_view name);

// The nearest usable identifier: other characters become underscores. A name that begins with a digit, or of
// which nothing stays, gets `kind` ("input") in front.
std::string to_identifier(std::string_view name, std::string_view kind);

// "squeeze-net_v2" -> "SqueezeNetV2".
std::string to_camel_case(std::string_view name);

}  // namespace mlqc
