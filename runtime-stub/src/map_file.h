// A file as bytes, without reading it.
#pragma once

#include <string>

#include "mlq/graph.h"

namespace mlq {

Result<Data> map_file(const std::string& path);

}  // namespace mlq
