// Pictures for pages: small, and within the text of the page.
#pragma once

#include <string>

#include "mlq/image.h"

namespace mlqc {

// A PNG file; "" when it cannot be encoded.
std::string png_of(const mlq::Image& image);

// "data:image/png;base64,..."; "" when it cannot be encoded.
std::string png_uri(const mlq::Image& image);

// No side longer than `most`, shape kept; as it is when it is small enough.
mlq::Result<mlq::Image> shrink(const mlq::Image& image, int most);

// Four times the difference of each number, both of the same size.
mlq::Image difference(const mlq::Image& a, const mlq::Image& b);

}  // namespace mlqc
