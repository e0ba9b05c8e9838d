// Models whose inputs are to take other shapes than they state.
#pragma once

#include <string>

#include "compiler/frontends/frontend.h"

namespace mlqc {

// The model as if its file stated these shapes (in the words of mlq/sizes.h) for this input; also a back end
// that starts from the source writes them. Throws Error: a format that cannot state them, no such input, text
// that is no list of shapes or does not hold the input's own (MLQ314), a network that does not work at the
// ends of a range (MLQ315).
Source with_shapes(const Source& source, const std::string& input, const std::string& shapes);

}  // namespace mlqc
