// Pooling of both layouts against windows walked cell by cell.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/kernels/run.h"

namespace mlq::test {
namespace {

struct Case {
  std::int64_t n, c, size[2], kernel[2], stride[2], dilation[2], before[2], after[2];
  bool ceil, include;
  Attributes attributes() const {
    return {{"kernel_shape", std::vector<std::int64_t>(kernel, kernel + 2)},
            {"strides", std::vector<std::int64_t>(stride, stride + 2)},
            {"dilations", std::vector<std::int64_t>(dilation, dilation + 2)},
            {"pads", std::vector<std::int64_t>{before[0], before[1], after[0], after[1]}},
            {"ceil_mode", std::int64_t{ceil}},
            {"count_include_pad", std::int64_t{include}}};
  }
  std::int64_t positions(int d) const {
    std::int64_t room = size[d] + before[d] + after[d] - (kernel[d] - 1) * dilation[d] - 1;
    std::int64_t n = room / stride[d] + 1;
    if (ceil && room % stride[d] != 0 && n * stride[d] < size[d] + before[d]) ++n;
    return n;
  }
};

Case random_case(std::mt19937& random, bool dilated) {
  Case c{};
  c.n = pick(random, 1, 2), c.c = pick(random, 1, 20);
  c.ceil = pick(random, 0, 1), c.include = pick(random, 0, 1);
  for (int d = 0; d < 2; ++d) {
    c.kernel[d] = pick(random, 1, 4), c.stride[d] = pick(random, 1, 3),
    c.dilation[d] = dilated ? pick(random, 1, 2) : 1;
    c.size[d] = pick(random, (c.kernel[d] - 1) * c.dilation[d] + 1, 12);
    // A window that sees nothing but padding has no result worth defining.
    c.before[d] = pick(random, 0, (c.kernel[d] - 1) / 2), c.after[d] = pick(random, 0, (c.kernel[d] - 1) / 2);
  }
  return c;
}

struct Cells {
  double sum = 0, largest = -std::numeric_limits<double>::infinity(), squares = 0;
  std::int64_t inside = 0, padded = 0;
};

Cells window(const Case& k, const float* plane, std::int64_t row, std::int64_t column) {
  Cells cells;
  for (std::int64_t i = 0; i < k.kernel[0]; ++i)
    for (std::int64_t j = 0; j < k.kernel[1]; ++j) {
      std::int64_t h = row * k.stride[0] + i * k.dilation[0] - k.before[0];
      std::int64_t w = column * k.stride[1] + j * k.dilation[1] - k.before[1];
      if (h >= k.size[0] + k.after[0] || w >= k.size[1] + k.after[1]) continue;
      ++cells.padded;
      if (h < 0 || h >= k.size[0] || w < 0 || w >= k.size[1]) continue;
      double v = plane[h * k.size[1] + w];
      ++cells.inside, cells.sum += v, cells.squares += v * v, cells.largest = std::max(cells.largest, v);
    }
  return cells;
}

template <class F>
Array pool(const Case& k, const Array& x, F f) {
  Array y;
  y.shape = {k.n, k.c, k.positions(0), k.positions(1)};
  for (std::int64_t p = 0; p < k.n * k.c; ++p)
    for (std::int64_t r = 0; r < y.shape[2]; ++r)
      for (std::int64_t q = 0; q < y.shape[3]; ++q)
        y.floats.push_back(
            static_cast<float>(f(window(k, x.floats.data() + p * k.size[0] * k.size[1], r, q))));
  return y;
}

void compare(const std::string& op, const Case& c, const Array& x, const Array& expected) {
  expect_near(run_one(op, c.attributes(), {x}), expected);
  for (How how : {How::evaluate, How::prepare})
    expect_near(run_one(op + "Nhwc", c.attributes(), {to_nhwc(x)}, how), to_nhwc(expected));
}

TEST(Pool, MaximumAverageAndNorm) {
  std::mt19937 random(5);
  for (int round = 0; round < 200; ++round) {
    SCOPED_TRACE(round);
    Case c = random_case(random, round % 2 == 1);
    Array x = random_array(random, {c.n, c.c, c.size[0], c.size[1]});
    compare("MaxPool", c, x, pool(c, x, [](const Cells& w) { return w.largest; }));
    compare("AveragePool", c, x, pool(c, x, [&](const Cells& w) {
              return w.sum / static_cast<double>(c.include ? w.padded : w.inside);
            }));
    compare("LpPool", c, x, pool(c, x, [](const Cells& w) { return std::sqrt(w.squares); }));
  }
}

TEST(Pool, WholePlanes) {
  std::mt19937 random(6);
  for (int round = 0; round < 30; ++round) {
    Case c = random_case(random, false);
    for (int d = 0; d < 2; ++d) c.kernel[d] = c.size[d], c.before[d] = c.after[d] = 0, c.stride[d] = 1;
    Array x = random_array(random, {c.n, c.c, c.size[0], c.size[1]});
    Array mean = pool(c, x, [](const Cells& w) { return w.sum / static_cast<double>(w.inside); });
    Array largest = pool(c, x, [](const Cells& w) { return w.largest; });
    expect_near(run_one("GlobalAveragePool", {}, {x}), mean);
    expect_near(run_one("GlobalMaxPool", {}, {x}), largest);
    for (How how : {How::evaluate, How::prepare}) {
      expect_near(run_one("GlobalAveragePoolNhwc", {}, {to_nhwc(x)}, how), to_nhwc(mean));
      expect_near(run_one("GlobalMaxPoolNhwc", {}, {to_nhwc(x)}, how), to_nhwc(largest));
    }
  }
}

TEST(Pool, MaximumKnowsWhere) {
  Array x = Array::of({1, 1, 2, 4}, {1, 5, 2, 2, 3, 4, 9, 0});
  auto results =
      run("MaxPool",
          {{"kernel_shape", std::vector<std::int64_t>{2, 2}}, {"strides", std::vector<std::int64_t>{2, 2}}},
          {x}, 2);
  ASSERT_TRUE(results.ok()) << results.error();
  EXPECT_EQ((*results)[0].floats, (std::vector<float>{5, 9}));
  EXPECT_EQ((*results)[1].ints, (std::vector<std::int64_t>{1, 6}));
}

}  // namespace
}  // namespace mlq::test
