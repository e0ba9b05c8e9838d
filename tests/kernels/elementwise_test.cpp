// Element by element: each function against the C library in double, broadcasting against index arithmetic.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "tests/kernels/run.h"

namespace mlq::test {
namespace {

using Function = std::function<double(double)>;
struct Unary {
  const char* op;
  Function f;
  float low = -3, high = 3;
  Attributes attributes = {};
};

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double softplus(double x) { return std::log(1 + std::exp(x)); }

const std::vector<Unary>& unaries() {
  static const std::vector<Unary> list = {
      {"Relu", [](double x) { return std::max(x, 0.0); }},
      {"Neg", [](double x) { return -x; }},
      {"Abs", [](double x) { return std::fabs(x); }},
      {"Sign", [](double x) { return (x > 0) - (x < 0); }},
      {"Square", [](double x) { return x * x; }},
      {"Sqrt", [](double x) { return std::sqrt(x); }, 0, 9},
      {"Rsqrt", [](double x) { return 1 / std::sqrt(x); }, 0.1f, 9},
      {"Reciprocal", [](double x) { return 1 / x; }, 0.1f, 5},
      {"Log", [](double x) { return std::log(x); }, 0.01f, 9},
      {"Exp", [](double x) { return std::exp(x); }},
      {"Exp2", [](double x) { return std::exp2(x); }},
      {"Sigmoid", sigmoid, -20, 20},
      {"Tanh", [](double x) { return std::tanh(x); }, -12, 12},
      {"Ceil", [](double x) { return std::ceil(x); }},
      {"Floor", [](double x) { return std::floor(x); }},
      {"Round", [](double x) { return std::nearbyint(x); }},
      {"Trunc", [](double x) { return std::trunc(x); }},
      {"Erf", [](double x) { return std::erf(x); }},
      {"Sin", [](double x) { return std::sin(x); }},
      {"Cos", [](double x) { return std::cos(x); }},
      {"Tan", [](double x) { return std::tan(x); }, -1, 1},
      {"Asin", [](double x) { return std::asin(x); }, -1, 1},
      {"Acos", [](double x) { return std::acos(x); }, -1, 1},
      {"Atan", [](double x) { return std::atan(x); }},
      {"Sinh", [](double x) { return std::sinh(x); }},
      {"Cosh", [](double x) { return std::cosh(x); }},
      {"Asinh", [](double x) { return std::asinh(x); }},
      {"Acosh", [](double x) { return std::acosh(x); }, 1, 9},
      {"Atanh", [](double x) { return std::atanh(x); }, -0.9f, 0.9f},
      {"Softsign", [](double x) { return x / (1 + std::fabs(x)); }},
      {"Softplus", softplus},
      {"HardSwish", [](double x) { return x * std::min(std::max(x / 6 + 0.5, 0.0), 1.0); }, -6, 6},
      {"Mish", [](double x) { return x * std::tanh(softplus(x)); }},
      {"LeakyRelu", [](double x) { return x < 0 ? 0.2 * x : x; }, -3, 3, {{"alpha", 0.2f}}},
      {"Elu", [](double x) { return x < 0 ? 0.7 * (std::exp(x) - 1) : x; }, -3, 3, {{"alpha", 0.7f}}},
      {"Celu", [](double x) { return x < 0 ? 2 * (std::exp(x / 2) - 1) : x; }, -3, 3, {{"alpha", 2.0f}}},
      {"Selu",
       [](double x) { return x < 0 ? 3 * 2 * (std::exp(x) - 1) : 3 * x; },
       -3,
       3,
       {{"alpha", 2.0f}, {"gamma", 3.0f}}},
      {"HardSigmoid",
       [](double x) { return std::min(std::max(0.3 * x + 0.4, 0.0), 1.0); },
       -3,
       3,
       {{"alpha", 0.3f}, {"beta", 0.4f}}},
      {"ThresholdedRelu", [](double x) { return x > 0.5 ? x : 0; }, -3, 3, {{"alpha", 0.5f}}},
      {"Shrink",
       [](double x) { return x < -1  ? x + 0.5
                             : x > 1 ? x - 0.5
                                     : 0; },
       -3,
       3,
       {{"lambd", 1.0f}, {"bias", 0.5f}}},
      {"Gelu", [](double x) { return x * 0.5 * (1 + std::erf(x / std::sqrt(2.0))); }},
      {"Gelu",
       [](double x) { return x * sigmoid(1.702 * x); },
       -3,
       3,
       {{"approximate", std::string("sigmoid")}}},
      {"Gelu",
       [](double x) { return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))); },
       -3,
       3,
       {{"approximate", std::string("tanh")}}},
      {"Clip",
       [](double x) { return std::min(std::max(x, -1.0), 0.5); },
       -3,
       3,
       {{"min", -1.0f}, {"max", 0.5f}}},
  };
  return list;
}

