// Operators that add up: products, reductions, statistics, resizing, recurrent layers, against loops in
// double.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/kernels/run.h"

namespace mlq::test {
namespace {

using Ints = std::vector<std::int64_t>;

// [m, k] x [k, n], either read transposed.
std::vector<double> multiply(const float* a, const float* b, std::int64_t m, std::int64_t n, std::int64_t k,
                             bool ta, bool tb) {
  std::vector<double> y(m * n, 0.0);
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j)
      for (std::int64_t l = 0; l < k; ++l)
        y[i * n + j] +=
            static_cast<double>(ta ? a[l * m + i] : a[i * k + l]) * (tb ? b[j * k + l] : b[l * n + j]);
  return y;
}

TEST(Sum, GemmAndDense) {
  std::mt19937 random(13);
  for (int round = 0; round < 100; ++round) {
    SCOPED_TRACE(round);
    std::int64_t m = pick(random, 1, 9), n = pick(random, 1, 20), k = pick(random, 1, 33),
                 ta = pick(random, 0, 1), tb = pick(random, 0, 1);
    Array a = random_array(random, ta ? Shape{k, m} : Shape{m, k}),
          b = random_array(random, tb ? Shape{n, k} : Shape{k, n});
    Array c = random_array(random, {n}), s = random_array(random, {n}), y = Array::of({m, n}, {}), d = y;
    auto exact = multiply(a.floats.data(), b.floats.data(), m, n, k, ta, tb);
    for (std::size_t i = 0; i < exact.size(); ++i) {
      y.floats.push_back(static_cast<float>(0.5 * exact[i] + 2.0 * c.floats[i % n]));
      d.floats.push_back(std::max(-0.5f, static_cast<float>(exact[i] * s.floats[i % n] + c.floats[i % n])));
    }
    expect_near(run_one("Gemm", {{"transA", ta}, {"transB", tb}, {"alpha", 0.5f}, {"beta", 2.0f}}, {a, b, c}),
                y);
    if (ta) continue;
    for (How how : {How::evaluate, How::prepare})
      expect_near(run_one("Dense", {{"transB", tb}, {"activation_min", -0.5f}}, {a, b, c, s}, how), d);
  }
}

TEST(Sum, MatMulOfBatches) {
  std::mt19937 random(14);
  Array a = random_array(random, {2, 1, 3, 4}), b = random_array(random, {5, 4, 2}),
        y = Array::of({2, 5, 3, 2}, {});
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 5; ++j)
      for (double v : multiply(a.floats.data() + i * 12, b.floats.data() + j * 8, 3, 2, 4, false, false))
        y.floats.push_back(static_cast<float>(v));
  expect_near(run_one("MatMul", {}, {a, b}), y);
  EXPECT_EQ(run_one("MatMul", {}, {random_array(random, {4}), b}).shape, (Shape{5, 2}));
  EXPECT_EQ(run_one("MatMul", {}, {a, random_array(random, {4})}).shape, (Shape{2, 1, 3}));
  EXPECT_EQ(run_one("MatMul", {}, {Array::of({2, 0}, {}), Array::of({0, 2}, {})}).floats,
            (std::vector<float>{0, 0, 0, 0}));
  EXPECT_FALSE(run("MatMul", {}, {a, random_array(random, {3, 4})}).ok());
  expect_near(run_one("Einsum", {{"equation", std::string("abij, cjk -> acik")}},
                      {random_array(random, {0, 1, 3, 4}), b}),
              Array::of({0, 5, 3, 2}, {}));
  Array e = run_one("Einsum", {{"equation", std::string("...ij,...jk")}}, {a, b});
  expect_near(e, y);
  expect_near(run_one("Einsum", {{"equation", std::string("ii->")}}, {Array::of({2, 2}, {1, 2, 3, 4})}),
              Array::of({}, {5}));
}

