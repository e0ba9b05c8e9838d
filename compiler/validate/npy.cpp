#include "compiler/validate/npy.h"

#include <fmt/format.h>

#include <charconv>
#include <cstring>
#include <string_view>

namespace mlqc {

namespace {

using mlq::DataType;
using mlq::Failure;
using mlq::Result;

constexpr std::string_view magic = "\x93NUMPY";

struct TypeName {
  std::string_view descr;
  DataType type;
};
constexpr TypeName type_names[] = {
    {"<f4", DataType::float32}, {"<f2", DataType::float16}, {"<f8", DataType::float64},
    {"|i1", DataType::int8},    {"<i2", DataType::int16},   {"<i4", DataType::int32},
    {"<i8", DataType::int64},   {"|u1", DataType::uint8},   {"<u2", DataType::uint16},
    {"<u4", DataType::uint32},  {"<u8", DataType::uint64},  {"|b1", DataType::boolean}};

struct Header {
  std::string_view descr;
  bool fortran_order = false;
  mlq::Shape shape;
};

// Reads the dictionary that NumPy writes: three keys in any order, strings in single quotes. A general reader
// of Python literals is not needed, and whatever else stands there is refused.
class HeaderReader {
 public:
  explicit HeaderReader(std::string_view text) : rest_(text) {}

  bool read(Header& header) {
    if (!take("{")) return false;
    bool descr = false, order = false, shape = false;
    while (!take("}")) {
      bool* seen = nullptr;
      if (take("'descr'"))
        seen = take(":") && read_string(header.descr) ? &descr : nullptr;
      else if (take("'fortran_order'"))
        seen = take(":") && read_bool(header.fortran_order) ? &order : nullptr;
      else if (take("'shape'"))
        seen = take(":") && read_shape(header.shape) ? &shape : nullptr;
      if (!seen || *seen) return false;
      *seen = true;
      if (!take(",") && !rest_.starts_with('}')) return false;
    }
    skip_space();
    return descr && order && shape && rest_.empty();
  }

 private:
  void skip_space() {
    const std::size_t first = rest_.find_first_not_of(" \n");
    rest_.remove_prefix(first == std::string_view::npos ? rest_.size() : first);
  }

  bool take(std::string_view token) {
    skip_space();
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    skip_space();
    return true;
  }

  bool read_string(std::string_view& out) {
    if (!rest_.starts_with('\'')) return false;
    const std::size_t end = rest_.find('\'', 1);
    if (end == std::string_view::npos) return false;
    out = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    return true;
  }

  bool read_bool(bool& out) {
    out = rest_.starts_with("True");
    return take("True") || take("False");
  }

  bool read_shape(mlq::Shape& out) {
    if (!take("(")) return false;
    while (!take(")")) {
      std::int64_t size = 0;
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), size);
      if (error != std::errc() || size < 0 || out.size() == 32) return false;
      rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
      out.push_back(size);
      // A comma is what makes (3,) a tuple; (3) is a number.
      if (!take(",") && (out.size() == 1 || !rest_.starts_with(')'))) return false;
    }
    return true;
  }

  std::string_view rest_;
};

// In Fortran order the first index runs fastest: walks the result in C order and adds up where each comes
// from.
void to_row_major(std::span<const std::byte> from, mlq::Array& array) {
  const std::size_t size = mlq::size_of(array.type), rank = array.shape.size();
  std::vector<std::size_t> stride(rank), index(rank);
  std::size_t step = size;
  for (std::size_t d = 0; d < rank; step *= static_cast<std::size_t>(array.shape[d++])) stride[d] = step;
  std::size_t source = 0;
  for (std::size_t to = 0; to < array.bytes.size(); to += size) {
    std::memcpy(&array.bytes[to], &from[source], size);
    for (std::size_t d = rank; d-- > 0;) {
      source += stride[d];
      if (++index[d] < static_cast<std::size_t>(array.shape[d])) break;
      source -= stride[d] * index[d];
      index[d] = 0;
    }
  }
}

Result<mlq::Array> read_body(const Header& header, DataType type, std::span<const std::byte> body) {
  // A shape with a zero in it is empty whatever else it says, but its product must not overflow on the way.
  const auto count = mlq::element_count(header.shape);
  if (!count || static_cast<std::uint64_t>(*count) != body.size() / mlq::size_of(type) ||
      body.size() % mlq::size_of(type) != 0)
    return Failure{fmt::format("has {} bytes of numbers, which is not what {} x {} needs", body.size(),
                               mlq::to_string(header.shape), mlq::name_of(type))};
  mlq::Array array{type, header.shape, {}};
  array.bytes.resize(body.size());
  if (header.fortran_order && header.shape.size() > 1)
    to_row_major(body, array);
  else
    std::copy(body.begin(), body.end(), array.bytes.begin());
  return array;
}

}  // namespace

Result<mlq::Array> read_npy(std::span<const std::byte> bytes) {
  const std::string_view file(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (file.size() < 10 || !file.starts_with(magic)) return Failure{"is no .npy file"};
  const auto byte = [&](std::size_t i) {
    return static_cast<std::size_t>(static_cast<unsigned char>(file[i]));
  };
  const std::size_t version = byte(6), start = version == 1 ? 10 : 12;
  if (version < 1 || version > 3)
    return Failure{fmt::format("has .npy version {}; 1 to 3 are known", version)};
  if (file.size() < start) return Failure{"ends within its header"};
  std::size_t length = byte(8) | byte(9) << 8;
  if (version > 1) length |= byte(10) << 16 | byte(11) << 24;
  if (file.size() - start < length) return Failure{"ends within its header"};
  Header header;
  if (!HeaderReader(file.substr(start, length)).read(header))
    return Failure{"has a header that NumPy does not write"};
  for (const TypeName& name : type_names)
    if (name.descr == header.descr) return read_body(header, name.type, bytes.subspan(start + length));
  return Failure{
      fmt::format("holds numbers of the type '{}'; little-endian floats, integers and booleans are read",
                  header.descr.substr(0, 20))};
}

std::string write_npy(const mlq::Array& array) {
  std::string_view descr;
  for (const TypeName& name : type_names)
    if (name.type == array.type) descr = name.descr;
  std::string dims;
  for (const std::int64_t size : array.shape) dims += fmt::format("{}, ", size);
  if (array.shape.size() > 1) dims.resize(dims.size() - 2);
  if (array.shape.size() == 1) dims.resize(dims.size() - 1);
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", descr, dims);
  // The numbers start at a multiple of 64, so that a reader may map them.
  header.append(63 - (magic.size() + 4 + header.size()) % 64, ' ');
  header += '\n';
  std::string file(magic);
  file += {'\x01', '\x00', static_cast<char>(header.size() & 255), static_cast<char>(header.size() >> 8)};
  file += header;
  file.append(reinterpret_cast<const char*>(array.bytes.data()), array.bytes.size());
  return file;
}

}  // namespace mlqc
