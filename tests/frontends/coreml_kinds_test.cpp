// Kinds that no conformance case has, each against loops written from the format's description.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "tests/frontends/coreml_one_layer.h"

namespace mlqc {
namespace {

using namespace coreml;
using test::Blob;
using test::Floats;
using test::OneLayer;
using test::wave;
using Numbers = std::vector<double>;

using Fill = std::function<void(NeuralNetworkLayer&)>;
Floats run(std::vector<Blob> inputs, const Fill& setup, bool rank5 = true) {
  OneLayer net(std::move(inputs), 1, rank5);
  setup(net.layer());
  return net.run()[0];
}

// f at every place of a picture [C, H, W].
Numbers each(std::int64_t c, std::int64_t h, std::int64_t w,
             const std::function<double(std::int64_t, std::int64_t, std::int64_t)>& f) {
  Numbers all;
  for (std::int64_t k = 0; k < c; ++k)
    for (std::int64_t i = 0; i < h; ++i)
      for (std::int64_t j = 0; j < w; ++j) all.push_back(f(k, i, j));
  return all;
}

struct PoolCase {
  int type, kernel, stride, pad;
  bool exclude, last;  // last: includeLastPixel
};

// The window's cells that lie in the picture; the padding's count is what the average may exclude.
double pool(const Blob& x, const PoolCase& p, std::int64_t c, std::int64_t i, std::int64_t j) {
  double sum = 0, squares = 0, most = -std::numeric_limits<double>::infinity();
  int inside = 0, padded = 0;
  for (int r = 0; r < p.kernel; ++r)
    for (int s = 0; s < p.kernel; ++s) {
      const std::int64_t h = i * p.stride - p.pad + r, w = j * p.stride - p.pad + s;
      padded += h < x.shape[1] + p.pad && w < x.shape[2] + p.pad;
      if (h < 0 || w < 0 || h >= x.shape[1] || w >= x.shape[2]) continue;
      const double v = x.at({c, h, w});
      ++inside;
      sum += v;
      squares += v * v;
      most = std::max(most, v);
    }
  if (p.type == Pooling::MAX) return most;
  if (p.type == Pooling::L2) return std::sqrt(squares);
  return sum / (p.exclude ? inside : p.last ? padded : p.kernel * p.kernel);
}

TEST(Kind, Pooling) {
  const Blob x = wave({2, 6, 7});
  for (const PoolCase& p : {PoolCase{0, 3, 1, 0, false, false},
                            {0, 2, 2, 1, false, false},
                            {1, 3, 2, 1, false, false},
                            {1, 3, 2, 1, true, false},
                            {2, 2, 2, 0, false, false},
                            {0, 2, 2, 0, false, true},
                            {0, 3, 2, 1, false, true}}) {
    SCOPED_TRACE(testing::Message() << p.type << " " << p.kernel << " " << p.stride << " " << p.last);
    const auto size = [&](std::int64_t n) {
      const std::int64_t room = n + 2 * p.pad - p.kernel;
      if (!p.last) return room / p.stride + 1;
      const std::int64_t out = (room + p.stride - 1) / p.stride + 1;
      return out - (p.pad > 0 && (out - 1) * p.stride >= n + p.pad);
    };
    const auto actual = run({x}, [&](NeuralNetworkLayer& layer) {
      Pooling& pooling = *layer.mutable_pooling();
      pooling.set_type(static_cast<Pooling::PoolingType>(p.type));
      for (int axis = 0; axis < 2; ++axis) {
        pooling.add_kernel_size(static_cast<std::uint64_t>(p.kernel));
        pooling.add_stride(static_cast<std::uint64_t>(p.stride));
        const auto pad = static_cast<std::uint64_t>(p.pad);
        if (p.last) {
          pooling.mutable_include_last_pixel()->add_padding_amounts(pad);
        } else {
          EdgeSizes& edge = *pooling.mutable_valid()->mutable_padding_amounts()->add_border_amounts();
          edge.set_start_edge_size(pad);
          edge.set_end_edge_size(pad);
        }
      }
      pooling.set_avg_pool_exclude_padding(p.exclude);
    });
    test::expect_near(actual,
                      each(2, size(6), size(7), [&](auto c, auto i, auto j) { return pool(x, p, c, i, j); }));
  }
}

TEST(Kind, PoolingOverTheWholePicture) {
  const Blob x = wave({3, 4, 5});
  const auto actual = run({x}, [](NeuralNetworkLayer& layer) {
    layer.mutable_pooling()->set_type(Pooling::AVERAGE);
    layer.mutable_pooling()->set_global_pooling(true);
    layer.mutable_pooling()->mutable_valid();
  });
  test::expect_near(actual, each(3, 1, 1, [&](auto c, auto, auto) {
                      double sum = 0;
                      for (int i = 0; i < 4; ++i)
                        for (int j = 0; j < 5; ++j) sum += x.at({c, i, j});
                      return sum / 20;
                    }));
}

TEST(Kind, Embedding) {
  const Blob table = wave({3, 5});  // channels by words
  const Floats bias{0.5f, -1, 2};
  for (const float word : {0.0f, 4.0f, 2.0f}) {
    const auto actual = run({{{1}, {word}}}, [&](NeuralNetworkLayer& layer) {
      Embedding& e = *layer.mutable_embedding();
      e.set_input_dim(5);
      e.set_output_channels(3);
      e.set_with_bias(true);
      test::set_floats(*e.mutable_weights(), table.values);
      test::set_floats(*e.mutable_bias(), bias);
    });
    test::expect_near(
        actual, each(3, 1, 1, [&](auto c, auto, auto) {
          return double{table.at({c, static_cast<std::int64_t>(word)})} + bias[static_cast<std::size_t>(c)];
        }));
  }
}

TEST(Kind, Batchnorm) {
  const Blob x = wave({2, 3, 4});
  const Floats gamma{2, -1}, beta{0.5f, 3}, mean{0.25f, -1}, variance{4, 0.5f};
  for (const bool instance : {false, true}) {
    const auto actual = run({x}, [&](NeuralNetworkLayer& layer) {
      Batchnorm& p = *layer.mutable_batchnorm();
      p.set_channels(2);
      p.set_compute_mean_var(instance);
      p.set_instance_normalization(instance);
      p.set_epsilon(0.125f);
      test::set_floats(*p.mutable_gamma(), gamma);
      test::set_floats(*p.mutable_beta(), beta);
      if (instance) return;
      test::set_floats(*p.mutable_mean(), mean);
      test::set_floats(*p.mutable_variance(), variance);
    });
    test::expect_near(actual, each(2, 3, 4, [&](auto c, auto i, auto j) {
                        const auto k = static_cast<std::size_t>(c);
                        double m = mean[k], v = variance[k];
                        if (instance) {
                          m = v = 0;
                          for (int n = 0; n < 12; ++n) m += x.at({c, n / 4, n % 4}) / 12.0;
                          for (int n = 0; n < 12; ++n) v += std::pow(x.at({c, n / 4, n % 4}) - m, 2) / 12;
                        }
                        return gamma[k] * (x.at({c, i, j}) - m) / std::sqrt(v + 0.125) + beta[k];
                      }));
  }
}

TEST(Kind, Softmax) {
  const Blob x = wave({3, 2, 2});
  test::expect_near(run({x}, [](NeuralNetworkLayer& layer) { layer.mutable_softmax(); }),
                    each(3, 2, 2, [&](auto c, auto i, auto j) {
                      double sum = 0;
                      for (int k = 0; k < 3; ++k) sum += std::exp(x.at({k, i, j}));
                      return std::exp(x.at({c, i, j})) / sum;
                    }));
}

TEST(Kind, CropByAmountsAndToAnotherBlob) {
  const Blob x = wave({2, 5, 6});
  const auto expected = each(2, 2, 3, [&](auto c, auto i, auto j) {
    return double{x.at({c, i + 1, j + 2})};
  });
  test::expect_near(run({x},
                        [](NeuralNetworkLayer& layer) {
                          BorderAmounts& amounts = *layer.mutable_crop()->mutable_crop_amounts();
                          for (const auto& [start, end] : {std::pair(1, 2), std::pair(2, 1)}) {
                            EdgeSizes& edge = *amounts.add_border_amounts();
                            edge.set_start_edge_size(static_cast<std::uint64_t>(start));
                            edge.set_end_edge_size(static_cast<std::uint64_t>(end));
                          }
                        }),
                    expected);
  test::expect_near(run({x, wave({2, 2, 3})},
                        [](NeuralNetworkLayer& layer) {
                          for (const unsigned offset : {1u, 2u}) layer.mutable_crop()->add_offset(offset);
                        }),
                    expected);
}

// The old kinds let one number or one for each channel meet a picture.
TEST(Kind, MultiplyAverageMaxOfSeveralBlobs) {
  const Blob x = wave({2, 2, 3}), y = wave({2, 2, 3}, 1), channels = wave({2, 1, 1}, 2);
  const auto at = [&](auto c, auto i, auto j) {
    return Numbers{x.at({c, i, j}), y.at({c, i, j}), channels.at({c, 0, 0})};
  };
  const auto expected = [&](const std::function<double(const Numbers&)>& f) {
    return each(2, 2, 3, [&](auto c, auto i, auto j) { return f(at(c, i, j)); });
  };
  test::expect_near(run({x, y, channels}, [](NeuralNetworkLayer& l) { l.mutable_multiply(); }),
                    expected([](const Numbers& n) { return n[0] * n[1] * n[2]; }));
  test::expect_near(run({x}, [](NeuralNetworkLayer& l) { l.mutable_multiply()->set_alpha(3); }),
                    expected([](const Numbers& n) { return 3 * n[0]; }));
  test::expect_near(run({x, y}, [](NeuralNetworkLayer& l) { l.mutable_average(); }),
                    expected([](const Numbers& n) { return (n[0] + n[1]) / 2; }));
  test::expect_near(run({x, y, channels}, [](NeuralNetworkLayer& l) { l.mutable_max(); }),
                    expected([](const Numbers& n) {
                      return std::max({n[0], n[1], n[2]});
                    }));
}

TEST(Kind, Dot) {
  const Blob x = wave({4}), y = wave({4}, 1);
  double xy = 0, xx = 0, yy = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    xy += double{x.values[i]} * y.values[i];
    xx += double{x.values[i]} * x.values[i];
    yy += double{y.values[i]} * y.values[i];
  }
  for (const bool cosine : {false, true})
    test::expect_near(
        run({x, y}, [&](NeuralNetworkLayer& l) { l.mutable_dot()->set_cosine_similarity(cosine); }),
        {cosine ? xy / std::sqrt(xx * yy) : xy});
}

double reduce(int mode, const Numbers& v) {
  double sum = 0, product = 1, logs = 0, squares = 0, l1 = 0;
  for (const double x : v) {
    sum += x;
    product *= x;
    logs += std::log(x + 1e-6);
    squares += x * x;
    l1 += std::abs(x);
  }
  const double largest = *std::max_element(v.begin(), v.end());
  const double place = static_cast<double>(std::max_element(v.begin(), v.end()) - v.begin());
  const Numbers by_mode{
      sum,     sum / static_cast<double>(v.size()),   product, logs, squares, l1, std::sqrt(squares),
      largest, *std::min_element(v.begin(), v.end()), place};
  return by_mode[static_cast<std::size_t>(mode)];
}

TEST(Kind, ReduceInEachModeOverEachAxis) {
  Blob x = wave({2, 3, 4});
  for (float& v : x.values) v = std::abs(v) + 0.1f;  // logarithms
  for (int axis = Reduce::CHW; axis <= Reduce::W; ++axis) {
    const bool c = axis == Reduce::CHW || axis == Reduce::C;
    const bool h = axis == Reduce::CHW || axis == Reduce::HW || axis == Reduce::H;
    const bool w = axis == Reduce::CHW || axis == Reduce::HW || axis == Reduce::W;
    for (int mode = Reduce::SUM; mode <= (axis < Reduce::C ? Reduce::MIN : Reduce::ARGMAX); ++mode) {
      SCOPED_TRACE(testing::Message() << mode << " over " << axis);
      const auto actual = run({x}, [&](NeuralNetworkLayer& layer) {
        layer.mutable_reduce()->set_mode(static_cast<Reduce::ReduceOperation>(mode));
        layer.mutable_reduce()->set_axis(static_cast<Reduce::ReduceAxis>(axis));
      });
      test::expect_near(actual, each(c ? 1 : 2, h ? 1 : 3, w ? 1 : 4, [&](auto k, auto i, auto j) {
                          Numbers values;
                          for (std::int64_t a = c ? 0 : k; a < (c ? 2 : k + 1); ++a)
                            for (std::int64_t d = h ? 0 : i; d < (h ? 3 : i + 1); ++d)
                              for (std::int64_t e = w ? 0 : j; e < (w ? 4 : j + 1); ++e)
                                values.push_back(x.at({a, d, e}));
                          return reduce(mode, values);
                        }));
    }
  }
}

TEST(Kind, FlattenInBothOrders) {
  const Blob x = wave({2, 3, 4});
  test::expect_near(run({x}, [](NeuralNetworkLayer& l) { l.mutable_flatten(); }),
                    Numbers(x.values.begin(), x.values.end()));
  Numbers last;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 4; ++j)
      for (int c = 0; c < 2; ++c) last.push_back(x.at({c, i, j}));
  test::expect_near(
      run({x}, [](NeuralNetworkLayer& l) { l.mutable_flatten()->set_mode(Flatten::CHANNEL_LAST); }), last);
}

