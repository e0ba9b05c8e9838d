#include "compiler/backends/code_weights.h"

#ifdef MLQ_HAVE_HTSCODECS
#include <htscodecs/rANS_static4x16.h>
#endif

#include <algorithm>

#include "compiler/support/error.h"
#include "runtime-stub/src/artifact.h"
#include "runtime-stub/src/coded.h"
#include "runtime-stub/src/halves.h"
#include "runtime-stub/src/trellis.h"

namespace mlqc {

namespace {

#ifdef MLQ_HAVE_HTSCODECS

// Bits most significant first, one index a byte.
std::vector<std::byte> unpacked(std::span<const std::byte> bytes, std::size_t count, int bits) {
  std::vector<std::byte> indices(count);
  unsigned window = 0;
  int available = 0;
  std::size_t at = 0;
  for (std::byte& index : indices) {
    if (available < bits) {
      window = window << 8 | static_cast<unsigned>(bytes[at++]);
      available += 8;
    }
    available -= bits;
    index = static_cast<std::byte>(window >> available & ((1u << bits) - 1));
  }
  return indices;
}

// Interleaved bytes of 16-bit indices: those of one plane.
std::vector<std::byte> plane_of(std::span<const std::byte> bytes, std::size_t count, std::size_t plane) {
  std::vector<std::byte> result(count);
  for (std::size_t i = 0; i < count; ++i) result[i] = bytes[2 * i + plane];
  return result;
}

void append_stream(std::vector<std::byte> symbols, std::vector<std::byte>& out) {
  if (std::ranges::all_of(symbols, [](std::byte symbol) { return symbol == std::byte{0}; }))
    return static_cast<void>(out.insert(out.end(), 4, std::byte{0}));
  // Many states at once pay where there is much to decode.
  constexpr std::size_t many = std::size_t{1} << 16;
  const int order = RANS_ORDER_NOSZ | (symbols.size() >= many ? RANS_ORDER_X32 : 0);
  const auto count = static_cast<unsigned>(symbols.size());
  std::vector<std::byte> stream(rans_compress_bound_4x16(count, order));
  auto size = static_cast<unsigned>(stream.size());
  if (!rans_compress_to_4x16(reinterpret_cast<unsigned char*>(symbols.data()), count,
                             reinterpret_cast<unsigned char*>(stream.data()), &size, order))
    throw Error(Exit::internal, {{}, "weights could not be entropy-coded", "MLQ901", "", {}});
  for (int byte = 0; byte < 4; ++byte) out.push_back(static_cast<std::byte>(size >> 8 * byte & 255));
  out.insert(out.end(), stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(size));
}

void append_plane(const mlq::Tensor& tensor, const std::vector<std::byte>& indices,
                  std::vector<std::byte>& out) {
  std::vector<std::byte> symbols;
  for (const mlq::CodedRun& run : mlq::coded_order(tensor)) {
    const auto begin = indices.begin() + static_cast<std::ptrdiff_t>(run.begin);
    symbols.insert(symbols.end(), begin, begin + static_cast<std::ptrdiff_t>(run.count));
  }
  if (symbols.empty()) symbols = indices;
  const std::size_t each = mlq::chunk_size(tensor);
  for (std::size_t at = 0; at < symbols.size(); at += each) {
    const auto chunk = std::span(symbols).subspan(at, std::min(each, symbols.size() - at));
    append_stream({chunk.begin(), chunk.end()}, out);
  }
}

#endif

}  // namespace

std::vector<std::byte> code_weights(const mlq::Tensor& tensor) {
  std::vector<std::byte> out;
#ifdef MLQ_HAVE_HTSCODECS
  const auto count = static_cast<std::size_t>(mlq::element_count(tensor.shape).value_or(0));
  if (!tensor.quantization || count == 0) return out;
  const int bits = tensor.quantization->bits;
  const auto data = tensor.data->bytes.first(mlq::data_size(tensor).value_or(0));
  std::vector<std::byte> indices =
      bits == 16 ? std::vector<std::byte>(data.begin(), data.end()) : unpacked(data, count, bits);
  if (tensor.quantization->trellis && !mlq::drop_low_bits(tensor, indices.data()))
    throw Error(Exit::internal, {{}, "weights do not follow their trellis", "MLQ901", "", {}});
  if (bits == 16)
    for (const std::size_t plane : {0, 1}) append_plane(tensor, plane_of(indices, count, plane), out);
  else
    append_plane(tensor, indices, out);
  const bool readable = count / mlq::most_per_coded_byte <= out.size();
  if (!readable || out.size() >= mlq::data_size(tensor).value_or(0)) out.clear();
#else
  static_cast<void>(tensor);
#endif
  return out;
}

std::size_t stored_bytes(const mlq::Tensor& tensor, bool coded) {
  if (!tensor.data) return 0;
  const std::size_t stream = coded ? code_weights(tensor).size() : 0;
  std::size_t bytes = stream > 0 ? stream : tensor.data->bytes.size();
  if (!tensor.quantization) return bytes;
  const auto add = [&](const std::vector<float>& values) {
    bytes += values.size() * (mlq::as_halves(values) ? sizeof(std::uint16_t) : sizeof(float));
  };
  const mlq::Quantization& q = *tensor.quantization;
  add(q.scale);
  add(q.table);
  if (stream == 0 || mlq::common_zero(q) < 0) add(q.offset);  // else one number for all
  return bytes;
}

}  // namespace mlqc
