// Our own convolutions against sums written out in double, at shapes that they are for, and at sizes that
// leave rests of every kind: of tiles, of registers, of panels.
#include "runtime-stub/kernels/vector_conv.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "runtime-stub/src/threads.h"
#include "tests/kernels/run.h"

namespace mlq::test {
namespace {

using kernels::Plane2d;

struct Case {
  Plane2d plane;
  std::vector<float> x, weights, bias;
};

// Memory after the operand is read by no kernel of ours, so plain vectors do.
Case make_case(std::mt19937& random, Plane2d p) {
  for (int a = 0; a < 2; ++a) {
    const std::int64_t size = a == 0 ? p.height : p.width, extent = (p.kernel[a] - 1) * p.dilation[a] + 1;
    (a == 0 ? p.out_height : p.out_width) = (size + p.before[a] + p.after[a] - extent) / p.stride[a] + 1;
  }
  return {p, random_array(random, {p.batch * p.height * p.width * p.channels}).floats,
          random_array(random, {p.out_channels * p.kernel[0] * p.kernel[1] * p.channels}).floats,
          random_array(random, {p.out_channels}).floats};
}

Plane2d random_plane(std::mt19937& random) {
  Plane2d p;
  p.batch = pick(random, 1, 2), p.height = pick(random, 9, 21), p.width = pick(random, 9, 21);
  p.channels = pick(random, 1, 40), p.out_channels = pick(random, 16, 150);
  for (int a = 0; a < 2; ++a) {
    p.kernel[a] = pick(random, 1, 4), p.stride[a] = pick(random, 1, 2), p.dilation[a] = pick(random, 1, 2);
    p.before[a] = pick(random, 0, 2), p.after[a] = pick(random, 0, 2);
  }
  p.lowest = -std::numeric_limits<float>::infinity(), p.highest = std::numeric_limits<float>::infinity();
  return p;
}

Plane2d random_winograd_plane(std::mt19937& random) {
  Plane2d p = random_plane(random);
  p.channels = 16 * pick(random, 1, 3), p.height += 3, p.width += 3;
  for (int a = 0; a < 2; ++a) p.kernel[a] = 3, p.stride[a] = p.dilation[a] = 1;
  return p;
}

double sum_at(const Case& c, std::int64_t n, std::int64_t r, std::int64_t q, std::int64_t f) {
  const Plane2d& p = c.plane;
  double sum = c.bias[f];
  for (std::int64_t i = 0; i < p.kernel[0]; ++i)
    for (std::int64_t j = 0; j < p.kernel[1]; ++j) {
      const std::int64_t row = r * p.stride[0] + i * p.dilation[0] - p.before[0],
                         column = q * p.stride[1] + j * p.dilation[1] - p.before[1];
      if (row < 0 || row >= p.height || column < 0 || column >= p.width) continue;
      const float* x = c.x.data() + ((n * p.height + row) * p.width + column) * p.channels;
      const float* w = c.weights.data() + ((f * p.kernel[0] + i) * p.kernel[1] + j) * p.channels;
      for (std::int64_t k = 0; k < p.channels; ++k) sum += static_cast<double>(x[k]) * w[k];
    }
  return sum;
}

// The largest difference from the sums, clamped, over what the sums may reach.
double error_of(const Case& c, const std::vector<float>& y, std::int64_t stride) {
  const Plane2d& p = c.plane;
  double worst = 0;
  std::size_t place = 0;
  for (std::int64_t n = 0; n < p.batch; ++n)
    for (std::int64_t r = 0; r < p.out_height; ++r)
      for (std::int64_t q = 0; q < p.out_width; ++q, ++place)
        for (std::int64_t f = 0; f < p.out_channels; ++f) {
          const double sum = std::min<double>(p.highest, std::max<double>(p.lowest, sum_at(c, n, r, q, f)));
          worst = std::max(worst, std::abs(sum - y[place * stride + f]));
        }
  return worst / std::sqrt(static_cast<double>(p.kernel[0] * p.kernel[1] * p.channels));
}

using Make = kernels::PreparedOrNull (*)(const Plane2d&, const float*, const float*, const kernels::Buffers&);

// The results, places `stride` apart with -7 in between; empty on a machine that the kernel is not for.
std::vector<float> run_case(Make make, const Case& c, std::int64_t stride, void* threads = nullptr) {
  Plane2d p = c.plane;
  p.out_stride = stride;
  std::vector<float> y(p.batch * p.out_height * p.out_width * stride, -7.0f);
  auto made = make(p, c.weights.data(), c.bias.data(), {c.x.data(), y.data(), threads});
  if (!made || !made->run(threads)) return {};
  return y;
}

void expect_sums(Make make, Plane2d (*plane)(std::mt19937&), double tolerance) {
  std::mt19937 random(7);
  for (int round = 0; round < 40; ++round) {
    SCOPED_TRACE(round);
    Plane2d p = plane(random);
    if (round % 3 == 0) p.lowest = -0.5f, p.highest = 1.5f;
    const Case c = make_case(random, p);
    const std::int64_t stride = c.plane.out_channels + (round % 2 ? 5 : 0);
    const std::vector<float> y = run_case(make, c, stride);
    if (y.empty())
      GTEST_SKIP() << "this machine's instruction set, or this build, has no vector code of ours";
    EXPECT_LE(error_of(c, y, stride), tolerance);
    for (std::size_t i = 0; i < y.size(); ++i)
      if (static_cast<std::int64_t>(i) % stride >= c.plane.out_channels) {
        ASSERT_EQ(y[i], -7.0f);
      }
  }
}

TEST(DirectConv, EqualsTheSumWrittenOut) { expect_sums(kernels::direct_conv, random_plane, 2e-6); }

TEST(WinogradConv, EqualsTheSumWrittenOut) {
  expect_sums(kernels::winograd_conv, random_winograd_plane, 2e-5);
}

TEST(VectorConv, GivesTheSameBitsWithTwoThreads) {
  std::mt19937 random(8);
  const Threads threads(2);
  for (const std::int64_t size : {12, 40})  // few tiles and many
    for (Make make : {kernels::direct_conv, kernels::winograd_conv}) {
      Plane2d p = random_winograd_plane(random);
      p.height = p.width = size, p.out_channels = 144;
      const Case c = make_case(random, p);
      const std::vector<float> alone = run_case(make, c, 144);
      if (alone.empty()) GTEST_SKIP() << "no vector code of ours for this machine, or in this build";
      EXPECT_EQ(run_case(make, c, 144, threads.pool()), alone);
    }
}

TEST(VectorConv, PassesWhatIsNotANumber) {
  std::mt19937 random(9);
  for (Make make : {kernels::direct_conv, kernels::winograd_conv}) {
    Plane2d p = random_winograd_plane(random);
    p.height = p.width = 12, p.lowest = 0;
    Case c = make_case(random, p);
    std::fill(c.x.begin(), c.x.end(), std::numeric_limits<float>::quiet_NaN());
    for (const float y : run_case(make, c, c.plane.out_channels)) ASSERT_TRUE(std::isnan(y));
  }
}

TEST(VectorConv, LeavesOtherShapesToTheLibrary) {
  std::mt19937 random(10);
  Plane2d p = random_winograd_plane(random);
  p.channels = p.out_channels = p.groups = 32;
  const Case grouped = make_case(random, p);
  EXPECT_TRUE(run_case(kernels::winograd_conv, grouped, 32).empty());
  EXPECT_TRUE(run_case(kernels::direct_conv, grouped, 32).empty());
  p.groups = 1, p.stride[1] = 2;
  EXPECT_TRUE(run_case(kernels::winograd_conv, make_case(random, p), 32).empty());
}

}  // namespace
}  // namespace mlq::test
