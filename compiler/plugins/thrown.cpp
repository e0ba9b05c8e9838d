#include "compiler/plugins/thrown.h"

#include <exception>

namespace mlqc {

std::string words_of_exception() {
  const std::string words = "threw an exception";
  try {
    throw;
  } catch (const std::exception& error) {
    return words + ": " + error.what();
  } catch (...) {
    return words;
  }
}

}  // namespace mlqc