TEST(Elementwise, FunctionsOfOneOperand) {
  std::mt19937 random(7);
  for (const Unary& u : unaries()) {
    SCOPED_TRACE(u.op);
    Array x = random_array(random, {3, 0, 2});
    EXPECT_EQ(run_one(u.op, u.attributes, {x}).shape, x.shape);
    x = random_array(random, {3, 7, 5});
    for (float& v : x.floats) v = u.low + (v + 1) / 2 * (u.high - u.low);
    Array expected = x;
    for (float& v : expected.floats) v = static_cast<float>(u.f(static_cast<double>(v)));
    expect_near(run_one(u.op, u.attributes, {x}), expected, 2e-6f);
  }
}

TEST(Elementwise, RoundsHalvesToEven) {
  Array y = run_one("Round", {}, {Array::of({5}, {0.5f, 1.5f, 2.5f, -0.5f, -2.5f})});
  EXPECT_EQ(y.floats, (std::vector<float>{0, 2, 2, 0, -2}));
}

TEST(Elementwise, ExtremesDoNotOverflow) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  Array x = Array::of({4}, {-infinity, -1000, 1000, infinity});
  expect_near(run_one("Sigmoid", {}, {x}), Array::of({4}, {0, 0, 1, 1}));
  EXPECT_EQ(run_one("Tanh", {}, {x}).floats, (std::vector<float>{-1, -1, 1, 1}));
  EXPECT_EQ(run_one("Softplus", {}, {x}).floats, (std::vector<float>{0, 0, 1000, infinity}));
}

using Binary = std::function<double(double, double)>;

double at(const Array& a, const Shape& target, std::size_t index) {
  std::int64_t offset = 0, stride = 1, rest = static_cast<std::int64_t>(index);
  for (std::size_t back = 0; back < target.size(); ++back) {
    std::int64_t size = target[target.size() - 1 - back], position = rest % size;
    rest /= size;
    if (back >= a.shape.size()) continue;
    std::int64_t own = a.shape[a.shape.size() - 1 - back];
    offset += (own == 1 ? 0 : position) * stride;
    stride *= own;
  }
  return a.type == DataType::float32 ? static_cast<double>(a.floats[offset])
                                     : static_cast<double>(a.ints[offset]);
}

TEST(Elementwise, BinaryOperatorsBroadcast) {
  const std::vector<std::pair<const char*, Binary>> ops = {
      {"Add", [](double a, double b) { return a + b; }},
      {"Sub", [](double a, double b) { return a - b; }},
      {"Mul", [](double a, double b) { return a * b; }},
      {"Div", [](double a, double b) { return a / b; }},
      {"Pow", [](double a, double b) { return std::pow(a, b); }},
      {"Min", [](double a, double b) { return std::min(a, b); }},
      {"Max", [](double a, double b) { return std::max(a, b); }},
      {"Mean", [](double a, double b) { return (a + b) / 2; }},
      {"SquaredDifference", [](double a, double b) { return (a - b) * (a - b); }},
      {"FloorDiv", [](double a, double b) { return std::floor(a / b); }},
  };
  std::mt19937 random(8);
  for (int round = 0; round < 200; ++round) {
    Shape target, sa, sb;
    for (std::int64_t d = pick(random, 0, 5); d-- > 0;) target.push_back(pick(random, 1, 5));
    sa = sb = target;
    for (std::size_t d = 0; d < target.size(); ++d) {
      if (pick(random, 0, 2) == 0)
        sa[d] = 1;
      else if (pick(random, 0, 2) == 0)
        sb[d] = 1;
    }
    while (!sb.empty() && sb[0] == 1 && pick(random, 0, 1)) sb.erase(sb.begin());
    Array a = random_array(random, sa), b = random_array(random, sb);
    for (float& v : a.floats) v = v + 2.0f;
    for (float& v : b.floats) v = v + 2.0f;
    b.constant = false;
    for (const auto& [op, f] : ops)
      for (How how : {How::evaluate, How::prepare}) {
        SCOPED_TRACE(op);
        Array y = run_one(op, {}, {a, b}, how);
        ASSERT_EQ(y.shape, target);
        for (std::size_t i = 0; i < y.floats.size(); ++i) {
          double expected = f(at(a, target, i), at(b, target, i));
          ASSERT_NEAR(y.floats[i], expected, 1e-5 * std::max(1.0, std::fabs(expected)));
        }
      }
  }
}

