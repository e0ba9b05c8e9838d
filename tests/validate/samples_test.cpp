#include "compiler/validate/samples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <set>

#include "compiler/support/parallel.h"
#include "compiler/validate/npy.h"
#include "compiler/validate/picture.h"
#include "tests/support/files.h"

namespace mlqc {
namespace {

namespace fs = std::filesystem;
using mlq::DataType;
using mlq::FeatureKind;
using mlq::test::data_folder;
using mlq::test::TemporaryFolder;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

mlq::Graph graph_of(std::vector<mlq::Feature> inputs) {
  mlq::Graph graph;
  for (mlq::Feature& input : inputs) {
    mlq::Shape inside = input.shape;
    if (inside.size() == 3) inside.insert(inside.begin(), 1);
    graph.tensors.push_back({input.name, input.type, inside, {}, {}});
    input.tensor = static_cast<mlq::TensorId>(graph.tensors.size()) - 1;
    graph.inputs.push_back(std::move(input));
  }
  return graph;
}

mlq::Feature input(const std::string& name, FeatureKind kind, mlq::Shape shape,
                   DataType type = DataType::float32) {
  mlq::Feature made;
  made.name = name;
  made.kind = kind;
  made.shape = std::move(shape);
  made.type = type;
  return made;
}

const mlq::Graph& picture_graph() {
  static const mlq::Graph graph = graph_of({input("image", FeatureKind::image, {3, 21, 37})});
  return graph;
}

SamplesSection images(const fs::path& folder, int limit = 0, int seed = 0) {
  SamplesSection section;
  section.where = {"m.yaml", 3, 1};
  section.images = {folder, {"m.yaml", 4, 9}};
  if (limit) section.limit = {limit, {}};
  section.seed = {seed, {}};
  return section;
}

SamplesSection tensors(const fs::path& folder) {
  SamplesSection section;
  section.tensors = {folder, {"m.yaml", 4, 9}};
  return section;
}

SamplesSection random_section(int count, int seed) {
  SamplesSection section;
  section.random = {count, {"m.mlq.yaml", 4, 3}};
  section.seed = {seed, {}};
  return section;
}

std::vector<std::string> names(const Samples& samples) {
  std::vector<std::string> list;
  for (const Samples::Item& item : samples.items) list.push_back(item.name);
  return list;
}

std::string refusal(const SamplesSection& section, const mlq::Graph& graph) {
  try {
    find_samples(section, graph);
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::usage);
    EXPECT_EQ(error.diagnostic().where.line, 4);
    return error.diagnostic().what + " [" + error.diagnostic().code + "] " + error.diagnostic().hint;
  }
  return "nothing";
}

TEST(FindSamples, SearchesFoldersInOrderAndFollowsEachOnce) {
  TemporaryFolder folder;
  for (const char* name : {"b/2.JPG", "b/1.png", "a.jpeg", "notes.txt", "b/c/x.jpg"})
    folder.write("root/" + std::string(name), name);
  folder.write("elsewhere/y.png", "y");
  fs::create_directory_symlink(folder / "root", folder / "root/b/loop");
  fs::create_directory_symlink(folder / "elsewhere", folder / "root/linked");
  fs::create_symlink("nowhere.png", folder / "root/dangling.png");
  const Samples samples = find_samples(images(folder / "root"), picture_graph());
  EXPECT_THAT(names(samples),
              ElementsAre("a.jpeg", "b/1.png", "b/2.JPG", "b/c/x.jpg", "dangling.png", "linked/y.png"));
  EXPECT_THAT(load_sample(samples, 4, picture_graph()).error(), HasSubstr("dangling.png"));
}

TEST(FindSamples, HashesNamesAndContents) {
  TemporaryFolder folder;
  const auto hash = [&] { return find_samples(images(folder.path()), picture_graph()).sha256; };
  folder.write("a.png", "one");
  const std::string first = hash();
  EXPECT_EQ(first, hash());
  folder.write("a.png", "two");
  EXPECT_NE(first, hash());
  folder.write("a.png", "one");
  EXPECT_EQ(first, hash());
  fs::rename(folder / "a.png", folder / "b.png");
  EXPECT_NE(first, hash());
}

TEST(FindSamples, ChoosesBySeedAndBarelyMovesWhenAFileIsAdded) {
  TemporaryFolder folder;
  for (int i = 0; i < 100; ++i) folder.write(std::to_string(i) + ".png", "x");
  const auto choice = [&](int seed) {
    return names(find_samples(images(folder.path(), 20, seed), picture_graph()));
  };
  const std::vector<std::string> first = choice(7);
  EXPECT_EQ(first.size(), 20u);
  EXPECT_TRUE(std::ranges::is_sorted(first));
  EXPECT_EQ(first, choice(7));
  EXPECT_NE(first, choice(8));
  EXPECT_EQ(find_samples(images(folder.path(), 500), picture_graph()).items.size(), 100u);
  folder.write("one_more.png", "x");
  std::vector<std::string> kept;
  std::ranges::set_intersection(first, choice(7), std::back_inserter(kept));
  EXPECT_GE(kept.size(), 19u);
}

// Behind the others, in the same order; each row of each plane the other way round, whatever the type.
TEST(FindSamples, AddsMirroredPictures) {
  SamplesSection section = images(data_folder() / "images", 3);
  const Samples plain = find_samples(section, picture_graph());
  section.augment = {{"mirror", {}}};
  const Samples both = find_samples(section, picture_graph());
  ASSERT_EQ(both.items.size(), 6u);
  EXPECT_NE(both.sha256, plain.sha256);
  const mlq::Graph floats = graph_of({input("x", FeatureKind::tensor, {1, 3, 20, 35})});
  for (const mlq::Graph* graph : {&picture_graph(), &floats})
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(both.items[i].name, plain.items[i].name);
      EXPECT_EQ(both.items[3 + i].name, plain.items[i].name + ", mirrored");
      const auto ours = load_sample(both, i, *graph), theirs = load_sample(both, 3 + i, *graph);
      ASSERT_TRUE(ours) << ours.error();
      ASSERT_TRUE(theirs) << theirs.error();
      const auto width = static_cast<std::size_t>((*ours)[0].shape.back());
      const auto rows = static_cast<std::size_t>(*mlq::element_count((*ours)[0].shape)) / width;
      const std::size_t size = (*ours)[0].bytes.size() / rows / width;
      const std::byte *a = (*ours)[0].bytes.data(), *b = (*theirs)[0].bytes.data();
      bool swapped = true;
      for (std::size_t row = 0; row < rows; ++row)
        for (std::size_t k = 0; k < width; ++k)
          swapped &=
              std::memcmp(a + (row * width + k) * size, b + (row * width + width - 1 - k) * size, size) == 0;
      EXPECT_TRUE(swapped) << both.items[i].name;
    }
}

