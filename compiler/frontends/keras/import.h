// The Keras front end: .h5 and .hdf5 files of Keras 1 and 2, .keras archives of Keras 3.
#pragma once

#include "compiler/frontends/frontend.h"

namespace mlqc::keras {

mlq::Graph import(const Source& source);

}  // namespace mlqc::keras
