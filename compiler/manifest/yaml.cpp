#include "compiler/manifest/yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <optional>
#include <sstream>

#include "compiler/manifest/fail.h"

namespace mlqc {

namespace {

constexpr std::size_t max_bytes = 1 << 20;
constexpr std::size_t max_depth = 16;
constexpr const char* anchors = "anchors and aliases are not used in a manifest";
constexpr const char* anchors_hint = "write the value out; put quotes round text that begins with '*' or '&'";

// Builds the value from the parser's events. yaml-cpp's own tree would do, but it accepts duplicate keys and
// expands anchors before we could look: 432 bytes of nested anchors cost it twelve seconds.
class Builder : public YAML::EventHandler {
 public:
  explicit Builder(const std::string& file) : file_(file) {}
  Yaml take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (started_)
      fail(place(mark), "MLQ108", "a manifest is one document", "remove this '---' and what follows");
    started_ = true;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { add(leaf(mark, Yaml::Kind::null)); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse_anchor(mark); }
  void OnAnchor(const YAML::Mark& mark, const std::string&) override { refuse_anchor(mark); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& text) override {
    Yaml value = leaf(mark, Yaml::Kind::scalar);
    value.quoted = tag == "!";
    if (!value.quoted) refuse_tag(mark, tag);
    value.text = text;
    add(std::move(value));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, Yaml::Kind::list);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, Yaml::Kind::map);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    Yaml value;
    std::optional<YamlEntry> key;  // of a mapping, between a key and its value
  };

  // Marks count from 0.
  Place place(const YAML::Mark& mark) const { return {file_, mark.line + 1, mark.column + 1}; }
  Yaml leaf(const YAML::Mark& mark, Yaml::Kind kind) const { return {kind, place(mark), {}, false, {}, {}}; }

  void refuse_anchor(const YAML::Mark& mark) const { fail(place(mark), "MLQ108", anchors, anchors_hint); }
  void refuse_tag(const YAML::Mark& mark, const std::string& tag) const {
    if (!tag.empty() && tag != "?")
      fail(place(mark), "MLQ108", "tags are not used in a manifest", "remove the tag");
  }
  void open(const YAML::Mark& mark, const std::string& tag, Yaml::Kind kind) {
    refuse_tag(mark, tag == "!" ? "" : tag);
    if (open_.size() == max_depth)
      fail(place(mark), "MLQ107", "the manifest is nested too deeply",
           "a manifest needs no more than a few levels");
    open_.push_back({leaf(mark, kind), {}});
  }
  void close() {
    Yaml value = std::move(open_.back().value);
    open_.pop_back();
    add(std::move(value));
  }
  void add(Yaml value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (Open& parent = open_.back(); parent.value.kind == Yaml::Kind::list) {
      parent.value.items.push_back(std::move(value));
    } else if (parent.key) {
      parent.key->value = std::move(value);
      parent.value.entries.push_back(std::move(*parent.key));
      parent.key.reset();
    } else {
      parent.key = key(parent.value, std::move(value));
    }
  }
  YamlEntry key(const Yaml& map, Yaml value) const {
    if (value.kind != Yaml::Kind::scalar) fail(value.where, "MLQ103", "a key must be a word");
    for (const YamlEntry& entry : map.entries)
      if (entry.key == value.text)
        fail(value.where, "MLQ102", fmt::format("'{}' is given twice", value.text), "remove one of the two",
             {fmt::format("it was first given in line {}", entry.where.line)});
    return {std::move(value.text), std::move(value.where), {}};
  }

  std::string file_;
  Yaml root_;
  std::vector<Open> open_;
  bool started_ = false;
};

// Bytes that no editor writes into a manifest: most likely another file was named.
void check_text(const std::string& file, const std::string& text) {
  if (text.size() > max_bytes)
    fail({file}, "MLQ107", "the file is too large for a manifest", "name the .mlq.yaml file, not the model");
  for (std::size_t i = 0; i < text.size(); ++i)
    if (const auto byte = static_cast<unsigned char>(text[i]); byte == 0 || byte == 0xff || byte == 0xfe)
      fail({file}, "MLQ107", fmt::format("the file is no UTF-8 text (byte {} is 0x{:02x})", i, byte),
           "name the .mlq.yaml file, not the model");
}

// The parser takes some tabs for spaces and stumbles over them later, at another place.
void check_indentation(const std::string& file, const std::string& text) {
  int line = 1;
  for (std::size_t start = 0; start < text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    const std::size_t first = std::min(text.find_first_not_of(" \t\r", start), end);
    const std::size_t tab = text.find('\t', start);
    if (tab < first && first < end && text[first] != '#')
      fail({file, line, static_cast<int>(tab - start) + 1}, "MLQ107", "a tab in the indentation",
           "indent with spaces");
    start = end + 1;
  }
}

}  // namespace

const Yaml* Yaml::find(std::string_view key) const {
  for (const YamlEntry& entry : entries)
    if (entry.key == key) return &entry.value;
  return nullptr;
}

Yaml parse_yaml(const std::string& file, const std::string& text) {
  check_text(file, text);
  check_indentation(file, text);
  std::istringstream stream(text);
  Builder builder(file);
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& error) {
    const Place where{file, error.mark.line + 1, error.mark.column + 1};
    if (error.msg.starts_with(YAML::ErrorMsg::UNKNOWN_ANCHOR)) fail(where, "MLQ108", anchors, anchors_hint);
    fail(where, "MLQ107", "the YAML is broken: " + error.msg,
         "check quotes, brackets and indentation (spaces, no tabs) here and in the line above");
  }
  return builder.take();
}

}  // namespace mlqc
