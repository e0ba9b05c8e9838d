#include "runtime-stub/src/resize.h"

// Nothing in the runtime aborts; the callers keep what the library asserts.
#define STBIR_ASSERT(condition) ((void)0)
#define STB_IMAGE_RESIZE_STATIC
#define STB_IMAGE_RESIZE_IMPLEMENTATION
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-but-set-variable"
#pragma GCC diagnostic ignored "-Wunused-variable"
#include <stb/stb_image_resize.h>
#pragma GCC diagnostic pop

namespace mlq {

bool resize(const std::uint8_t* pixels, int width, int height, std::uint8_t* out, int out_width,
            int out_height, int channels) {
  return stbir_resize_uint8_generic(pixels, width, height, 0, out, out_width, out_height, 0, channels,
                                    STBIR_ALPHA_CHANNEL_NONE, 0, STBIR_EDGE_CLAMP, STBIR_FILTER_TRIANGLE,
                                    STBIR_COLORSPACE_LINEAR, nullptr) != 0;
}

}  // namespace mlq
