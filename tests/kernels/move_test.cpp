// Operators that move elements, judged by index arithmetic on arrays that hold their own positions.
#include <gtest/gtest.h>

#include <functional>

#include "tests/kernels/run.h"

namespace mlq::test {
namespace {

using Ints = std::vector<std::int64_t>;

Array counting(Shape shape) {
  Array a = Array::of(shape, std::vector<float>(static_cast<std::size_t>(*element_count(shape))));
  for (std::size_t i = 0; i < a.floats.size(); ++i) a.floats[i] = static_cast<float>(i);
  return a;
}

// The array whose element at each position is what `source` reads from `x`; positions outside give -1.
Array read(const Array& x, Shape shape, const std::function<Ints(const Ints&)>& source) {
  Array y = counting(shape);
  for (std::size_t i = 0; i < y.floats.size(); ++i) {
    Ints at(shape.size());
    std::int64_t rest = static_cast<std::int64_t>(i);
    for (std::size_t d = shape.size(); d-- > 0; rest /= shape[d]) at[d] = rest % shape[d];
    Ints from = source(at);
    std::int64_t offset = 0;
    bool outside = false;
    for (std::size_t d = 0; d < from.size(); ++d) {
      outside |= from[d] < 0 || from[d] >= x.shape[d];
      offset = offset * x.shape[d] + from[d];
    }
    y.floats[i] = outside ? -1.0f : x.floats[offset];
  }
  return y;
}

Shape random_shape(std::mt19937& random, std::int64_t low, std::int64_t high) {
  Shape s;
  for (std::int64_t d = pick(random, low, high); d-- > 0;) s.push_back(pick(random, 1, 6));
  return s;
}

TEST(Move, TransposeOfAnyRank) {
  std::mt19937 random(9);
  for (int round = 0; round < 200; ++round) {
    Array x = counting(random_shape(random, 0, 5));
    Ints perm(x.shape.size());
    for (std::size_t i = 0; i < perm.size(); ++i) perm[i] = static_cast<std::int64_t>(i);
    std::shuffle(perm.begin(), perm.end(), random);
    Shape y;
    for (auto p : perm) y.push_back(x.shape[p]);
    expect_near(run_one("Transpose", {{"perm", perm}}, {x}), read(x, y, [&](const Ints& at) {
                  Ints from(at.size());
                  for (std::size_t d = 0; d < at.size(); ++d) from[perm[d]] = at[d];
                  return from;
                }));
  }
  Array big = counting({2, 35, 37});
  expect_near(run_one("Transpose", {{"perm", Ints{0, 2, 1}}}, {big}),
              read(big, {2, 37, 35}, [](const Ints& at) {
                return Ints{at[0], at[2], at[1]};
              }));
  EXPECT_FALSE(run("Transpose", {{"perm", Ints{0, 0, 1}}}, {big}).ok());
}

TEST(Move, SliceWithStepsOfEitherSign) {
  std::mt19937 random(10);
  for (int round = 0; round < 200; ++round) {
    Array x = counting(random_shape(random, 1, 4));
    Ints starts, ends, axes, steps;
    Shape y = x.shape;
    Ints first(y.size(), 0), stride(y.size(), 1);
    for (std::size_t d = 0; d < y.size(); ++d) {
      std::int64_t n = x.shape[d], count = pick(random, 1, n), step = pick(random, 1, 3);
      count = std::min(count, (n - 1) / step + 1);
      std::int64_t low = pick(random, 0, n - 1 - (count - 1) * step), high = low + (count - 1) * step;
      bool back = pick(random, 0, 1);
      first[d] = back ? high : low, stride[d] = back ? -step : step, y[d] = count;
      starts.push_back(pick(random, 0, 1) ? first[d] : first[d] - n);
      ends.push_back(back ? (low == 0 ? -n - 1 : low - 1) : (high == n - 1 ? 1 << 30 : high + 1));
      axes.push_back(pick(random, 0, 1) ? static_cast<std::int64_t>(d)
                                        : static_cast<std::int64_t>(d) - static_cast<std::int64_t>(y.size()));
      steps.push_back(stride[d]);
    }
    std::int64_t n = static_cast<std::int64_t>(y.size());
    Array actual = run_one("Slice", {},
                           {x, Array::of_ints({n}, starts), Array::of_ints({n}, ends),
                            Array::of_ints({n}, axes), Array::of_ints({n}, steps)});
    expect_near(actual, read(x, y, [&](const Ints& at) {
                  Ints from(at.size());
                  for (std::size_t d = 0; d < at.size(); ++d) from[d] = first[d] + at[d] * stride[d];
                  return from;
                }));
  }
  Array empty = run_one("Slice", {{"starts", Ints{3}}, {"ends", Ints{1}}}, {counting({5, 2})});
  EXPECT_EQ(empty.shape, (Shape{0, 2}));
}

TEST(Move, PadInAllModes) {
  std::mt19937 random(11);
  for (int round = 0; round < 200; ++round) {
    Array x = counting(random_shape(random, 1, 4));
    std::size_t n = x.shape.size();
    Ints pads(2 * n);
    Shape y = x.shape;
    int mode = static_cast<int>(pick(random, 0, 2));
    for (std::size_t d = 0; d < n; ++d) {
      std::int64_t most = mode == 1 ? x.shape[d] - 1 : 3;
      pads[d] = pick(random, 0, most), pads[n + d] = pick(random, 0, most);
      if (mode != 1 && x.shape[d] > 2 && pick(random, 0, 3) == 0) pads[d] = -1;
      y[d] += pads[d] + pads[n + d];
    }
    const char* names[] = {"constant", "reflect", "edge"};
    Array expected = read(x, y, [&](const Ints& at) {
      Ints from(n);
      for (std::size_t d = 0; d < n; ++d) {
        std::int64_t p = at[d] - pads[d], last = x.shape[d] - 1;
        if (mode == 1) p = p < 0 ? -p : p > last ? 2 * last - p : p;
        if (mode == 2) p = std::clamp<std::int64_t>(p, 0, last);
        from[d] = p;
      }
      return from;
    });
    expect_near(
        run_one("Pad", {{"mode", std::string(names[mode])}},
                {x, Array::of_ints({static_cast<std::int64_t>(2 * n)}, pads), Array::of({}, {-1.0f})}),
        expected);
  }
}

TEST(Move, ConcatAndSplitAreEachOthersInverse) {
  std::mt19937 random(12);
  for (int round = 0; round < 100; ++round) {
    Array x = counting(random_shape(random, 1, 4));
    std::int64_t axis = pick(random, 0, static_cast<std::int64_t>(x.shape.size()) - 1),
                 first = pick(random, 0, x.shape[axis]);
    auto parts = run("Split", {{"axis", axis}}, {x, Array::of_ints({2}, {first, x.shape[axis] - first})}, 2);
    ASSERT_TRUE(parts.ok()) << parts.error();
    Shape y = x.shape;
    y[axis] -= first;
    expect_near((*parts)[1], read(x, y, [&](Ints at) { return at[axis] += first, at; }));
    expect_near(run_one("Concat", {{"axis", axis}}, *parts), x);
  }
  EXPECT_FALSE(run("Concat", {{"axis", std::int64_t{0}}}, {counting({2, 3}), counting({2, 4})}).ok());
}

TEST(Move, ExpandAndTile) {
  Array x = counting({2, 1, 3});
  expect_near(run_one("Expand", {}, {x, Array::of_ints({4}, {2, 1, 4, 1})}),
              read(x, {2, 2, 4, 3}, [](const Ints& at) {
                return Ints{at[1], 0, at[3]};
              }));
  expect_near(run_one("Tile", {}, {x, Array::of_ints({3}, {2, 3, 2})}),
              read(x, {4, 3, 6}, [](const Ints& at) {
                return Ints{at[0] % 2, 0, at[2] % 3};
              }));
  EXPECT_FALSE(run("Tile", {}, {x, Array::of_ints({3}, {1 << 30, 1 << 30, 1 << 30})}).ok());
}

TEST(Move, DepthAndSpace) {
  Array x = counting({2, 12, 3, 2});
  Array deep = run_one("DepthToSpace", {{"blocksize", std::int64_t{2}}}, {x});
  expect_near(deep, read(x, {2, 3, 6, 4}, [](const Ints& at) {
                return Ints{at[0], (at[2] % 2 * 2 + at[3] % 2) * 3 + at[1], at[2] / 2, at[3] / 2};
              }));
  expect_near(run_one("DepthToSpace", {{"blocksize", std::int64_t{2}}, {"mode", std::string("CRD")}}, {x}),
              read(x, {2, 3, 6, 4}, [](const Ints& at) {
                return Ints{at[0], at[1] * 4 + at[2] % 2 * 2 + at[3] % 2, at[2] / 2, at[3] / 2};
              }));
  expect_near(run_one("SpaceToDepth", {{"blocksize", std::int64_t{2}}}, {deep}), x);
}

TEST(Move, ReshapeFamily) {
  Array x = counting({2, 3, 4});
  EXPECT_EQ(run_one("Reshape", {}, {x, Array::of_ints({3}, {0, -1, 2})}).shape, (Shape{2, 6, 2}));
  EXPECT_EQ(run_one("Flatten", {{"axis", std::int64_t{2}}}, {x}).shape, (Shape{6, 4}));
  EXPECT_EQ(run_one("Unsqueeze", {}, {x, Array::of_ints({2}, {0, -1})}).shape, (Shape{1, 2, 3, 4, 1}));
  EXPECT_EQ(run_one("Squeeze", {}, {counting({1, 3, 1})}).shape, (Shape{3}));
  EXPECT_EQ(run_one("Reshape", {}, {x, Array::of_ints({1}, {-1})}).floats, x.floats);
  EXPECT_FALSE(run("Reshape", {}, {x, Array::of_ints({2}, {5, -1})}).ok());
  EXPECT_FALSE(run("Reshape", {}, {x, Array::of_ints({2}, {-1, -1})}).ok());
  EXPECT_FALSE(run("Squeeze", {{"axes", Ints{0}}}, {x}).ok());
}

TEST(Move, GatherKinds) {
  Array x = counting({3, 4, 2});
  expect_near(run_one("Gather", {{"axis", std::int64_t{1}}}, {x, Array::of_ints({2, 2}, {0, -1, 2, 0})}),
              read(x, {3, 2, 2, 2}, [](const Ints& at) {
                const std::int64_t index[] = {0, 3, 2, 0};
                return Ints{at[0], index[at[1] * 2 + at[2]], at[3]};
              }));
  expect_near(run_one("GatherElements", {{"axis", std::int64_t{0}}},
                      {counting({3, 2}), Array::of_ints({2, 2}, {2, 0, -1, 1})}),
              Array::of({2, 2}, {4, 1, 4, 3}));
  expect_near(run_one("GatherND", {}, {x, Array::of_ints({2, 2}, {2, 1, 0, -1})}),
              Array::of({2, 2}, {18, 19, 6, 7}));
  expect_near(run_one("GatherND", {{"batch_dims", std::int64_t{1}}}, {x, Array::of_ints({3, 1}, {1, 0, 3})}),
              Array::of({3, 2}, {2, 3, 8, 9, 22, 23}));
  EXPECT_FALSE(run("Gather", {}, {x, Array::of_ints({1}, {3})}).ok());
  EXPECT_FALSE(run("GatherND", {}, {x, Array::of_ints({1, 1}, {-4})}).ok());
}

TEST(Move, ScatterKinds) {
  Array x = counting({2, 3});
  Array i = Array::of_ints({2, 2}, {0, 2, 1, 1}), u = Array::of({2, 2}, {10, 20, 30, 40});
  expect_near(run_one("ScatterElements", {{"axis", std::int64_t{1}}}, {x, i, u}),
              Array::of({2, 3}, {10, 1, 20, 3, 40, 5}));
  expect_near(
      run_one("ScatterElements", {{"axis", std::int64_t{1}}, {"reduction", std::string("add")}}, {x, i, u}),
      Array::of({2, 3}, {10, 1, 22, 3, 74, 5}));
  Array tuples = Array::of_ints({2, 1}, {1, 1}), rows = Array::of({2, 3}, {1, 2, 3, 4, 5, 6});
  expect_near(run_one("ScatterND", {}, {x, tuples, rows}), Array::of({2, 3}, {0, 1, 2, 4, 5, 6}));
  expect_near(run_one("ScatterND", {{"reduction", std::string("mul")}}, {x, tuples, rows}),
              Array::of({2, 3}, {0, 1, 2, 12, 40, 90}));
  EXPECT_FALSE(run("ScatterND", {}, {x, Array::of_ints({2, 1}, {0, 2}), rows}).ok());
}

TEST(Move, ShapesAndWhatIsMadeOfThem) {
  Array x = counting({2, 3, 4});
  EXPECT_EQ(run_one("Shape", {}, {x}).ints, (Ints{2, 3, 4}));
  EXPECT_EQ(run_one("Shape", {{"start", std::int64_t{-2}}}, {x}).ints, (Ints{3, 4}));
  EXPECT_EQ(run_one("Size", {}, {x}).ints, (Ints{24}));
  EXPECT_EQ(
      run_one("Range", {}, {Array::of_ints({}, {7}), Array::of_ints({}, {0}), Array::of_ints({}, {-3})}).ints,
      (Ints{7, 4, 1}));
  EXPECT_EQ(run_one("ConstantOfShape", {{"value", 2.5f}}, {Array::of_ints({2}, {1, 2})}).floats,
            (std::vector<float>{2.5f, 2.5f}));
  EXPECT_EQ(
      run_one("OneHot", {}, {Array::of_ints({2}, {2, -3}), Array::of_ints({}, {3}), Array::of({2}, {0, 5})})
          .floats,
      (std::vector<float>{0, 0, 5, 5, 0, 0}));
  Array m = counting({3, 3});
  EXPECT_EQ(run_one("Trilu", {}, {m}).floats, (std::vector<float>{0, 1, 2, 0, 4, 5, 0, 0, 8}));
  EXPECT_EQ(run_one("Trilu", {{"upper", std::int64_t{0}}}, {m, Array::of_ints({}, {-1})}).floats,
            (std::vector<float>{0, 0, 0, 3, 0, 0, 6, 7, 0}));
  EXPECT_EQ(run_one("BandPart", {{"lower", std::int64_t{0}}, {"upper", std::int64_t{1}}}, {m}).floats,
            (std::vector<float>{0, 1, 0, 0, 4, 5, 0, 0, 8}));
  Array nonzero = run_one("NonZero", {}, {Array::of({2, 2}, {1, 0, -0.0f, 3})});
  EXPECT_EQ(nonzero.shape, (Shape{2, 2}));
  EXPECT_EQ(nonzero.ints, (Ints{0, 1, 0, 1}));
  EXPECT_FALSE(
      run("Range", {}, {Array::of_ints({}, {0}), Array::of_ints({}, {5}), Array::of_ints({}, {0})}).ok());
}

}  // namespace
}  // namespace mlq::test