TEST(Kind, Permute) {
  const Blob x = wave({2, 3, 4});
  test::expect_near(run({x},
                        [](NeuralNetworkLayer& l) {
                          for (const unsigned axis : {0u, 3u, 1u, 2u}) l.mutable_permute()->add_axis(axis);
                        }),
                    each(4, 2, 3, [&](auto w, auto c, auto h) {
                      return double{x.at({c, h, w})};
                    }));
}

TEST(Kind, ConcatOfChannels) {
  const Blob x = wave({2, 2, 2}), y = wave({1, 2, 2}, 1);
  Numbers expected(x.values.begin(), x.values.end());
  expected.insert(expected.end(), y.values.begin(), y.values.end());
  test::expect_near(run({x, y}, [](NeuralNetworkLayer& l) { l.mutable_concat(); }), expected);
}

TEST(Kind, ConcatOfSequencesAndSequenceRepeat) {
  const Blob x = wave({2, 1, 3, 1, 1}), y = wave({1, 1, 3, 1, 1}, 1);
  Numbers expected(x.values.begin(), x.values.end());
  expected.insert(expected.end(), y.values.begin(), y.values.end());
  test::expect_near(
      run(
          {x, y}, [](NeuralNetworkLayer& l) { l.mutable_concat()->set_sequence_concat(true); }, false),
      expected);
  Numbers twice(x.values.begin(), x.values.end());
  twice.insert(twice.end(), x.values.begin(), x.values.end());
  test::expect_near(
      run(
          {x}, [](NeuralNetworkLayer& l) { l.mutable_sequence_repeat()->set_n_repetitions(2); }, false),
      twice);
}

