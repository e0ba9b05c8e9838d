// What this program and this machine are, for reports and keys.
#pragma once

#include <string>

namespace mlqc {

std::string version();  // "0.1.0"
// The widest vector instructions that arithmetic may use here: results may differ between them.
std::string isa();
// Changes whenever this executable does.
std::string tool_digest();
bool is_continuous_integration();  // CI is set and not empty

}  // namespace mlqc
