// Which samples there are: found, chosen and hashed. load_sample.cpp reads them.
#include "compiler/validate/samples.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "compiler/support/bytes.h"
#include "compiler/support/parallel.h"
#include "compiler/validate/image_input.h"
#include "mlq/sizes.h"

namespace mlqc {

namespace fs = std::filesystem;

namespace {

using Item = Samples::Item;

[[noreturn]] void fail(const Place& where, const char* code, std::string what, std::string hint) {
  throw Error(Exit::usage, {where, std::move(what), code, std::move(hint), {}});
}

std::string lower_extension(const fs::path& path) {
  std::string extension = path.extension().string();
  for (char& c : extension)
    if (c >= 'A' && c <= 'Z') c += 'a' - 'A';
  return extension;
}

bool is_image_name(const fs::path& path) {
  const std::string extension = lower_extension(path);
  return extension == ".jpg" || extension == ".jpeg" || extension == ".png";
}

// A regular file or a link that leads nowhere: the latter is a sample that fails by name. Pipes and devices
// are none.
bool is_file(const fs::directory_entry& entry) {
  std::error_code error;
  return entry.is_regular_file(error) || (entry.is_symlink() && !fs::exists(entry.path(), error));
}

// A folder's entries by name, so that the order does not depend on the file system.
std::vector<fs::directory_entry> sorted_entries(const fs::path& folder, const Place& where) {
  std::error_code error;
  std::vector<fs::directory_entry> entries;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    entries.push_back(*it);
  if (error) fail(where, "MLQ401", fmt::format("cannot list '{}': {}", folder.string(), error.message()), "");
  std::ranges::sort(entries, {},
                    [](const fs::directory_entry& entry) { return entry.path().filename().string(); });
  return entries;
}

// Links to folders are followed, each folder once, so that a loop of links ends.
void find_images(const fs::path& root, const fs::path& folder, const Place& where,
                 std::set<fs::path>& visited, std::vector<Item>& items) {
  std::error_code error;
  if (!visited.insert(fs::canonical(folder, error)).second) return;
  for (const fs::directory_entry& entry : sorted_entries(folder, where)) {
    if (entry.is_directory(error))
      find_images(root, entry.path(), where, visited, items);
    else if (is_image_name(entry.path()) && is_file(entry))
      items.push_back({entry.path().lexically_relative(root).generic_string(), {entry.path().string()}});
  }
}

std::string file_name_of(const mlq::Feature& input) {
  std::string name = input.name + ".npy";
  std::ranges::replace(name, '/', '_');
  return name;
}

// DIR/SAMPLE/INPUT.npy. A folder that has one of the inputs is a sample, and fails later for the others.
std::vector<Item> find_tensor_folders(const fs::path& root, const mlq::Graph& graph, const Place& where) {
  std::vector<Item> items;
  for (const fs::directory_entry& entry : sorted_entries(root, where)) {
    std::error_code error;
    if (!entry.is_directory(error)) continue;
    Item item{entry.path().filename().string(), {}};
    bool any = false;
    for (const mlq::Feature& input : graph.inputs) {
      item.files.push_back((entry.path() / file_name_of(input)).string());
      any |= fs::exists(item.files.back(), error);
    }
    if (any) items.push_back(std::move(item));
  }
  return items;
}

std::vector<Item> find_tensors(const fs::path& root, const mlq::Graph& graph, const Place& where) {
  std::vector<Item> items;
  if (graph.inputs.size() == 1)
    for (const fs::directory_entry& entry : sorted_entries(root, where))
      if (lower_extension(entry.path()) == ".npy" && is_file(entry))
        items.push_back({entry.path().filename().string(), {entry.path().string()}});
  return items.empty() ? find_tensor_folders(root, graph, where) : items;
}

void check_folder(const fs::path& folder, const Place& where) {
  std::error_code error;
  if (fs::is_directory(folder, error)) return;
  fail(where, "MLQ401",
       fmt::format("the samples' folder '{}' {}", folder.string(),
                   fs::exists(folder, error) ? "is no folder" : "does not exist"),
       "paths are relative to the manifest");
}

void check_takes_images(const mlq::Graph& graph, const Place& where) {
  std::string inputs;
  for (const mlq::Feature& input : graph.inputs)
    inputs += fmt::format("{}'{}' ({})", inputs.empty() ? "" : ", ", input.name, mlq::to_string(input.shape));
  if (graph.inputs.size() == 1 && takes_an_image(graph.inputs[0])) return;
  const bool turned = graph.inputs.size() == 1 && is_nhwc(graph.inputs[0]);
  fail(where, "MLQ403", fmt::format("images feed a model with one image input; this one takes {}", inputs),
       turned ? fmt::format(
                    "say that it is one: interface: {{ inputs: {{ {}: {{ as: image, layout: nhwc }} }} }}",
                    graph.inputs[0].name)
              : "use `tensors:` with a folder DIR/SAMPLE/INPUT.npy for each sample, or `random:`");
}

// The samples with the smallest hashes of seed and name.
void choose(std::vector<Item>& items, std::size_t limit, int seed) {
  if (items.size() <= limit) return;
  std::vector<std::pair<std::string, std::size_t>> ranks;
  for (std::size_t i = 0; i < items.size(); ++i)
    ranks.emplace_back(sha256(fmt::format("{} {}", seed, items[i].name)), i);
  std::ranges::nth_element(ranks, ranks.begin() + static_cast<std::ptrdiff_t>(limit));
  ranks.resize(limit);
  std::ranges::sort(ranks, {}, &std::pair<std::string, std::size_t>::second);
  std::vector<Item> chosen;
  for (const auto& [hash, i] : ranks) chosen.push_back(std::move(items[i]));
  items = std::move(chosen);
}

std::string hash_of(const std::string& file) {
  try {
    return sha256(map_file(file).bytes);
  } catch (const Error& error) {
    return error.diagnostic().what;  // unreadable: the sample fails by name when it is loaded
  }
}

std::string hash_of(const std::vector<Item>& items) {
  std::vector<std::string> lines(items.size());
  parallel_for(items.size(), [&](std::size_t i) {
    for (const std::string& file : items[i].files) lines[i] += ' ' + hash_of(file);
  });
  std::string text;
  for (std::size_t i = 0; i < items.size(); ++i) text += items[i].name + '\0' + lines[i] + '\n';
  return sha256(text);
}

// The files are those that were hashed already.
void add_changed(Samples& samples, const std::string& change, bool Item::*changed) {
  const std::size_t count = samples.items.size();
  for (std::size_t i = 0; i < count; ++i) {
    Item item = samples.items[i];
    item.name += ", " + change;
    item.*changed = true;
    samples.items.push_back(std::move(item));
  }
  samples.sha256 = sha256(samples.sha256 + ' ' + change);
}

// In the same order, whichever the manifest has.
void augment(Samples& samples, const std::vector<At<std::string>>& words) {
  const auto asked = [&](const char* word) {
    return std::ranges::count(words, word, &At<std::string>::value);
  };
  if (asked("mirror")) add_changed(samples, "mirrored", &Item::mirrored);
  if (asked("crop")) add_changed(samples, "cropped", &Item::cropped);
}

// Numbers can be drawn where their count is known: from the shape, or from the shapes that it may have.
void check_bound(const mlq::Graph& graph, const Place& where) {
  for (const mlq::Feature& input : graph.inputs) {
    const auto from = input.shape.begin() + (input.shape.empty() ? 0 : 1);  // the batch is one sample
    if (std::find(from, input.shape.end(), -1) == input.shape.end() || mlq::sizes_of(graph, input)) continue;
    std::string example;
    for (const std::int64_t size : input.shape)
      example += fmt::format("{}{}", example.empty() ? "" : "x",
                             size >= 0         ? size
                             : example.empty() ? 1
                                               : 224);
    fail(where, "MLQ408",
         fmt::format("random samples need a size for each dimension, and the input '{}' is of shape {}",
                     input.name, mlq::to_string(input.shape)),
         fmt::format(
             "say it: interface: {{ inputs: {{ {}: {{ shapes: {} }} }} }}, or name a folder of samples",
             input.name, example));
  }
}

Samples random_samples(int count, int seed, const mlq::Graph& graph) {
  Samples samples;
  samples.seed = seed;
  std::string text = fmt::format("random {} {}\n", count, seed);
  for (int i = 0; i < count; ++i) samples.items.push_back({fmt::format("random-{}", i), {}});
  for (const mlq::Feature& input : graph.inputs)
    text += fmt::format("{} {}\n", input.name, mlq::to_string(input.shape));
  samples.sha256 = sha256(text);
  return samples;
}

}  // namespace

Samples find_samples(const SamplesSection& section, const mlq::Graph& graph) {
  if (section.random) {
    check_bound(graph, section.random->where);
    return random_samples(section.random->value, section.seed, graph);
  }
  if (!section.images && !section.tensors)
    fail(section.where, "MLQ401", "no samples are named",
         "name a folder of `images:` or `tensors:`, or `random: 64`");
  const auto& [root, where] = section.images ? *section.images : *section.tensors;
  check_folder(root, where);
  Samples samples;
  samples.seed = section.seed;
  if (section.images) {
    check_takes_images(graph, where);
    std::set<fs::path> visited;
    find_images(root, root, where, visited, samples.items);
    std::ranges::sort(samples.items, {}, &Item::name);
  } else {
    samples.items = find_tensors(root, graph, where);
  }
  if (samples.items.empty())
    fail(where, "MLQ402", fmt::format("there are no samples in '{}'", root.string()),
         section.images ? "it needs .jpg, .jpeg or .png files, also in subfolders"
                        : "it needs NAME.npy files for one input, or SAMPLE/INPUT.npy");
  if (section.limit) choose(samples.items, static_cast<std::size_t>(section.limit->value), section.seed);
  samples.sha256 = hash_of(samples.items);
  augment(samples, section.augment);
  return samples;
}

}  // namespace mlqc
