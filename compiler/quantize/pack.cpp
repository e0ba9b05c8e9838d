// Eight indices of `bits` bits are `bits` bytes: a word. They are merged in three steps, pairs, fours, eight.
#include <algorithm>
#include <bit>
#include <cstring>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "compiler/quantize/isa.h"
#include "compiler/quantize/quantize.h"
#include "compiler/support/error.h"

namespace mlqc {

namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::size_t chunk = 512;  // words on the way between two steps; they stay in the nearest cache

// Stores are 16 bytes wide, whatever they add: the next one overwrites the rest, the last one needs room.
constexpr std::size_t slack = 16;

void merge(const std::uint8_t* indices, std::size_t words, int bits, std::uint8_t* out) {
  for (std::size_t i = 0; i < words; ++i) {
    std::uint64_t x;
    std::memcpy(&x, indices + 8 * i, 8);
    x = (x & 0x00ff00ff00ff00ff) << bits | (x >> 8 & 0x00ff00ff00ff00ff);
    x = (x & 0x0000ffff0000ffff) << 2 * bits | (x >> 16 & 0x0000ffff0000ffff);
    x = x << 32 >> (32 - 4 * bits) | x >> 32;
    x = __builtin_bswap64(x << (64 - 8 * bits));
    std::memcpy(out + i * static_cast<std::size_t>(bits), &x, 8);
  }
}

#ifdef __x86_64__
// Four words at once. Pairs and fours merge by one multiplication and addition each: a * 2^bits + b.
__attribute__((target("avx2"))) void merge_avx2(const std::uint8_t* indices, std::size_t words, int bits,
                                                std::uint8_t* out) {
  const std::size_t width = static_cast<std::size_t>(bits);
  const __m256i pairs = _mm256_set1_epi16(static_cast<short>(1 << 8 | 1 << bits));
  const __m256i fours = _mm256_set1_epi32(1 << 16 | 1 << 2 * bits);
  const __m128i up = _mm_cvtsi32_si128(32 - 4 * bits);
  alignas(32) std::uint8_t order[32];  // a word's bytes, most significant first, beside the next word's
  for (int j = 0; j < 32; ++j) {
    const int k = j % 16;
    order[j] = static_cast<std::uint8_t>(k < bits ? bits - 1 - k : k < 2 * bits ? 7 + 2 * bits - k : 128);
  }
  const __m256i bytes = _mm256_load_si256(reinterpret_cast<const __m256i*>(order));
  std::size_t i = 0;
  for (; i + 4 <= words; i += 4) {
    __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(indices + 8 * i));
    x = _mm256_madd_epi16(_mm256_maddubs_epi16(pairs, x), fours);
    x = _mm256_or_si256(_mm256_srl_epi64(_mm256_slli_epi64(x, 32), up), _mm256_srli_epi64(x, 32));
    x = _mm256_shuffle_epi8(x, bytes);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i * width), _mm256_castsi256_si128(x));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + (i + 2) * width), _mm256_extracti128_si256(x, 1));
  }
  merge(indices + 8 * i, words - i, bits, out + i * width);
}
#endif

// Whole words to `bits` bytes each. `out` has `slack` bytes more.
void pack_words(const std::uint8_t* indices, std::size_t words, int bits, std::uint8_t* out) {
#ifdef __x86_64__
  // Its multiplication takes signed numbers of 8 bits.
  if (bits < 8 && __builtin_cpu_supports("avx2")) return merge_avx2(indices, words, bits, out);
#endif
  merge(indices, words, bits, out);
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
  const std::size_t width = static_cast<std::size_t>(bits), words = indices.size() / 8;
  std::vector<std::byte> out((words + 1) * width + slack);
  auto* bytes = reinterpret_cast<std::uint8_t*>(out.data());
  pack_words(indices.data(), words, bits, bytes);
  std::uint8_t last[8] = {};  // zero-padded
  std::copy(indices.begin() + static_cast<std::ptrdiff_t>(8 * words), indices.end(), last);
  merge(last, 1, bits, bytes + words * width);
  out.resize(words * width + (indices.size() % 8 * width + 7) / 8);
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
