// Modules with the user's custom layers. A plugin is somebody's first version of some code: what it does
// wrong is reported as its own fault, by layer, class and method.
#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "mlq/custom_layer.h"

namespace mlqc {

// The classes of all `files`, guarded. Throws Error (Exit::usage, MLQ124) on what is no plugin of this
// version of mlq, and when two bring the same class.
std::vector<mlq::CustomClass> load_plugins(std::span<const std::filesystem::path> files);

// The class with its instances watched: exceptions, NaN where no input has one, outputs left unwritten and
// shapes that change are failures; every call is on the board (board.h).
mlq::CustomClass guarded(mlq::CustomClass plain);

}  // namespace mlqc
