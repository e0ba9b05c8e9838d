// Variables of a SavedModel: which value of the checkpoint each one has.
#pragma once

#include <map>
#include <string>

#include "compiler/frontends/tensorflow/program.h"

namespace mlqc::tensorflow {

bool is_variable(const Step& step);

// By the variable's step: the name of its value in the checkpoint, as the part of the graph says that
// restores it. A variable that nothing restores goes by its own name.
std::map<int, std::string> names_in_checkpoint(const Program& program);

}  // namespace mlqc::tensorflow