TEST(Kind, Slice) {
  const Blob x = wave({3, 4, 5});
  const auto slice = [&](int axis, int start, int end, unsigned stride) {
    return run({x}, [&](NeuralNetworkLayer& layer) {
      Slice& s = *layer.mutable_slice();
      s.set_axis(static_cast<Slice::SliceAxis>(axis));
      s.set_start_index(start);
      s.set_end_index(end);
      s.set_stride(stride);
    });
  };
  test::expect_near(slice(Slice::CHANNEL_AXIS, 1, 3, 1), each(2, 4, 5, [&](auto c, auto i, auto j) {
                      return double{x.at({c + 1, i, j})};
                    }));
  test::expect_near(slice(Slice::HEIGHT_AXIS, 0, -1, 2), each(3, 2, 5, [&](auto c, auto i, auto j) {
                      return double{x.at({c, 2 * i, j})};
                    }));
  test::expect_near(slice(Slice::WIDTH_AXIS, -3, -1, 1), each(3, 4, 2, [&](auto c, auto i, auto j) {
                      return double{x.at({c, i, j + 2})};
                    }));
}

TEST(Kind, FunctionsOfOneNumber) {
  const auto expect = [](const Fill& setup, double (*f)(double), float shift) {
    Blob x = wave({7});
    for (float& v : x.values) v += shift;
    Numbers expected;
    for (const float v : x.values) expected.push_back(f(v));
    test::expect_near(run({x}, setup, false), expected);
  };
  expect([](NeuralNetworkLayer& l) { l.mutable_copy(); }, [](double x) { return x; }, 0);
  expect([](NeuralNetworkLayer& l) { l.mutable_tan(); }, [](double x) { return std::tan(x); }, 0);
  expect([](NeuralNetworkLayer& l) { l.mutable_atan(); }, [](double x) { return std::atan(x); }, 0);
  expect([](NeuralNetworkLayer& l) { l.mutable_asinh(); }, [](double x) { return std::asinh(x); }, 0);
  expect([](NeuralNetworkLayer& l) { l.mutable_acosh(); }, [](double x) { return std::acosh(x); }, 4);
}