TEST(Elementwise, IntegersDoNotTrap) {
  constexpr std::int64_t lowest = std::numeric_limits<std::int64_t>::min();
  Array a = Array::of_ints({4}, {7, -7, lowest, 5}), b = Array::of_ints({4}, {2, 2, -1, 0});
  EXPECT_EQ(run_one("Div", {}, {a, b}).ints, (std::vector<std::int64_t>{3, -3, lowest, 0}));
  EXPECT_EQ(run_one("FloorDiv", {}, {a, b}).ints, (std::vector<std::int64_t>{3, -4, lowest, 0}));
  EXPECT_EQ(run_one("Mod", {}, {a, b}).ints, (std::vector<std::int64_t>{1, 1, 0, 0}));
  EXPECT_EQ(run_one("Neg", {}, {a}).ints, (std::vector<std::int64_t>{-7, 7, lowest, -5}));
  EXPECT_EQ(run_one("Pow", {}, {Array::of_ints({3}, {3, -2, 0}), Array::of_ints({3}, {4, 3, 0})}).ints,
            (std::vector<std::int64_t>{81, -8, 1}));
}

TEST(Elementwise, ComparisonsLogicAndSelection) {
  Array a = Array::of({3}, {1, 2, NAN}), b = Array::of({3}, {2, 2, 2});
  EXPECT_EQ(run_one("Less", {}, {a, b}).bytes, (std::vector<std::uint8_t>{1, 0, 0}));
  EXPECT_EQ(run_one("GreaterOrEqual", {}, {a, b}).bytes, (std::vector<std::uint8_t>{0, 1, 0}));
  EXPECT_EQ(run_one("Equal", {}, {a, b}).bytes, (std::vector<std::uint8_t>{0, 1, 0}));
  EXPECT_EQ(run_one("NotEqual", {}, {a, b}).bytes, (std::vector<std::uint8_t>{1, 0, 1}));
  Array p = Array::of_bools({4}, {0, 0, 1, 1}), q = Array::of_bools({4}, {0, 1, 0, 1});
  EXPECT_EQ(run_one("And", {}, {p, q}).bytes, (std::vector<std::uint8_t>{0, 0, 0, 1}));
  EXPECT_EQ(run_one("Or", {}, {p, q}).bytes, (std::vector<std::uint8_t>{0, 1, 1, 1}));
  EXPECT_EQ(run_one("Xor", {}, {p, q}).bytes, (std::vector<std::uint8_t>{0, 1, 1, 0}));
  EXPECT_EQ(run_one("Not", {}, {p}).bytes, (std::vector<std::uint8_t>{1, 1, 0, 0}));
  Array y =
      run_one("Where", {}, {Array::of_bools({2, 1}, {1, 0}), Array::of({3}, {1, 2, 3}), Array::of({1}, {9})});
  EXPECT_EQ(y.shape, (Shape{2, 3}));
  EXPECT_EQ(y.floats, (std::vector<float>{1, 2, 3, 9, 9, 9}));
  EXPECT_FALSE(run("Add", {}, {Array::of({2}, {1, 2}), Array::of({3}, {1, 2, 3})}).ok());
  EXPECT_FALSE(run("Add", {}, {Array::of({1}, {1}), Array::of_ints({1}, {1})}).ok());
}

TEST(Elementwise, CastPinsWhatDoesNotFit) {
  Array x = Array::of({5}, {1.9f, -1.9f, 1e30f, NAN, -1e30f});
  EXPECT_EQ(run_one("Cast", {{"to", std::int64_t{7}}}, {x}).ints,
            (std::vector<std::int64_t>{1, -1, std::numeric_limits<std::int64_t>::max(), 0,
                                       std::numeric_limits<std::int64_t>::min()}));
  EXPECT_EQ(run_one("Cast", {{"to", std::int64_t{9}}}, {x}).bytes,
            (std::vector<std::uint8_t>{1, 1, 1, 1, 1}));
  EXPECT_EQ(run_one("Cast", {{"to", std::int64_t{1}}}, {Array::of_ints({2}, {3, -4})}).floats,
            (std::vector<float>{3, -4}));
  EXPECT_FALSE(run("Cast", {{"to", std::int64_t{99}}}, {x}).ok());
}

}  // namespace
}  // namespace mlq::test
