// Convolutions of both layouts against sums written out in double.
#include <gtest/gtest.h>

#include "tests/kernels/run.h"

namespace mlq::test {
namespace {

struct Case {
  std::int64_t n, c, h, w, filters, kh, kw, sh, sw, dh, dw, groups, pads[4];
  Attributes attributes() const {
    return {{"group", groups},
            {"strides", std::vector<std::int64_t>{sh, sw}},
            {"dilations", std::vector<std::int64_t>{dh, dw}},
            {"pads", std::vector<std::int64_t>(pads, pads + 4)}};
  }
};

Case random_case(std::mt19937& random) {
  Case c{};
  c.groups = pick(random, 1, 3);
  bool depthwise = pick(random, 0, 3) == 0;
  c.n = pick(random, 1, 2), c.c = c.groups * (depthwise ? 1 : pick(random, 1, 5));
  c.filters = c.groups * pick(random, 1, 9);
  c.kh = pick(random, 1, 4), c.kw = pick(random, 1, 4);
  c.sh = pick(random, 1, 3), c.sw = pick(random, 1, 3), c.dh = pick(random, 1, 2), c.dw = pick(random, 1, 2);
  c.h = pick(random, (c.kh - 1) * c.dh + 1, 11), c.w = pick(random, (c.kw - 1) * c.dw + 1, 13);
  for (auto& p : c.pads) p = pick(random, 0, 2);
  return c;
}

// Each result is the sum over all taps that lie inside.
Array convolve(const Case& k, const Array& x, const Array& w, const Array& b) {
  std::int64_t oh = (k.h + k.pads[0] + k.pads[2] - (k.kh - 1) * k.dh - 1) / k.sh + 1;
  std::int64_t ow = (k.w + k.pads[1] + k.pads[3] - (k.kw - 1) * k.dw - 1) / k.sw + 1;
  std::int64_t cg = k.c / k.groups, fg = k.filters / k.groups;
  Array y = Array::of({k.n, k.filters, oh, ow}, std::vector<float>(k.n * k.filters * oh * ow));
  std::size_t at = 0;
  for (std::int64_t n = 0; n < k.n; ++n)
    for (std::int64_t f = 0; f < k.filters; ++f)
      for (std::int64_t r = 0; r < oh; ++r)
        for (std::int64_t q = 0; q < ow; ++q) {
          double sum = b.floats[f];
          for (std::int64_t c = 0; c < cg; ++c)
            for (std::int64_t i = 0; i < k.kh; ++i)
              for (std::int64_t j = 0; j < k.kw; ++j) {
                std::int64_t row = r * k.sh + i * k.dh - k.pads[0], column = q * k.sw + j * k.dw - k.pads[1];
                if (row < 0 || row >= k.h || column < 0 || column >= k.w) continue;
                sum +=
                    static_cast<double>(x.floats[((n * k.c + f / fg * cg + c) * k.h + row) * k.w + column]) *
                    w.floats[((f * cg + c) * k.kh + i) * k.kw + j];
              }
          y.floats[at++] = static_cast<float>(sum);
        }
  return y;
}

// Each operand cell adds to the results under its window.
Array convolve_transposed(const Case& k, const Array& x, const Array& w, const Array& b, std::int64_t oh,
                          std::int64_t ow) {
  std::int64_t cg = k.c / k.groups, fg = k.filters / k.groups;
  std::vector<double> sums(k.n * k.filters * oh * ow);
  for (std::size_t i = 0; i < sums.size(); ++i) sums[i] = b.floats[i / (oh * ow) % k.filters];
  for (std::int64_t n = 0; n < k.n; ++n)
    for (std::int64_t c = 0; c < k.c; ++c)
      for (std::int64_t r = 0; r < k.h; ++r)
        for (std::int64_t q = 0; q < k.w; ++q)
          for (std::int64_t f = 0; f < fg; ++f)
            for (std::int64_t i = 0; i < k.kh; ++i)
              for (std::int64_t j = 0; j < k.kw; ++j) {
                std::int64_t row = r * k.sh + i * k.dh - k.pads[0], column = q * k.sw + j * k.dw - k.pads[1];
                if (row < 0 || row >= oh || column < 0 || column >= ow) continue;
                sums[((n * k.filters + c / cg * fg + f) * oh + row) * ow + column] +=
                    static_cast<double>(x.floats[((n * k.c + c) * k.h + r) * k.w + q]) *
                    w.floats[((c * fg + f) * k.kh + i) * k.kw + j];
              }
  return Array::of({k.n, k.filters, oh, ow}, std::vector<float>(sums.begin(), sums.end()));
}

TEST(Conv, EqualsTheSumWrittenOut) {
  std::mt19937 random(1);
  for (int round = 0; round < 150; ++round) {
    SCOPED_TRACE(round);
    Case c = random_case(random);
    Array x = random_array(random, {c.n, c.c, c.h, c.w});
    Array w = random_array(random, {c.filters, c.c / c.groups, c.kh, c.kw}),
          b = random_array(random, {c.filters});
    Array expected = convolve(c, x, w, b);
    expect_near(run_one("Conv", c.attributes(), {x, w, b}), expected);
    for (How how : {How::evaluate, How::prepare})
      expect_near(run_one("ConvNhwc", c.attributes(), {to_nhwc(x), w, b}, how), to_nhwc(expected));
  }
}

TEST(Conv, ChannelsLastScalesAndClamps) {
  std::mt19937 random(2);
  for (int round = 0; round < 60; ++round) {
    SCOPED_TRACE(round);
    Case c = random_case(random);
    Array x = random_array(random, {c.n, c.c, c.h, c.w}),
          w = random_array(random, {c.filters, c.c / c.groups, c.kh, c.kw});
    Array b = random_array(random, {c.filters}), s = random_array(random, {c.filters});
    Array scaled = w;
    std::size_t each = w.floats.size() / s.floats.size();
    for (std::size_t i = 0; i < w.floats.size(); ++i) scaled.floats[i] *= s.floats[i / each];
    Array expected = to_nhwc(convolve(c, x, scaled, b));
    for (float& v : expected.floats) v = std::min(std::max(v, -0.25f), 0.75f);
    Attributes attributes = c.attributes();
    attributes["activation_min"] = -0.25f, attributes["activation_max"] = 0.75f;
    for (How how : {How::evaluate, How::prepare})
      expect_near(run_one("ConvNhwc", attributes, {to_nhwc(x), w, b, s}, how), expected);
  }
}

TEST(ConvTranspose, EqualsTheSumWrittenOut) {
  std::mt19937 random(3);
  for (int round = 0; round < 150; ++round) {
    SCOPED_TRACE(round);
    Case c = random_case(random);
    std::int64_t extra[2] = {pick(random, 0, c.sh - 1), pick(random, 0, c.sw - 1)};
    std::int64_t oh = (c.h - 1) * c.sh + (c.kh - 1) * c.dh + 1 + extra[0] - c.pads[0] - c.pads[2];
    std::int64_t ow = (c.w - 1) * c.sw + (c.kw - 1) * c.dw + 1 + extra[1] - c.pads[1] - c.pads[3];
    if (oh < 1 || ow < 1) continue;
    Array x = random_array(random, {c.n, c.c, c.h, c.w});
    Array w = random_array(random, {c.c, c.filters / c.groups, c.kh, c.kw}),
          b = random_array(random, {c.filters});
    Array expected = convolve_transposed(c, x, w, b, oh, ow);
    Attributes attributes = c.attributes();
    attributes["output_padding"] = std::vector<std::int64_t>{extra[0], extra[1]};
    expect_near(run_one("ConvTranspose", attributes, {x, w, b}), expected);
    for (How how : {How::evaluate, How::prepare})
      expect_near(run_one("ConvTransposeNhwc", attributes, {to_nhwc(x), w, b}, how), to_nhwc(expected));
  }
}

TEST(Conv, ThreeAxesEqualTwoWhereOneIsFlat) {
  std::mt19937 random(4);
  Array x = random_array(random, {1, 2, 1, 7, 6}), w = random_array(random, {3, 2, 1, 3, 3});
  Array y = run_one("Conv", {{"pads", std::vector<std::int64_t>{0, 1, 1, 0, 1, 1}}}, {x, w});
  Array flat_x = x, flat_w = w;
  flat_x.shape = {1, 2, 7, 6}, flat_w.shape = {3, 2, 3, 3};
  Array flat = run_one("Conv", {{"pads", std::vector<std::int64_t>{1, 1, 1, 1}}}, {flat_x, flat_w});
  EXPECT_EQ(y.shape, (Shape{1, 3, 1, 7, 6}));
  EXPECT_EQ(y.floats, flat.floats);
}

TEST(Conv, EmptyBatchGivesEmptyResult) {
  Array x = Array::of({0, 2, 5, 5}, {}), w = Array::of({3, 2, 3, 3}, std::vector<float>(54, 1.0f));
  EXPECT_EQ(run_one("Conv", {}, {x, w}).shape, (Shape{0, 3, 3, 3}));
  Array last = Array::of({0, 5, 5, 2}, {});
  EXPECT_EQ(run_one("ConvNhwc", {}, {last, w}, How::prepare).shape, (Shape{0, 3, 3, 3}));
}

TEST(Conv, AutoPadKeepsTheSize) {
  Array x = Array::of({1, 1, 5, 5}, std::vector<float>(25, 1.0f)), w = Array::of({1, 1, 2, 2}, {1, 1, 1, 1});
  Array upper = run_one("Conv", {{"auto_pad", std::string("SAME_UPPER")}}, {x, w});
  Array lower = run_one("Conv", {{"auto_pad", std::string("SAME_LOWER")}}, {x, w});
  EXPECT_EQ(upper.shape, (Shape{1, 1, 5, 5}));
  EXPECT_EQ(upper.floats.back(), 1.0f);
  EXPECT_EQ(upper.floats.front(), 4.0f);
  EXPECT_EQ(lower.floats.front(), 1.0f);
  EXPECT_EQ(lower.floats.back(), 4.0f);
}

TEST(Conv, RefusesWhatDoesNotFit) {
  Array x = Array::of({1, 2, 3, 3}, std::vector<float>(18)),
        w = Array::of({2, 2, 3, 3}, std::vector<float>(36));
  EXPECT_FALSE(run("Conv", {{"group", std::int64_t{0}}}, {x, w}).ok());
  EXPECT_FALSE(run("Conv", {{"group", std::int64_t{2}}}, {x, w}).ok());
  EXPECT_FALSE(run("Conv", {{"strides", std::vector<std::int64_t>{0, 1}}}, {x, w}).ok());
  EXPECT_FALSE(run("Conv", {{"dilations", std::vector<std::int64_t>{9, 1}}}, {x, w}).ok());
  EXPECT_FALSE(run("Conv", {{"pads", std::vector<std::int64_t>{-1, 0, 0, 0}}}, {x, w}).ok());
  EXPECT_FALSE(run("ConvNhwc", {}, {Array::of({1, 3, 3, 5}, std::vector<float>(45)), w}).ok());
}

}  // namespace
}  // namespace mlq::test
