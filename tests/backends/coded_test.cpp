// Entropy-coded weights: what the compiler writes, the runtime reads.
#include "runtime-stub/src/coded.h"

#include <gmock/gmock.h>

#include <cmath>

#include "compiler/backends/code_weights.h"
#include "compiler/backends/formats.h"
#include "runtime-stub/src/artifact.h"
#include "runtime-stub/src/compressed.h"
#include "runtime-stub/src/trellis.h"
#include "tests/runtime/graphs.h"

namespace mlqc {
namespace {

using mlq::Model;
using mlq::Tensor;
using mlq::test::Builder;
using mlq::test::Random;
using testing::HasSubstr;

using Bytes = std::vector<std::byte>;

// Indices around the middle, as weights have them: far from evenly spread.
std::vector<std::uint32_t> bell(std::size_t count, int bits, std::uint64_t seed) {
  Random random(seed);
  const std::uint32_t most = bits == 16 ? 400 : (1u << bits) - 1;
  std::vector<std::uint32_t> indices(count);
  for (std::uint32_t& index : indices) {
    double sum = 0;
    for (int i = 0; i < 12; ++i) sum += static_cast<double>(random.below(1000)) / 1000;
    index = static_cast<std::uint32_t>(
        std::clamp(std::lround((sum / 6 - 0.5) * most), 0L, static_cast<long>(most)));
  }
  return indices;
}

// Bit by bit.
Bytes packed(const std::vector<std::uint32_t>& indices, int bits) {
  Bytes bytes((indices.size() * static_cast<std::size_t>(bits) + 7) / 8);
  std::size_t at = 0;
  for (const std::uint32_t index : indices)
    for (int b = bits; b-- > 0; ++at)
      if (index >> b & 1) bytes[at / 8] |= std::byte{0x80} >> at % 8;
  return bytes;
}

Tensor weights(std::int64_t rows, std::int64_t columns, int bits, bool table, bool per_channel) {
  mlq::Quantization q{bits, mlq::blocks_along(per_channel ? 0 : -1), {}, {}, {}};
  for (std::int64_t g = 0; g < (per_channel ? rows : 1); ++g) {
    for (int i = 0; table && i < 1 << bits; ++i) q.table.push_back(0.1f * static_cast<float>(i * i + g));
    if (!table) q.scale.push_back(0.01f * static_cast<float>(g + 1));
    if (!table) q.offset.push_back(-0.3f);
  }
  const auto count = static_cast<std::size_t>(rows * columns);
  const Bytes bytes = packed(bell(count, bits, 3), bits);
  return {"dense/weights",
          mlq::DataType::float32,
          {rows, columns},
          mlq::copy_data(std::span<const std::byte>(bytes)),
          q};
}

mlq::Graph dense(const Tensor& tensor) {
  Builder b;
  const auto x = b.input("x", {1, tensor.shape[1]});
  const auto w = add_tensor(b.graph, tensor);
  b.output(b.node("Gemm", {x, w}, "dense", {{"transB", std::int64_t{1}}}), {1, tensor.shape[0]});
  return b.finish();
}

Source source() { return {"model.mlmodel", {}, std::string(64, 'a'), "coreml"}; }

Bytes artifact(const Tensor& tensor) { return write_mlq_coded(source(), dense(tensor)); }

mlq::Result<Model> load(const Bytes& bytes) { return Model::from_bytes({std::span(bytes), nullptr, false}); }

std::vector<float> floats(const Tensor& tensor) {
  std::vector<float> values(static_cast<std::size_t>(*mlq::element_count(tensor.shape)));
  const mlq::Status status = mlq::dequantize(tensor, values);
  EXPECT_TRUE(status) << status.error();
  return values;
}

std::vector<float> weights_in(const Model& model) {
  for (const Tensor& tensor : model.graph().tensors)
    if (tensor.name == "dense/weights") return floats(tensor);
  return {};
}

TEST(Coded, ComesBackBitForBitAndSmaller) {
  for (const int bits : {1, 2, 3, 4, 5, 6, 7, 8, 16})
    for (const bool table : {false, true})
      for (const bool per_channel : {false, true}) {
        if (bits == 16 && table) continue;
        const Tensor tensor = weights(40, 500, bits, table, per_channel);
        const Bytes coded = artifact(tensor);
        const auto model = load(coded);
        ASSERT_TRUE(model) << model.error();
        EXPECT_EQ(weights_in(*model), floats(tensor)) << bits << table << per_channel;
        if (bits > 2) {
          EXPECT_LT(coded.size(), write_mlq(source(), dense(tensor)).size()) << bits;
        }
      }
}

TEST(Coded, KeepsGroupsInBlocks) {
  for (const bool table : {false, true}) {
    Tensor tensor = weights(40, 500, 4, table, true);
    mlq::Quantization& q = *tensor.quantization;
    q.blocks = {1, 300};
    for (auto* list : {&q.scale, &q.offset, &q.table})
      for (std::size_t n = list->size(), i = 0; i < n; ++i) list->push_back((*list)[i] * 1.5f);
    const auto model = load(artifact(tensor));
    ASSERT_TRUE(model) << model.error();
    EXPECT_EQ(weights_in(*model), floats(tensor));
  }
}

// More symbols than a chunk holds, and more than the one-byte streams' 256 levels.
TEST(Coded, HoldsLargeTensors) {
  for (const int bits : {4, 16}) {
    const Tensor tensor = weights(3, 500000, bits, false, true);
    const Bytes coded = artifact(tensor);
    const auto model = load(coded);
    ASSERT_TRUE(model) << model.error();
    EXPECT_EQ(weights_in(*model), floats(tensor));
  }
}

TEST(Coded, TakesCloseToTheEntropy) {
  const int bits = 6;
  const Tensor tensor = weights(300, 1000, bits, false, false);
  std::vector<double> counts(1 << bits);
  const auto indices = bell(300000, bits, 3);
  for (const std::uint32_t index : indices) ++counts[index];
  double entropy = 0;
  for (const double count : counts)
    if (count > 0) entropy -= count * std::log2(count / 300000);
  EXPECT_LT(static_cast<double>(code_weights(tensor).size()), 1.01 * entropy / 8 + 400);
}

// Rows of a fine and of a coarse scale by turns: each kind is coded by itself.
TEST(Coded, IndicesOfAScaleAreCodedTogether) {
  Tensor tensor = weights(400, 1000, 8, false, true);
  std::vector<std::uint32_t> indices = bell(400000, 8, 3);
  double sums[2][256] = {};
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const bool coarse = i / 1000 % 2 != 0;
    if (coarse) indices[i] = 112 + indices[i] / 8;
    ++sums[coarse][indices[i]];
  }
  for (std::size_t g = 0; g < 400; ++g) tensor.quantization->scale[g] = g % 2 != 0 ? 0.8f : 0.1f;
  const Bytes bytes = packed(indices, 8);
  tensor.data = mlq::copy_data(std::span<const std::byte>(bytes));
  double entropy = 0;
  for (const auto& counts : sums)
    for (const double count : counts)
      if (count > 0) entropy -= count * std::log2(count / 200000);
  EXPECT_LT(static_cast<double>(code_weights(tensor).size()), 1.01 * entropy / 8 + 3000);
  const auto model = load(artifact(tensor));
  ASSERT_TRUE(model) << model.error();
  EXPECT_EQ(weights_in(*model), floats(tensor));
}

// Weights whose low bits follow from others, in chains along any axis, are stored without them.
TEST(Coded, ATrellisTellsLowBits) {
  for (const int bits : {8, 16})
    for (const int axis : {0, 1}) {
      Tensor tensor = weights(200, 100, bits, false, true);
      Random random(5);
      const int along = static_cast<int>(tensor.shape[static_cast<std::size_t>(axis)]);
      tensor.quantization->trellis = mlq::Trellis{axis, 64};
      std::vector<std::uint32_t> indices = bell(20000, bits, 3);
      const std::size_t far = axis == 0 ? 100 : 1;  // from one weight of a chain to the next
      for (std::size_t chain = 0; chain < 20000 / static_cast<std::size_t>(along); ++chain) {
        unsigned state = 0;
        for (int i = 0; i < along; ++i) {
          if (i % 64 == 0) state = 0;
          std::uint32_t& index = indices[chain * (axis == 0 ? 1 : 100) + static_cast<std::size_t>(i) * far];
          index = (index & ~1u) | (state & 1);
          state = mlq::trellis::next(state, index >> 1 & 1);
        }
      }
      const Bytes bytes = packed(indices, bits);
      tensor.data = mlq::copy_data(std::span<const std::byte>(bytes));
      const Bytes coded = artifact(tensor);
      const auto model = load(coded);
      ASSERT_TRUE(model) << model.error();
      EXPECT_EQ(weights_in(*model), floats(tensor)) << bits << axis;
      Tensor without = tensor;
      without.quantization->trellis.reset();
      EXPECT_LT(coded.size() + 20000 / 8 * 9 / 10, artifact(without).size()) << "a bit of each";
      EXPECT_EQ(write_mlq(source(), dense(tensor)), write_mlq(source(), dense(without)));
      for (int trial = 0; trial < 60; ++trial) {
        Bytes damaged = coded;
        damaged[random.below(damaged.size())] ^= std::byte{1} << random.below(8);
        (void)load(damaged);
      }
    }
}

// Offsets that follow from the scales are not stored, and come back bit for bit.
TEST(Coded, OneZeroForAllScales) {
  Tensor tensor = weights(400, 100, 8, false, true);
  const std::size_t as_they_are = artifact(tensor).size();
  mlq::Quantization& q = *tensor.quantization;
  for (std::size_t g = 0; g < q.scale.size(); ++g) q.offset[g] = mlq::offset_of(q.scale[g], 117);
  EXPECT_EQ(mlq::common_zero(q), 117);
  const Bytes coded = artifact(tensor);
  const auto model = load(coded);
  ASSERT_TRUE(model) << model.error();
  EXPECT_EQ(weights_in(*model), floats(tensor));
  EXPECT_LE(coded.size(), as_they_are);
  q.offset[3] += 1;
  EXPECT_EQ(mlq::common_zero(q), -1);
}

// The description of the network is compressed along with the weights; what is cut or lies is refused.
TEST(Coded, TheNetworkIsCompressed) {
  mlq::Graph graph = dense(weights(40, 500, 4, false, false));
  graph.labels.assign(1000, "a label like any other");
  const Bytes coded = write_mlq_coded(source(), graph);
  EXPECT_LT(coded.size() + 20000, write_mlq(source(), graph).size());
  const auto model = load(coded);
  ASSERT_TRUE(model) << model.error();
  EXPECT_EQ(model->graph().labels, graph.labels);
  const auto compressed = std::span(coded).subspan(mlq::artifact_begin);
  EXPECT_TRUE(mlq::decompress(compressed)) << "what follows a stream does not matter";
  for (std::size_t size = 0; size < 300; ++size)
    EXPECT_FALSE(mlq::decompress(compressed.first(size))) << size;
  Bytes lying(compressed.begin(), compressed.begin() + 300);
  lying[3] = std::byte{0xff};
  EXPECT_FALSE(mlq::decompress(lying)) << "four gigabytes";
}

// What takes no less, or so little that a reader would not believe it, stays packed.
TEST(Coded, LeavesAloneWhatDoesNotShrink) {
  Tensor tiny = weights(1, 9, 3, false, false);
  EXPECT_TRUE(code_weights(tiny).empty());
  Tensor constant = weights(200, 500, 2, false, false);
  constant.data = mlq::copy_data(std::span<const std::byte>(Bytes(25000)));
  EXPECT_TRUE(code_weights(constant).empty());
  const Bytes packed = artifact(constant);
  const auto model = load(packed);
  ASSERT_TRUE(model) << model.error();
  EXPECT_EQ(weights_in(*model), floats(constant));
}

// Under AddressSanitizer: refused with a sentence, or read as other numbers.
TEST(Coded, DamagedStreamsNeverCrash) {
  for (const int bits : {3, 16}) {
    const Bytes bytes = artifact(weights(16, 100, bits, bits == 3, true));
    Random random(static_cast<std::uint64_t>(bits));
    for (int trial = 0; trial < 600; ++trial) {
      Bytes damaged = bytes;
      for (std::size_t flips = 1 + random.below(3); flips > 0; --flips)
        damaged[random.below(damaged.size())] ^= std::byte{1} << random.below(8);
      const auto model = load(damaged);
      if (!model || model->graph().inputs.size() != 1) continue;
      const std::vector<float> values(100, 1.0f);
      (void)model->predict(std::vector<mlq::View>{mlq::test::view_of(values, {1, 100})});
    }
  }
}

TEST(Coded, EveryPrefixOfAStreamIsRefusedOrHarmless) {
  const Tensor tensor = weights(16, 100, 5, false, false);
  const Bytes stream = code_weights(tensor);
  for (std::size_t size = 0; size < stream.size(); ++size) {
    Tensor cut = tensor;
    const Bytes prefix(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(size));
    cut.data = mlq::copy_data(std::span<const std::byte>(prefix));
    Tensor* list[] = {&cut};
    EXPECT_FALSE(mlq::decode_constants(list, 1 << 20)) << size;
  }
}

// A few bytes that claim to be gigabytes.
TEST(Coded, ClaimsAreCheckedBeforeMemoryIsTaken) {
  Tensor tensor = weights(16, 100, 5, false, false);
  const Bytes stream = code_weights(tensor);
  tensor.data = mlq::copy_data(std::span<const std::byte>(stream));
  tensor.shape = {1 << 20, 1 << 20};
  Tensor* list[] = {&tensor};
  EXPECT_THAT(mlq::decode_constants(list, std::size_t{1} << 50).error(),
              HasSubstr("'dense/weights' cannot be read"));
}

}  // namespace
}  // namespace mlqc