// A picture whose red says the column and whose green the row, so that a part of it says where it is from.
TEST(FindSamples, AddsPartsOfPictures) {
  TemporaryFolder folder;
  mlq::Image image{std::vector<std::uint8_t>(3 * 200 * 100), 200, 100};
  for (std::size_t i = 0; i < 200 * 100; ++i) {
    image.pixels[3 * i] = static_cast<std::uint8_t>(i % 200);
    image.pixels[3 * i + 1] = static_cast<std::uint8_t>(2 * (i / 200));
  }
  for (int i = 0; i < 20; ++i) folder.write(std::to_string(10 + i) + ".png", png_of(image));
  const mlq::Graph graph = graph_of({input("x", FeatureKind::tensor, {1, 3, 80, 160})});
  SamplesSection section = images(folder.path());
  section.augment = {{"crop", {}}, {"mirror", {}}};
  const Samples all = find_samples(section, graph);
  ASSERT_EQ(all.items.size(), 80u);
  EXPECT_EQ(all.items[20].name, "10.png, mirrored");
  EXPECT_EQ(all.items[40].name, "10.png, cropped");
  EXPECT_EQ(all.items[60].name, "10.png, mirrored, cropped");
  std::set<std::pair<float, float>> corners;
  for (std::size_t i = 40; i < 60; ++i) {
    const auto part = load_sample(all, i, graph);
    ASSERT_TRUE(part) << part.error();
    const auto* x = reinterpret_cast<const float*>((*part)[0].bytes.data());
    const float left = x[0], right = x[159], top = x[80 * 160], bottom = x[2 * 80 * 160 - 1];
    EXPECT_GE(left, 0);
    EXPECT_GE(right - left, 0.8 * 199 - 2) << all.items[i].name;
    EXPECT_LE(right, 199);
    EXPECT_GE(bottom - top, 2 * (0.8 * 99 - 2));
    EXPECT_LE(bottom, 198);
    EXPECT_NEAR(right - left, bottom - top, 3) << "another share of the width than of the height";
    corners.insert({left, top});
  }
  EXPECT_GT(corners.size(), 15u) << "parts from everywhere";
  // Where the model leaves its size open, parts have the whole picture's.
  const mlq::Graph open = graph_of({input("x", FeatureKind::tensor, {1, 3, -1, -1})});
  EXPECT_EQ((*load_sample(all, 40, open))[0].shape, (mlq::Shape{1, 3, 100, 200}));
  // Of each picture the same part whatever else is there.
  section.limit = {5, {}};
  const Samples few = find_samples(section, graph);
  const auto same = std::ranges::find(all.items, few.items[12].name, &Samples::Item::name);
  EXPECT_EQ((*load_sample(few, 12, graph))[0].bytes,
            (*load_sample(all, static_cast<std::size_t>(same - all.items.begin()), graph))[0].bytes);
}

