// Eight indices of `bits` bits are `bits` bytes. They are merged within one 64-bit word in three steps,
// pairs, fours, eight, the same for every word, so the compiler works on as many words at once as a register
// holds.
#include <algorithm>
#include <bit>
#include <cstring>

#include "compiler/quantize/isa.h"
#include "compiler/quantize/quantize.h"
#include "compiler/support/error.h"

namespace mlqc {

namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::size_t chunk = 512;  // words that are merged before they are written

// The first index of a word ends up most significant of the 8 * bits bits on top.
MLQ_EACH_ISA void merge(const std::uint8_t* indices, std::size_t words, int bits, std::uint64_t* out) {
  for (std::size_t i = 0; i < words; ++i) {
    std::uint64_t x;
    std::memcpy(&x, indices + 8 * i, 8);
    x = (x & 0x00ff00ff00ff00ff) << bits | (x >> 8 & 0x00ff00ff00ff00ff);
    x = (x & 0x0000ffff0000ffff) << 2 * bits | (x >> 16 & 0x0000ffff0000ffff);
    x = (x & 0x00000000ffffffff) << 4 * bits | x >> 32;
    out[i] = __builtin_bswap64(x << (64 - 8 * bits));
  }
}

MLQ_EACH_ISA void split(const std::uint64_t* words, std::size_t count, int bits, std::uint8_t* indices) {
  const std::uint64_t low4 = (std::uint64_t{1} << 4 * bits) - 1;
  const std::uint64_t low2 = ((std::uint64_t{1} << 2 * bits) - 1) * 0x0000000100000001;
  const std::uint64_t low1 = ((std::uint64_t{1} << bits) - 1) * 0x0001000100010001;
  for (std::size_t i = 0; i < count; ++i) {
    std::uint64_t x = __builtin_bswap64(words[i]) >> (64 - 8 * bits);
    x = (x >> 4 * bits & low4) | (x & low4) << 32;
    x = (x >> 2 * bits & low2) | (x & low2) << 16;
    x = (x >> bits & low1) | (x & low1) << 8;
    std::memcpy(indices + 8 * i, &x, 8);
  }
}

void check_bits(int bits) {
  if (bits < 1 || bits > 8)
    throw Error(Exit::internal, {{}, "packing of " + std::to_string(bits) + " bits", "MLQ901", "", {}});
}

}  // namespace

std::vector<std::byte> pack(std::span<const std::uint8_t> indices, int bits) {
  check_bits(bits);
  const std::size_t width = static_cast<std::size_t>(bits), words = (indices.size() + 7) / 8;
  // Every word is stored whole and the next one overwrites what it does not need: room for the last.
  std::vector<std::byte> out(words * width + 8);
  std::uint64_t merged[chunk];
  for (std::size_t at = 0; at < words; at += chunk) {
    const std::size_t some = std::min(chunk, words - at);
    const std::size_t whole = std::min(some, indices.size() / 8 - std::min(at, indices.size() / 8));
    merge(indices.data() + 8 * at, whole, bits, merged);
    if (whole < some) {  // the last word, zero-padded
      std::uint8_t last[8] = {};
      std::copy(indices.begin() + static_cast<std::ptrdiff_t>(8 * (at + whole)), indices.end(), last);
      merge(last, 1, bits, merged + whole);
    }
    for (std::size_t i = 0; i < some; ++i) std::memcpy(out.data() + (at + i) * width, &merged[i], 8);
  }
  out.resize(indices.size() / 8 * width + (indices.size() % 8 * width + 7) / 8);
  return out;
}

std::vector<std::uint8_t> unpack(std::span<const std::byte> bytes, std::size_t count, int bits) {
  check_bits(bits);
  const std::size_t width = static_cast<std::size_t>(bits), words = count / 8 + (count % 8 != 0);
  if (count / 8 * width + (count % 8 * width + 7) / 8 > bytes.size())
    throw Error(Exit::internal,
                {{}, "too few packed bytes for " + std::to_string(count) + " numbers", "MLQ901", "", {}});
  std::vector<std::uint8_t> out(words * 8);
  std::uint64_t packed[chunk];
  for (std::size_t at = 0; at < words; at += chunk) {
    const std::size_t some = std::min(chunk, words - at);
    for (std::size_t i = 0; i < some; ++i) {
      const std::size_t from = (at + i) * width;
      packed[i] = 0;
      std::memcpy(&packed[i], bytes.data() + from, std::min<std::size_t>(8, bytes.size() - from));
    }
    split(packed, some, bits, &out[8 * at]);
  }
  out.resize(count);
  return out;
}

}  // namespace mlqc