TEST(Kind, FunctionsOfTwoBlobsThatBroadcast) {
  Blob x = wave({2, 3}), y = wave({3}, 1);
  for (float& v : x.values) v = std::abs(v);
  x.values[1] = y.values[1] = x.values[2] = 0;
  const auto expect = [&](const Fill& setup, double (*f)(double, double)) {
    Numbers expected;
    for (int i = 0; i < 2; ++i)
      for (int j = 0; j < 3; ++j) expected.push_back(f(x.at({i, j}), y.at({j})));
    test::expect_near(run({x, y}, setup, false), expected);
  };
  expect([](NeuralNetworkLayer& l) { l.mutable_logical_and(); },
         [](double a, double b) { return a != 0 && b != 0 ? 1.0 : 0.0; });
  expect([](NeuralNetworkLayer& l) { l.mutable_min_broadcastable(); },
         [](double a, double b) { return std::min(a, b); });
  expect([](NeuralNetworkLayer& l) { l.mutable_max_broadcastable(); },
         [](double a, double b) { return std::max(a, b); });
  expect([](NeuralNetworkLayer& l) { l.mutable_add_broadcastable(); },
         [](double a, double b) { return a + b; });
  expect([](NeuralNetworkLayer& l) { l.mutable_subtract_broadcastable(); },
         [](double a, double b) { return a - b; });
  for (float& v : x.values) v += 0.5f;
  expect([](NeuralNetworkLayer& l) { l.mutable_pow_broadcastable(); },
         [](double a, double b) { return std::pow(a, b); });
}

