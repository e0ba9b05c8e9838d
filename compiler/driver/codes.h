// What the codes of messages mean, for `mlqc explain`.
#pragma once

#include <span>
#include <string_view>

namespace mlqc {

struct Code {
  std::string_view code, title, explanation;
};
std::span<const Code> codes();

}  // namespace mlqc