TEST(Sum, Reductions) {
  std::mt19937 random(15);
  for (int round = 0; round < 60; ++round) {
    Shape s{pick(random, 1, 4), pick(random, 1, 5), pick(random, 1, 6)};
    Array x = random_array(random, s);
    unsigned mask = static_cast<unsigned>(pick(random, 1, 7));
    Ints axes;
    Shape kept = s;
    for (int d = 0; d < 3; ++d)
      if (mask >> d & 1) axes.push_back(d - (round % 2 ? 3 : 0)), kept[d] = 1;
    std::size_t n = static_cast<std::size_t>(*element_count(kept));
    std::vector<double> sum(n), squares(n), absolute(n), product(n, 1), largest(n, -9), exponents(n);
    double count = static_cast<double>(x.floats.size()) / static_cast<double>(n);
    for (std::int64_t i = 0; i < s[0]; ++i)
      for (std::int64_t j = 0; j < s[1]; ++j)
        for (std::int64_t k = 0; k < s[2]; ++k) {
          double v = x.floats[(i * s[1] + j) * s[2] + k];
          auto at =
              ((kept[0] > 1 ? i : 0) * kept[1] + (kept[1] > 1 ? j : 0)) * kept[2] + (kept[2] > 1 ? k : 0);
          sum[at] += v, squares[at] += v * v, absolute[at] += std::fabs(v), product[at] *= v,
              exponents[at] += std::exp(v);
          largest[at] = std::max(largest[at], v);
        }
    auto expect = [&](const char* op, auto value) {
      SCOPED_TRACE(op);
      Array y = Array::of(kept, {});
      for (std::size_t i = 0; i < n; ++i) y.floats.push_back(static_cast<float>(value(i)));
      expect_near(run_one(op, {{"axes", axes}}, {x}), y);
    };
    expect("ReduceSum", [&](std::size_t i) { return sum[i]; });
    expect("ReduceMean", [&](std::size_t i) { return sum[i] / count; });
    expect("ReduceL1", [&](std::size_t i) { return absolute[i]; });
    expect("ReduceL2", [&](std::size_t i) { return std::sqrt(squares[i]); });
    expect("ReduceSumSquare", [&](std::size_t i) { return squares[i]; });
    expect("ReduceProd", [&](std::size_t i) { return product[i]; });
    expect("ReduceMax", [&](std::size_t i) { return largest[i]; });
    expect("ReduceLogSumExp", [&](std::size_t i) { return std::log(exponents[i]); });
  }
  EXPECT_EQ(run_one("ReduceMin", {{"keepdims", std::int64_t{0}}}, {Array::of_ints({3}, {4, -2, 9})}).ints,
            (Ints{-2}));
}

TEST(Sum, Softmax) {
  std::mt19937 random(16);
  for (int round = 0; round < 50; ++round) {
    Shape s{pick(random, 1, 4), pick(random, 1, 5), pick(random, 1, 6)};
    Array x = random_array(random, s), y = x, z = x;
    for (float& v : x.floats) v *= 100;
    std::int64_t axis = pick(random, 0, 2), inner = 1;
    for (std::int64_t d = axis + 1; d < 3; ++d) inner *= s[d];
    for (std::size_t i = 0; i < x.floats.size(); ++i) {
      auto at = static_cast<std::int64_t>(i);
      std::int64_t start = at / (inner * s[axis]) * inner * s[axis] + at % inner;
      double total = 0;
      for (std::int64_t k = 0; k < s[axis]; ++k)
        total += std::exp(static_cast<double>(x.floats[start + k * inner]) - x.floats[i]);
      y.floats[i] = static_cast<float>(1 / total), z.floats[i] = static_cast<float>(-std::log(total));
    }
    expect_near(run_one("Softmax", {{"axis", axis}}, {x}), y);
    expect_near(run_one("LogSoftmax", {{"axis", axis - 3}}, {x}), z);
  }
}

