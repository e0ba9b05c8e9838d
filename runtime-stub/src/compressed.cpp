#include "runtime-stub/src/compressed.h"

#ifdef MLQ_HAVE_HTSCODECS
#include <zlib.h>
#endif

namespace mlq {

#ifdef MLQ_HAVE_HTSCODECS

Result<std::shared_ptr<Buffer>> decompress(std::span<const std::byte> bytes) {
  const Failure damaged{"its compressed part cannot be read"};
  if (bytes.size() < 4) return damaged;
  std::size_t size = 0;
  for (std::size_t i = 4; i-- > 0;) size = size << 8 | static_cast<std::size_t>(bytes[i]);
  bytes = bytes.subspan(4);
  constexpr std::size_t most_per_byte = 1032;  // deflate's longest match takes two bits
  if (size / most_per_byte > bytes.size()) return damaged;
  auto made = Buffer::make(size, SIZE_MAX / 2);
  if (!made) return made;
  auto written = static_cast<uLongf>(size);
  const int result =
      uncompress(reinterpret_cast<Bytef*>((*made)->data()), &written,
                 reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uLong>(bytes.size()));
  if (result != Z_OK || written != size) return damaged;
  return made;
}

#else

Result<std::shared_ptr<Buffer>> decompress(std::span<const std::byte>) {
  return Failure{"it is compressed, and this runtime was built without htscodecs and zlib"};
}

#endif

}  // namespace mlq
