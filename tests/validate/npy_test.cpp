#include "compiler/validate/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "compiler/validate/metric.h"
#include "tests/support/files.h"

namespace mlqc {
namespace {

using mlq::DataType;
using testing::HasSubstr;

std::string file(const std::string& name) { return mlq::test::read(mlq::test::data_folder() / "npy" / name); }
mlq::Result<mlq::Array> parse(const std::string& text) { return read_npy(std::as_bytes(std::span(text))); }
std::vector<double> values(const mlq::Array& array) { return user_values(mlq::Feature{}, array); }

std::vector<double> counted(std::size_t n) {
  std::vector<double> numbers(n);
  for (std::size_t i = 0; i < n; ++i) numbers[i] = static_cast<double>(i);
  return numbers;
}

// A file with this header and body, version 1.
std::string made(std::string header, const std::string& body = "") {
  std::string text("\x93NUMPY\x01\x00", 8);
  text += static_cast<char>(header.size() & 255);
  text += static_cast<char>(header.size() >> 8);
  return text + header + body;
}

TEST(ReadNpy, ReadsEveryTypeThatNumpyWrote) {
  const std::pair<const char*, DataType> types[] = {
      {"f2", DataType::float16}, {"f4", DataType::float32}, {"f8", DataType::float64},
      {"i1", DataType::int8},    {"i2", DataType::int16},   {"i4", DataType::int32},
      {"i8", DataType::int64},   {"u1", DataType::uint8},   {"u2", DataType::uint16},
      {"u4", DataType::uint32},  {"u8", DataType::uint64}};
  for (const auto& [name, type] : types) {
    const auto array = parse(file(std::string(name) + ".npy"));
    ASSERT_TRUE(array) << name << array.error();
    EXPECT_EQ(array->type, type);
    EXPECT_EQ(array->shape, (mlq::Shape{2, 3, 4}));
    EXPECT_EQ(values(*array), counted(24)) << name;
  }
}

TEST(ReadNpy, ReadsOrdersVersionsAndOddShapes) {
  for (const char* name : {"fortran.npy", "version2.npy", "version3.npy"}) {
    const auto array = parse(file(name));
    ASSERT_TRUE(array) << name << array.error();
    EXPECT_EQ(array->shape, (mlq::Shape{2, 3, 4}));
    EXPECT_EQ(values(*array), counted(24)) << name;
  }
  EXPECT_EQ(parse(file("scalar.npy"))->shape, mlq::Shape{});
  EXPECT_EQ(values(*parse(file("scalar.npy"))), std::vector<double>{2.5});
  EXPECT_EQ(parse(file("vector.npy"))->shape, mlq::Shape{5});
  EXPECT_EQ(parse(file("empty.npy"))->shape, (mlq::Shape{0, 3}));
  EXPECT_EQ(values(*parse(file("bool.npy")))[3], 1);
  EXPECT_EQ(values(*parse(file("bool.npy")))[4], 0);
}

TEST(ReadNpy, RefusesWhatItCannotHold) {
  EXPECT_THAT(parse(file("big_endian.npy")).error(), HasSubstr("'>f4'"));
  EXPECT_THAT(parse(file("text.npy")).error(), HasSubstr("'<U2'"));
  EXPECT_THAT(parse("PK\x03\x04 an archive").error(), HasSubstr("no .npy file"));
  std::string later = file("f4.npy");
  later[6] = 9;
  EXPECT_THAT(parse(later).error(), HasSubstr("version 9"));
}

TEST(ReadNpy, RefusesAShapeThatTheBytesDoNotFill) {
  const std::string head = "{'descr': '<f4', 'fortran_order': False, 'shape': ";
  EXPECT_TRUE(parse(made(head + "(2,), }", std::string(8, 'x'))));
  EXPECT_FALSE(parse(made(head + "(2,), }", std::string(9, 'x'))));
  EXPECT_FALSE(parse(made(head + "(2,), }", std::string(7, 'x'))));
  EXPECT_FALSE(parse(made(head + "(4611686018427387904, 4), }")));  // 2^64 bytes
  EXPECT_FALSE(parse(made(head + "(99999999999999999999,), }")));
  EXPECT_FALSE(parse(made(head + "(-1,), }")));
}

TEST(ReadNpy, RefusesOtherHeaders) {
  const std::string body(8, 'x');
  for (const char* header :
       {"", "{", "{}", "{'descr': '<f4', 'fortran_order': False}", "{'descr': '<f4', 'shape': (2,), }",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,), }",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (2,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': [2], }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), } x",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': 1}",
        "{'descr': '<f4 , 'fortran_order': False}"})
    EXPECT_FALSE(parse(made(header, body))) << header;
  EXPECT_TRUE(parse(made("{'shape':(2,),'fortran_order':True,'descr':'<f4'}", body)));
}

TEST(ReadNpy, CutAnywhereIsAnErrorAndFlippedBitsDoNoHarm) {
  std::mt19937 random(1);
  for (const char* name : {"f4.npy", "fortran.npy", "version2.npy", "i8.npy"}) {
    const std::string whole = file(name);
    for (std::size_t size = 0; size < whole.size(); ++size)
      EXPECT_FALSE(parse(whole.substr(0, size))) << name << size;
    for (int trial = 0; trial < 2000; ++trial) {
      std::string damaged = whole;
      damaged[random() % damaged.size()] ^= static_cast<char>(1 << random() % 8);
      if (const auto array = parse(damaged)) {
        EXPECT_EQ(array->bytes.size() % mlq::size_of(array->type), 0u);
      }
    }
  }
}

TEST(WriteNpy, GivesTheBytesOfNumpy) {
  for (const char* name :
       {"f4.npy", "f2.npy", "i8.npy", "u1.npy", "bool.npy", "scalar.npy", "vector.npy", "empty.npy"})
    EXPECT_EQ(write_npy(*parse(file(name))), file(name)) << name;
}

}  // namespace
}  // namespace mlqc