TEST(Sum, Normalizations) {
  std::mt19937 random(17);
  std::int64_t n = 2, c = 3, p = 20;
  Array x = random_array(random, {n, c, 4, 5}), g = random_array(random, {c}), b = random_array(random, {c});
  Array mean = random_array(random, {c}), var = random_array(random, {c}), batch = x, instance = x, lrn = x;
  for (float& v : var.floats) v = v * v + 0.1f;
  for (std::int64_t i = 0; i < n * c; ++i) {
    std::int64_t k = i % c;
    double sum = 0, squares = 0;
    for (std::int64_t j = 0; j < p; ++j) sum += x.floats[i * p + j];
    for (std::int64_t j = 0; j < p; ++j) squares += std::pow(x.floats[i * p + j] - sum / p, 2);
    for (std::int64_t j = 0; j < p; ++j) {
      double v = x.floats[i * p + j], around = 0;
      batch.floats[i * p + j] = static_cast<float>(
          (v - mean.floats[k]) / std::sqrt(var.floats[k] + 1e-3) * g.floats[k] + b.floats[k]);
      instance.floats[i * p + j] =
          static_cast<float>((v - sum / p) / std::sqrt(squares / p + 1e-3) * g.floats[k] + b.floats[k]);
      for (std::int64_t q = std::max<std::int64_t>(0, k - 1); q <= std::min(c - 1, k + 1); ++q)
        around += std::pow(x.floats[(i - k + q) * p + j], 2);
      lrn.floats[i * p + j] = static_cast<float>(v / std::pow(2.0 + 0.5 / 3 * around, 0.75));
    }
  }
  Attributes epsilon{{"epsilon", 1e-3f}}, local{{"size", std::int64_t{3}}, {"alpha", 0.5f}, {"bias", 2.0f}};
  expect_near(run_one("BatchNormalization", epsilon, {x, g, b, mean, var}), batch);
  expect_near(run_one("InstanceNormalization", epsilon, {x, g, b}), instance);
  expect_near(run_one("InstanceNormalizationNhwc", epsilon, {to_nhwc(x), g, b}), to_nhwc(instance));
  expect_near(run_one("LRN", local, {x}), lrn);
  expect_near(run_one("LRNNhwc", local, {to_nhwc(x)}), to_nhwc(lrn));
  Array unit = run_one("MeanVarianceNormalization", {{"axes", Ints{2, 3}}, {"epsilon", 1e-3f}}, {x});
  Array ones = Array::of({c}, {1, 1, 1}), zeros = Array::of({c}, {0, 0, 0});
  expect_near(unit, run_one("InstanceNormalization", epsilon, {x, ones, zeros}));
  Array flat = x;
  flat.shape = {n * c, p};
  Array layer = run_one("LayerNormalization", epsilon, {flat, Array::of({1}, {1.0f})});
  EXPECT_EQ(layer.floats.size(), unit.floats.size());
  layer.shape = unit.shape;
  expect_near(layer, unit);
  Array lp = run_one("LpNormalization", {{"axis", std::int64_t{1}}}, {Array::of({1, 2}, {3, 4})});
  expect_near(lp, Array::of({1, 2}, {0.6f, 0.8f}));
}

TEST(Sum, ResizeByEachRule) {
  std::mt19937 random(18);
  const char* rules[] = {"half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"};
  for (int round = 0; round < 100; ++round) {
    std::string rule = rules[round % 4];
    std::int64_t h = pick(random, 1, 6), w = pick(random, 1, 6), oh = pick(random, 1, 11),
                 ow = pick(random, 1, 11);
    Array x = random_array(random, {1, 2, h, w}), y = Array::of({1, 2, oh, ow}, {});
    auto position = [&](std::int64_t i, std::int64_t from, std::int64_t to) {
      double scale = static_cast<double>(to) / static_cast<double>(from), v = static_cast<double>(i);
      if (rule == "asymmetric")
        v = v / scale;
      else if (rule == "align_corners")
        v = to == 1 ? 0 : v * static_cast<double>(from - 1) / static_cast<double>(to - 1);
      else
        v = rule == "pytorch_half_pixel" && to == 1 ? 0 : (v + 0.5) / scale - 0.5;
      return std::min(std::max(v, 0.0), static_cast<double>(from - 1));
    };
    for (std::int64_t c = 0; c < 2; ++c)
      for (std::int64_t i = 0; i < oh; ++i)
        for (std::int64_t j = 0; j < ow; ++j) {
          double r = position(i, h, oh), q = position(j, w, ow);
          auto r0 = static_cast<std::int64_t>(r), q0 = static_cast<std::int64_t>(q);
          auto cell = [&](std::int64_t a, std::int64_t b) {
            return static_cast<double>(x.floats[(c * h + std::min(a, h - 1)) * w + std::min(b, w - 1)]);
          };
          double u = r - static_cast<double>(r0), v = q - static_cast<double>(q0);
          y.floats.push_back(static_cast<float>((1 - u) * ((1 - v) * cell(r0, q0) + v * cell(r0, q0 + 1)) +
                                                u * ((1 - v) * cell(r0 + 1, q0) + v * cell(r0 + 1, q0 + 1))));
        }
    expect_near(run_one("Resize", {{"mode", std::string("linear")}, {"coordinate_transformation_mode", rule}},
                        {x, Array::none(), Array::none(), Array::of_ints({4}, {1, 2, oh, ow})}),
                y);
  }
  Array row = Array::of({1, 1, 1, 2}, {1, 2});
  EXPECT_EQ(run_one("Upsample", {{"scales", std::vector<float>{1, 1, 2, 2}}}, {row}).floats,
            (std::vector<float>{1, 1, 2, 2, 1, 1, 2, 2}));
  EXPECT_FALSE(run("Upsample", {{"scales", std::vector<float>{1, 1, -2, 2}}}, {row}).ok());
}

