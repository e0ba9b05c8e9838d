// From argv to an exit status.
#pragma once

namespace mlqc {

int run(int argc, const char* const* argv);

}  // namespace mlqc
