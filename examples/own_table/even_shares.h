// A table whose entries stand for equally many weights each: dense where weights are dense.
#pragma once

#include <mlq/lut_function.h>

namespace app {

mlq::Result<mlq::Lut> even_shares(const mlq::LutTask& task);

}  // namespace app