TEST(Sum, OrderAlongAnAxis) {
  Array x = Array::of({2, 3}, {1, 3, 2, 5, 5, 4});
  EXPECT_EQ(run_one("ArgMax", {{"axis", std::int64_t{1}}}, {x}).ints, (Ints{1, 0}));
  EXPECT_EQ(run_one("ArgMax", {{"axis", std::int64_t{1}}, {"select_last_index", std::int64_t{1}}}, {x}).ints,
            (Ints{1, 1}));
  EXPECT_EQ(run_one("ArgMin", {{"axis", std::int64_t{0}}, {"keepdims", std::int64_t{0}}}, {x}).ints,
            (Ints{0, 0, 0}));
  auto top = run("TopK", {}, {x, Array::of_ints({1}, {2})}, 2);
  ASSERT_TRUE(top.ok());
  EXPECT_EQ((*top)[0].floats, (std::vector<float>{3, 2, 5, 5}));
  EXPECT_EQ((*top)[1].ints, (Ints{1, 2, 0, 1}));
  EXPECT_EQ(run_one("CumSum", {}, {x, Array::of_ints({}, {1})}).floats,
            (std::vector<float>{1, 4, 6, 5, 10, 14}));
  EXPECT_EQ(run_one("CumSum", {{"reverse", std::int64_t{1}}, {"exclusive", std::int64_t{1}}},
                    {x, Array::of_ints({}, {1})})
                .floats,
            (std::vector<float>{5, 2, 0, 9, 4, 0}));
  Array nan = Array::of({3}, {NAN, 1, NAN});
  EXPECT_TRUE(run("TopK", {}, {nan, Array::of_ints({1}, {3})}, 2).ok());
}

// One LSTM cell with peepholes, written out.
TEST(Sum, LstmStepByStep) {
  std::mt19937 random(19);
  std::int64_t steps = 4, batch = 2, inputs = 3, hidden = 2;
  Array x = random_array(random, {steps, batch, inputs}), w = random_array(random, {1, 4 * hidden, inputs});
  Array r = random_array(random, {1, 4 * hidden, hidden}), b = random_array(random, {1, 8 * hidden}),
        p = random_array(random, {1, 3 * hidden});
  auto results =
      run("LSTM", {{"hidden_size", hidden}}, {x, w, r, b, Array::none(), Array::none(), Array::none(), p}, 3);
  ASSERT_TRUE(results.ok()) << results.error();
  auto sig = [](double v) { return 1 / (1 + std::exp(-v)); };
  for (std::int64_t n = 0; n < batch; ++n) {
    std::vector<double> h(hidden), c(hidden);
    for (std::int64_t t = 0; t < steps; ++t) {
      auto gate = [&](std::int64_t k, std::int64_t i) {
        std::int64_t row = k * hidden + i;
        double sum = b.floats[row] + b.floats[4 * hidden + row];
        for (std::int64_t j = 0; j < inputs; ++j)
          sum += static_cast<double>(w.floats[row * inputs + j]) * x.floats[(t * batch + n) * inputs + j];
        for (std::int64_t j = 0; j < hidden; ++j) sum += r.floats[row * hidden + j] * h[j];
        return sum;
      };
      std::vector<double> next(hidden), cell(hidden);
      for (std::int64_t i = 0; i < hidden; ++i) {
        double in = sig(gate(0, i) + p.floats[i] * c[i]),
               forget = sig(gate(2, i) + p.floats[2 * hidden + i] * c[i]);
        cell[i] = forget * c[i] + in * std::tanh(gate(3, i));
        next[i] = sig(gate(1, i) + p.floats[hidden + i] * cell[i]) * std::tanh(cell[i]);
      }
      h = next, c = cell;
      for (std::int64_t i = 0; i < hidden; ++i)
        EXPECT_NEAR((*results)[0].floats[(t * batch + n) * hidden + i], h[i], 1e-5);
    }
    for (std::int64_t i = 0; i < hidden; ++i) EXPECT_NEAR((*results)[2].floats[n * hidden + i], c[i], 1e-5);
  }
}

