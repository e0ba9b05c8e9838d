// The walk over the wire format, and changing what it finds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "compiler/frontends/coreml/edit.h"
#include "compiler/frontends/coreml/weights.h"
#include "compiler/support/bytes.h"
#include "compiler/support/error.h"
#include "tests/frontends/coreml_fixture.h"
#include "tests/support/files.h"

namespace mlqc {
namespace {

namespace fs = std::filesystem;
using coreml::Blob;
using coreml::Edit;
using coreml::WeightMap;
using testing::ElementsAre;

WeightMap walk(const Source& source) { return coreml::walk_weights(source.bytes.bytes, source.path); }

std::string code_of(const std::string& bytes) {
  try {
    walk(test::source_of(bytes));
    return "";
  } catch (const Error& error) {
    return error.diagnostic().code;
  }
}

std::vector<std::string> names(const WeightMap& map) {
  std::vector<std::string> all;
  for (const Blob& blob : map.blobs) all.push_back(blob.name);
  return all;
}

// A message with a length in front, as a field.
std::string field(int number, const std::string& body) {
  std::string out;
  for (const std::byte byte : coreml::varint(static_cast<std::uint64_t>(number) << 3 | 2))
    out += static_cast<char>(byte);
  for (const std::byte byte : coreml::varint(body.size())) out += static_cast<char>(byte);
  return out + body;
}

TEST(WeightWalk, NamesBlobsByLayerAndField) {
  EXPECT_THAT(names(walk(test::source_of(test::classifier()))),
              ElementsAre("conv/weights", "conv/bias", "dense/weights"));
}

TEST(WeightWalk, NamesOfDeepAndRepeatedBlobsAreUnique) {
  coreml::Model model;
  coreml::NeuralNetwork& network = *model.mutable_neural_network();
  auto& lstm = *test::add_layer(network, "lstm", "x", "y").mutable_bi_directional_lstm();
  for (int i = 0; i < 2; ++i)
    test::set_floats(*lstm.add_weight_params()->mutable_input_gate_weight_matrix(), {1});
  auto& body = *test::add_layer(network, "loop", "", "").mutable_loop()->mutable_body_network();
  for (int i = 0; i < 2; ++i)
    test::set_floats(*test::add_layer(body, "same", "x", "y").mutable_bias()->mutable_bias(), {1});
  EXPECT_THAT(
      names(walk(test::source_of(model))),
      ElementsAre("lstm/weightParams.0/inputGateWeightMatrix", "lstm/weightParams.1/inputGateWeightMatrix",
                  "loop/bodyNetwork/same/bias", "loop/bodyNetwork/same/bias#2"));
}

TEST(WeightWalk, FindsTheFloatsWhereTheyLie) {
  const Source source = test::source_of(test::classifier());
  const WeightMap map = walk(source);
  float bias[2];
  ASSERT_EQ(map.blobs[1].floats.size, sizeof bias);
  std::memcpy(bias, source.bytes.bytes.data() + map.blobs[1].floats.at, sizeof bias);
  EXPECT_THAT(bias, ElementsAre(0.5f, -0.25f));
}

TEST(WeightWalk, TakesFloatsThatAreNotPackedOrInSeveralRuns) {
  const float numbers[] = {1, 2, 3};
  std::string body("\x0D", 1);  // field 1 as a single float
  body.append(reinterpret_cast<const char*>(numbers), 4);
  body += field(1, std::string(reinterpret_cast<const char*>(numbers + 1), 8));
  const Source source = test::source_of(field(500, field(1, field(1, "b") + field(250, field(2, body)))));
  const WeightMap map = walk(source);
  ASSERT_EQ(map.blobs.size(), 1u);
  EXPECT_TRUE(map.blobs[0].scattered_floats);
  EXPECT_THAT(coreml::gather_floats(source.bytes.bytes, map, map.blobs[0]), ElementsAre(1, 2, 3));
}

TEST(WeightWalk, RefusesMoreObjectsThanMemoryShouldHold) {
  std::string layers;
  for (int i = 0; i < 2000000; ++i) layers += std::string("\x0A\x00", 2);  // two bytes a layer
  EXPECT_EQ(code_of(field(500, layers)), "MLQ307");
}

TEST(WeightWalk, RefusesBottomlessNesting) {
  std::string network;
  for (int i = 0; i < 5000; ++i) network = field(1, field(615, field(4, network)));  // loops in loops
  EXPECT_EQ(code_of(field(500, network)), "MLQ306");
}

TEST(WeightWalk, RefusesLengthsBeyondTheFile) {
  EXPECT_EQ(code_of(std::string("\xA2\x1F\xFF\xFF\xFF\xFF\x07", 7)), "MLQ306");
}

// Every blob replaced by other bytes and then put back: only right if all lengths are.
void round_trip(const Source& source) {
  const WeightMap map = walk(source);
  const auto bytes = source.bytes.bytes;
  std::vector<Edit> edits;
  for (const Blob& blob : map.blobs) {
    const auto body = map.frames[static_cast<std::size_t>(blob.frame)].body;
    edits.push_back({body, std::vector<std::byte>(body.size / 3 + 1, std::byte{0x10}), blob.frame});
    edits.back().with.resize(edits.back().with.size() & ~std::size_t{1}, std::byte{});
    for (std::size_t i = 1; i < edits.back().with.size(); i += 2) edits.back().with[i] = std::byte{1};
  }
  const std::vector<std::byte> other = coreml::apply(bytes, map.frames, edits);
  const WeightMap there = coreml::walk_weights(other, source.path);
  ASSERT_EQ(there.blobs.size(), map.blobs.size());
  std::vector<Edit> back;
  for (std::size_t i = 0; i < map.blobs.size(); ++i) {
    const auto was = map.frames[static_cast<std::size_t>(map.blobs[i].frame)].body;
    const auto old = bytes.subspan(was.at, was.size);
    back.push_back({there.frames[static_cast<std::size_t>(there.blobs[i].frame)].body,
                    {old.begin(), old.end()},
                    there.blobs[i].frame});
  }
  const std::vector<std::byte> again = coreml::apply(other, there.frames, back);
  EXPECT_TRUE(std::equal(again.begin(), again.end(), bytes.begin(), bytes.end())) << source.path;
  const std::vector<std::byte> untouched = coreml::apply(bytes, map.frames, {});
  EXPECT_TRUE(std::equal(untouched.begin(), untouched.end(), bytes.begin(), bytes.end())) << source.path;
}

TEST(Edits, MadeAndUndoneLeaveTheFile) { round_trip(test::source_of(test::classifier())); }

TEST(Edits, MadeAndUndoneLeaveTheFilesOfOthers) {
  MLQ_NEEDS_SHARED();
  for (const auto& file : fs::directory_iterator(mlq::test::shared_folder() / "models/coreml"))
    if (file.path().extension() == ".mlmodel") round_trip({file.path(), map_file(file.path()), "", "coreml"});
}

}  // namespace
}  // namespace mlqc
