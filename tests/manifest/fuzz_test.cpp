// Seeded mutations of a good manifest: accepted or refused with a sentence, never a crash and never for long.
#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "compiler/manifest/manifest.h"

namespace mlqc {
namespace {

const std::string good = R"(schema: 1
model: { file: a.mlmodel, sha256: null }
interface: { namespace: a::b, outputs: { "y 1": { top_k: 5 } } }
quantize:
  algorithm: kmeans_lut
  bits: 8
  layers:
    - { match: "conv1*", bits: 16, reason: 'x' }
validate:
  samples: { random: 16, seed: 7 }
gate:
  - { metric: top1_agreement, at_least: 0.98, confidence: 0.95 }
  - metric: size
    at_most: 1.4 MiB
)";

const std::vector<std::string> pieces = {
    "&a ", "*a",   "!!int ", "? ",   ": ",    "- ",  "[",           "]",  "{",   "}",
    "\"",  "'",    "|\n",    ">\n",  "---\n", "...", "%YAML 9.9\n", "\t", "\n",  "\r",
    "\0x", "\xc3", "#",      "<<: ", "@",     "`",   "\\u0000",     "~",  "null"};

std::string mutate(std::string text, std::mt19937& random) {
  const auto below = [&](std::size_t n) { return n ? random() % n : 0; };
  for (std::size_t edits = 1 + below(4); edits > 0; --edits) {
    const std::size_t at = below(text.size() + 1);
    switch (below(4)) {
      case 0:
        text.insert(at, pieces[below(pieces.size())]);
        break;
      case 1:
        text.erase(at, below(20));
        break;
      case 2:
        text.insert(at, text.substr(below(text.size() + 1), below(60)));
        break;
      default:
        if (at < text.size()) text[at] = static_cast<char>(random());
    }
  }
  return text;
}

TEST(ManifestFuzz, MutationsAreAcceptedOrRefusedWithASentence) {
  std::mt19937 random(20240607);
  std::size_t accepted = 0, refused = 0;
  for (int i = 0; i < 20000; ++i) {
    const std::string text = mutate(good, random);
    try {
      parse_manifest("m.mlq.yaml", text);
      ++accepted;
    } catch (const Error& error) {
      EXPECT_FALSE(error.diagnostic().what.empty()) << text;
      EXPECT_EQ(error.diagnostic().code.rfind("MLQ1", 0), 0u) << text;
      ++refused;
    }
  }
  EXPECT_GT(accepted, 200u);  // else the mutations are too wild to reach the decoder
  EXPECT_GT(refused, 5000u);
}

// Shapes that cost parsers time out of proportion.
TEST(ManifestFuzz, PathologicalShapesAreRefused) {
  std::string anchors = "a0: &a0 [x]\n";
  for (int i = 1; i < 30; ++i)
    anchors += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) +
               ", *a" + std::to_string(i - 1) + "]\n";
  std::string keys;
  for (int i = 0; i < 20000; ++i) keys += "k" + std::to_string(i) + ": 1\n";
  std::string indented;
  for (int i = 0; i < 1000; ++i) indented += std::string(i, ' ') + "a:\n";
  for (const std::string& text :
       {anchors, keys, indented, std::string(100000, '['), std::string(100000, '{'),
        std::string(100000, '\n'), std::string(100000, '"'), std::string(100000, '-'),
        std::string(100000, '?'), std::string(100000, ':'), "a: " + std::string(500000, 'x'),
        "a: \"" + std::string(500000, '\\')})
    EXPECT_THROW(parse_manifest("m.mlq.yaml", text), Error) << text.substr(0, 20);
}

}  // namespace
}  // namespace mlqc
