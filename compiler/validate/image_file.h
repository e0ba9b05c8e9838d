// JPEG and PNG files as pixels.
#pragma once

#include <span>

#include "mlq/image.h"

namespace mlqc {

// Decodes by content, not by name, into gray8 or rgb8. JPEG: gray or colour of any chroma subsampling, with
// the accurate integer transform; CMYK as if printed without a profile. PNG: any kind, 16 bits rounded to 8,
// alpha dropped. Colours stay as stored (no gamma, no profile) and orientation tags are not applied, as in
// the usual training pipelines. At most 64 megapixels. A file that is damaged or ends early fails; the
// sentence does not name the file.
mlq::Result<mlq::Image> read_image(std::span<const std::byte> bytes);

// The formats behind it: jpeg_file.cpp, png_file.cpp.
mlq::Result<mlq::Image> read_jpeg(std::span<const std::byte> bytes);
mlq::Result<mlq::Image> read_png(std::span<const std::byte> bytes);

// Refuses sizes that a damaged or hostile header may claim, before anything is allocated for them.
mlq::Status check_image_size(std::size_t width, std::size_t height);

}  // namespace mlqc