TEST(Sum, RecurrentDirections) {
  std::mt19937 random(20);
  for (std::string op : {"RNN", "GRU", "LSTM"}) {
    std::int64_t gates = op == "LSTM" ? 4 : op == "GRU" ? 3 : 1;
    Array x = random_array(random, {5, 1, 3}), w = random_array(random, {2, gates * 2, 3}),
          r = random_array(random, {2, gates * 2, 2});
    auto half = [](const Array& a, std::int64_t d) {
      Array part = a;
      part.shape[0] = 1;
      auto n = static_cast<std::int64_t>(a.floats.size()) / 2;
      part.floats.assign(a.floats.begin() + d * n, a.floats.begin() + (d + 1) * n);
      return part;
    };
    Array both = run_one(op, {{"direction", std::string("bidirectional")}}, {x, w, r});
    Array forward = run_one(op, {}, {x, half(w, 0), half(r, 0)});
    Array reverse = run_one(op, {{"direction", std::string("reverse")}}, {x, half(w, 1), half(r, 1)});
    ASSERT_EQ(both.shape, (Shape{5, 2, 1, 2}));
    for (int t = 0; t < 5; ++t)
      for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(both.floats[t * 4 + i], forward.floats[t * 2 + i]);
        EXPECT_EQ(both.floats[t * 4 + 2 + i], reverse.floats[t * 2 + i]);
      }
  }
}

TEST(Sum, RandomNumbersRepeat) {
  Array like = Array::of({4000}, std::vector<float>(4000));
  Array a = run_one("RandomNormalLike", {{"seed", 3.0f}, {"mean", 1.0f}, {"scale", 2.0f}}, {like});
  Array b = run_one("RandomNormalLike", {{"seed", 3.0f}, {"mean", 1.0f}, {"scale", 2.0f}}, {like});
  EXPECT_EQ(a.floats, b.floats);
  double mean = 0, squares = 0;
  for (float v : a.floats) mean += v / 4000, squares += (v - 1.0) * (v - 1.0) / 4000;
  EXPECT_NEAR(mean, 1, 0.15);
  EXPECT_NEAR(squares, 4, 0.4);
  Array u = run_one("RandomUniformLike", {{"seed", 4.0f}, {"low", 2.0f}, {"high", 3.0f}}, {like});
  for (float v : u.floats) ASSERT_TRUE(v >= 2 && v <= 3);
}

TEST(Sum, SuppressionKeepsTheBestOfOverlapping) {
  Array boxes = Array::of({1, 3, 4}, {0, 0, 1, 1, 0, 0.1f, 1, 1.1f, 0, 5, 1, 6}),
        scores = Array::of({1, 1, 3}, {0.6f, 0.9f, 0.3f});
  Array y = run_one("NonMaxSuppression", {},
                    {boxes, scores, Array::of_ints({}, {10}), Array::of({}, {0.5f}), Array::of({}, {0.1f})});
  EXPECT_EQ(y.shape, (Shape{2, 3}));
  EXPECT_EQ(y.ints, (Ints{0, 0, 1, 0, 0, 2}));
}

}  // namespace
}  // namespace mlq::test