TEST(FindSamples, SaysWhatIsMissing) {
  TemporaryFolder folder;
  folder.write("only.txt", "");
  const mlq::Graph two =
      graph_of({input("x", FeatureKind::tensor, {4}), input("y", FeatureKind::tensor, {2})});
  EXPECT_THAT(refusal(images(folder / "nowhere"), picture_graph()),
              AllOf(HasSubstr("does not exist"), HasSubstr("MLQ401")));
  EXPECT_THAT(refusal(images(folder / "only.txt"), picture_graph()), HasSubstr("is no folder"));
  EXPECT_THAT(refusal(images(folder.path()), picture_graph()),
              AllOf(HasSubstr("no samples"), HasSubstr("MLQ402"), HasSubstr(".jpg")));
  EXPECT_THAT(refusal(images(folder.path()), two),
              AllOf(HasSubstr("'x' (4), 'y' (2)"), HasSubstr("MLQ403"), HasSubstr("tensors:")));
  const mlq::Graph turned = graph_of({input("x", FeatureKind::tensor, {1, 20, 35, 3})});
  EXPECT_THAT(refusal(images(folder.path()), turned),
              HasSubstr("interface: { inputs: { x: { as: image, layout: nhwc } } }"));
  EXPECT_THAT(refusal(tensors(folder.path()), two),
              AllOf(HasSubstr("MLQ402"), HasSubstr("SAMPLE/INPUT.npy")));
}

mlq::Array counted(DataType type, mlq::Shape shape, std::size_t n) {
  mlq::Array array{type, std::move(shape), {}};
  for (std::size_t i = 0; i < n; ++i) {
    const float value = static_cast<float>(i);
    const double wide = value;
    const auto* bytes = type == DataType::float32 ? reinterpret_cast<const std::byte*>(&value)
                                                  : reinterpret_cast<const std::byte*>(&wide);
    array.bytes.insert(array.bytes.end(), bytes, bytes + mlq::size_of(type));
  }
  return array;
}