TEST(Kind, GatherNd) {
  const Blob x = wave({3, 4, 2});
  Numbers expected;
  for (const auto& [i, j] : {std::pair(2, 1), std::pair(0, 3), std::pair(1, 0)})
    for (int k = 0; k < 2; ++k) expected.push_back(x.at({i, j, k}));
  test::expect_near(
      run(
          {x, {{3, 2}, {2, 1, 0, 3, 1, 0}}}, [](NeuralNetworkLayer& l) { l.mutable_gather_nd(); }, false),
      expected);
}

double met(int mode, double old, double now) {
  switch (mode) {
    case SCATTER_UPDATE:
      return now;
    case SCATTER_ADD:
      return old + now;
    case SCATTER_SUB:
      return old - now;
    case SCATTER_MUL:
      return old * now;
    case SCATTER_DIV:
      return old / now;
    case SCATTER_MAX:
      return std::max(old, now);
    default:
      return std::min(old, now);
  }
}

TEST(Kind, ScatterNdInEachMode) {
  const Blob x = wave({3, 2}), updates = wave({2, 2}, 1);
  for (int mode = SCATTER_UPDATE; mode <= SCATTER_MIN; ++mode) {
    Numbers expected(x.values.begin(), x.values.end());
    for (const auto& [row, update] : {std::pair(2u, 0u), std::pair(0u, 1u)})
      for (unsigned k = 0; k < 2; ++k)
        expected[2 * row + k] = met(mode, expected[2 * row + k], updates.values[2 * update + k]);
    const auto setup = [&](NeuralNetworkLayer& l) {
      l.mutable_scatter_nd()->set_mode(static_cast<ScatterMode>(mode));
    };
    test::expect_near(run({x, {{2, 1}, {2, 0}}, updates}, setup, false), expected);
  }
}

