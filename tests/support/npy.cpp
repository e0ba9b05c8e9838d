#include "tests/support/npy.h"

#include <cstring>
#include <map>
#include <regex>
#include <stdexcept>

#include "tests/support/files.h"

namespace mlq::test {

namespace {

DataType type_of(const std::string& descr) {
  static const std::map<std::string, DataType> types = {
      {"<f4", DataType::float32}, {"<f2", DataType::float16}, {"<f8", DataType::float64},
      {"|i1", DataType::int8},    {"<i2", DataType::int16},   {"<i4", DataType::int32},
      {"<i8", DataType::int64},   {"|u1", DataType::uint8},   {"<u2", DataType::uint16},
      {"<u4", DataType::uint32},  {"<u8", DataType::uint64},  {"|b1", DataType::boolean}};
  return types.at(descr);
}

// Fortran order is the row-major order of the transposed array.
std::vector<std::byte> to_row_major(const std::vector<std::byte>& bytes, const Shape& shape,
                                    std::size_t size) {
  std::vector<std::byte> out(bytes.size());
  const std::size_t count = size ? bytes.size() / size : 0;
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t rest = i, from = 0, stride = 1;
    std::vector<std::size_t> index(shape.size());
    for (std::size_t d = shape.size(); d-- > 0; rest /= shape[d]) index[d] = rest % shape[d];
    for (std::size_t d = 0; d < shape.size(); stride *= shape[d++]) from += index[d] * stride;
    std::memcpy(&out[i * size], &bytes[from * size], size);
  }
  return out;
}

}  // namespace

Array read_npy(const std::filesystem::path& path) {
  const std::string file = read(path);
  if (file.size() < 10 || file.compare(0, 6, "\x93NUMPY") != 0)
    throw std::runtime_error("no npy: " + path.string());
  const std::size_t wide = file[6] >= 2 ? 4 : 2;
  std::size_t length = 0;
  for (std::size_t i = wide; i-- > 0;) length = length << 8 | static_cast<unsigned char>(file[8 + i]);
  const std::string header = file.substr(8 + wide, length);
  std::smatch match;
  Array array;
  if (!std::regex_search(header, match, std::regex("'descr': '([^']+)'")))
    throw std::runtime_error("npy descr");
  array.type = type_of(match[1]);
  if (!std::regex_search(header, match, std::regex("'shape': \\(([^)]*)\\)")))
    throw std::runtime_error("npy shape");
  const std::string dims = match[1];
  const std::regex number("[0-9]+");
  for (std::sregex_iterator it(dims.begin(), dims.end(), number), end; it != end; ++it)
    array.shape.push_back(std::stoll(it->str()));
  const std::string_view body = std::string_view(file).substr(8 + wide + length);
  array.bytes.resize(body.size());
  std::memcpy(array.bytes.data(), body.data(), body.size());
  if (header.find("'fortran_order': True") != std::string::npos)
    array.bytes = to_row_major(array.bytes, array.shape, size_of(array.type));
  return array;
}

}  // namespace mlq::test
