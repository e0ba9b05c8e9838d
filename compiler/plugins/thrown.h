// What the user's code threw, as the end of a sentence.
#pragma once

#include <string>

namespace mlqc {

// "threw an exception: out of ideas". Only in a catch block.
std::string words_of_exception();

}  // namespace mlqc