TEST(Tensors, OneInputOneFile) {
  TemporaryFolder folder;
  const mlq::Graph graph = graph_of({input("x", FeatureKind::tensor, {1, 2, 3})});
  folder.write("b.npy", write_npy(counted(DataType::float32, {1, 2, 3}, 6)));
  folder.write("a.npy",
               write_npy(counted(DataType::float64, {1, 1, 2, 3}, 6)));  // the graph's own rank, other floats
  folder.write("c.npy", write_npy(counted(DataType::float32, {6}, 6)));
  const Samples samples = find_samples(tensors(folder.path()), graph);
  EXPECT_THAT(names(samples), ElementsAre("a.npy", "b.npy", "c.npy"));
  for (std::size_t i : {0, 1}) {
    const auto loaded = load_sample(samples, i, graph);
    ASSERT_TRUE(loaded) << loaded.error();
    EXPECT_EQ((*loaded)[0].type, DataType::float32);
    EXPECT_THAT((*loaded)[0].floats(), ElementsAre(0, 1, 2, 3, 4, 5));
  }
  EXPECT_THAT(load_sample(samples, 2, graph).error(),
              AllOf(HasSubstr("c.npy"), HasSubstr("shape 6"), HasSubstr("'x' takes 1x2x3")));
}

TEST(Tensors, AFolderForEachSampleOfSeveralInputs) {
  TemporaryFolder folder;
  const mlq::Graph graph = graph_of(
      {input("a/b", FeatureKind::tensor, {2}), input("ids", FeatureKind::tensor, {2}, DataType::int64)});
  const std::string pair = write_npy(counted(DataType::float32, {2}, 2));
  mlq::Array broken = counted(DataType::float32, {2}, 2);
  broken.bytes[2] = broken.bytes[3] = std::byte{0x3f};  // 0.745...
  folder.write("s1/a_b.npy", pair);
  folder.write("s1/ids.npy", pair);
  folder.write("s2/a_b.npy", pair);
  folder.write("s3/a_b.npy", pair);
  folder.write("s3/ids.npy", write_npy(broken));
  folder.write("other/readme.txt", "");
  const Samples samples = find_samples(tensors(folder.path()), graph);
  EXPECT_THAT(names(samples), ElementsAre("s1", "s2", "s3"));
  const auto loaded = load_sample(samples, 0, graph);
  ASSERT_TRUE(loaded) << loaded.error();
  EXPECT_EQ((*loaded)[1].type, DataType::int64);
  EXPECT_EQ((*loaded)[1].bytes[8], std::byte{1});
  EXPECT_THAT(load_sample(samples, 1, graph).error(), AllOf(HasSubstr("s2"), HasSubstr("ids.npy")));
  EXPECT_THAT(load_sample(samples, 2, graph).error(), HasSubstr("no int64 numbers"));
}

TEST(Random, IsTheSameOnEveryMachine) {
  const mlq::Graph graph =
      graph_of({input("x", FeatureKind::tensor, {-1, 3}), input("pixels", FeatureKind::image, {1, 1, 2}),
                input("flags", FeatureKind::tensor, {4}, DataType::int32)});
  const Samples samples = find_samples(random_section(3, 7), graph);
  EXPECT_THAT(names(samples), ElementsAre("random-0", "random-1", "random-2"));
  EXPECT_EQ(samples.sha256, find_samples(random_section(3, 7), graph).sha256);
  EXPECT_NE(samples.sha256, find_samples(random_section(3, 8), graph).sha256);
  const auto first = load_sample(samples, 0, graph);
  ASSERT_TRUE(first) << first.error();
  EXPECT_EQ((*first)[0].shape, (mlq::Shape{1, 3}));
  for (const float value : (*first)[0].floats()) EXPECT_TRUE(value >= 0 && value < 1);
  for (const float value : (*first)[1].floats()) EXPECT_EQ(value, std::floor(value));
  const auto again = load_sample(samples, 0, graph), second = load_sample(samples, 1, graph);
  EXPECT_EQ((*first)[0].bytes, (*again)[0].bytes);
  EXPECT_NE((*first)[0].bytes, (*second)[0].bytes);
  // The generator's own numbers, which the standard fixes: std::mt19937_64 of std::seed_seq{7, 0, 0}.
  std::seed_seq seed{7, 0, 0};
  std::mt19937_64 generator(seed);
  EXPECT_EQ((*first)[0].floats()[0], static_cast<float>(generator() >> 40) / 16777216.0f);
}