TEST(Kind, ConstantPadByAmountsAndToASize) {
  const Blob x = wave({2, 3});
  const auto expected = [&](int before, int left, int high, int wide) {
    Numbers all;
    for (int i = 0; i < high; ++i)
      for (int j = 0; j < wide; ++j) {
        const int r = i - before, c = j - left;
        all.push_back(r >= 0 && r < 2 && c >= 0 && c < 3 ? double{x.at({r, c})} : 7.5);
      }
    return all;
  };
  const auto pad = [&](std::initializer_list<unsigned> amounts, bool to_size) {
    return run(
        {x},
        [&](NeuralNetworkLayer& layer) {
          ConstantPadding& p = *layer.mutable_constant_pad();
          p.set_value(7.5f);
          p.set_pad_to_given_output_size_mode(to_size);
          for (const unsigned n : amounts) p.add_pad_amounts(n);
        },
        false);
  };
  test::expect_near(pad({0, 1, 2, 1}, false), expected(0, 2, 3, 6));
  test::expect_near(pad({0, 4, 5, 0}, true), expected(0, 2, 4, 5));
}

TEST(Kind, OneHotHasTheOffValueForWhatIsOutside) {
  for (const int axis : {-1, 0}) {
    Numbers expected;
    const Floats words{2, 0, -1, 9};
    for (int a = 0; a < (axis ? 4 : 3); ++a)
      for (int b = 0; b < (axis ? 3 : 4); ++b)
        expected.push_back(
            static_cast<int>(words[static_cast<std::size_t>(axis ? a : b)]) == (axis ? b : a) ? 5 : -1);
    test::expect_near(run(
                          {{{4}, words}},
                          [&](NeuralNetworkLayer& layer) {
                            OneHot& p = *layer.mutable_one_hot();
                            p.set_one_hot_vector_size(3);
                            p.set_axis(axis);
                            p.set_on_value(5);
                            p.set_off_value(-1);
                          },
                          false),
                      expected);
  }
}

TEST(Kind, CumSumInBothDirections) {
  const Blob x = wave({2, 4});
  for (const bool exclude : {false, true})
    for (const bool reverse : {false, true}) {
      Numbers expected(8);
      for (std::size_t row = 0; row < 2; ++row) {
        double sum = 0;
        for (std::size_t k = 0; k < 4; ++k) {
          const std::size_t at = 4 * row + (reverse ? 3 - k : k);
          expected[at] = exclude ? sum : sum + x.values[at];
          sum += x.values[at];
        }
      }
      test::expect_near(run(
                            {x},
                            [&](NeuralNetworkLayer& layer) {
                              layer.mutable_cum_sum()->set_axis(-1);
                              layer.mutable_cum_sum()->set_exclude_final_sum(exclude);
                              layer.mutable_cum_sum()->set_reverse(reverse);
                            },
                            false),
                        expected);
    }
}

}  // namespace
}  // namespace mlqc