TEST(Images, FeedTheOrderOfColoursThatTheInputHas) {
  Samples samples;
  samples.items = {{"rgb.png", {(data_folder() / "images/rgb.png").string()}}};
  mlq::Graph graph = graph_of({input("image", FeatureKind::image, {3, 21, 37})});
  const auto rgb = load_sample(samples, 0, graph);
  ASSERT_TRUE(rgb) << rgb.error();
  graph.inputs[0].color = mlq::Color::bgr;
  const auto bgr = load_sample(samples, 0, graph);
  ASSERT_TRUE(bgr) << bgr.error();
  const std::size_t plane = 21 * 37;
  for (std::size_t i = 0; i < plane; ++i) {
    EXPECT_EQ((*rgb)[0].floats()[i], (*bgr)[0].floats()[i + 2 * plane]);
    EXPECT_EQ((*rgb)[0].floats()[i + plane], (*bgr)[0].floats()[i + plane]);
  }
  EXPECT_EQ((*rgb)[0].floats()[36], 255) << "red is full at the right end of the first row";
}

TEST(Images, FeedTensorsOfTheShapeOfImages) {
  Samples samples;
  samples.items = {{"rgb.png", {(data_folder() / "images/rgb.png").string()}}};
  for (const mlq::Shape& shape :
       {mlq::Shape{21, 37}, mlq::Shape{1, 5, 6}, mlq::Shape{1, 3, 8, 8}, mlq::Shape{-1, 3, -1, -1}}) {
    const mlq::Graph graph = graph_of({input("x", FeatureKind::tensor, shape)});
    const auto loaded = load_sample(samples, 0, graph);
    ASSERT_TRUE(loaded) << loaded.error();
    EXPECT_EQ(static_cast<std::size_t>(*mlq::element_count((*loaded)[0].shape)) * 4,
              (*loaded)[0].bytes.size());
  }
}

// What would be read beyond its end if it were believed.
TEST(Images, RefuseInputsThatAreNoImages) {
  const std::string file = (data_folder() / "images/rgb.png").string();
  for (const mlq::Shape& shape :
       {mlq::Shape{5}, mlq::Shape{1000, 5, 6}, mlq::Shape{2, 3, 8, 8}, mlq::Shape{3, 100000, 100000}}) {
    const auto loaded = load_input(file, graph_of({input("x", FeatureKind::tensor, shape)}), 0);
    EXPECT_THAT(loaded.error(), AllOf(HasSubstr("rgb.png"), HasSubstr("'x'"))) << mlq::to_string(shape);
  }
}

TEST(Images, FeedWholeNumbersAndWhatStandsForHalves) {
  const std::string file = (data_folder() / "images/rgb.png").string();
  const mlq::Graph bytes = graph_of({input("x", FeatureKind::tensor, {3, 5, 6}, DataType::uint8)});
  const auto loaded = load_input(file, bytes, 0);
  ASSERT_TRUE(loaded) << loaded.error();
  EXPECT_EQ(loaded->type, DataType::uint8);
  EXPECT_EQ(loaded->bytes.size(), 90u);
  mlq::Graph halves = graph_of({input("x", FeatureKind::tensor, {3, 5, 6})});
  halves.inputs[0].type = DataType::float16;
  EXPECT_EQ(load_input(file, halves, 0)->type, DataType::float32);
}

TEST(Random, RefusesAModelOfNoFixedOrOfMonstrousSize) {
  const mlq::Graph open = graph_of({input("x", FeatureKind::tensor, {3, -1})});
  EXPECT_THAT(refusal(random_section(1, 0), open), HasSubstr("a size for each dimension"));
  const mlq::Graph huge = graph_of({input("x", FeatureKind::tensor, {1 << 20, 1 << 20})});
  EXPECT_THAT(load_sample(find_samples(random_section(1, 0), huge), 0, huge).error(),
              HasSubstr("fixed shape"));
}

}  // namespace
}  // namespace mlqc
