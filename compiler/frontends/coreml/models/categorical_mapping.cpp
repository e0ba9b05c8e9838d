// Words to whole numbers, or whole numbers to words. A word that the model does not know becomes its value
// for such; where it has none, Core ML stops with an error, and here 0 or no word comes out.
#include <map>

#include "compiler/frontends/coreml/model.pb.h"
#include "compiler/frontends/coreml/models/stage.h"

namespace mlqc::coreml {

namespace {

void to_numbers(Stage& s, const CategoricalMapping& m) {
  // The file's map has no order of its own.
  const std::map<std::string, std::int64_t> pairs(m.string_to_int64_map().map().begin(),
                                                  m.string_to_int64_map().map().end());
  Words words;
  Ints numbers;
  for (const auto& [word, number] : pairs) {
    words.list.push_back(word);
    numbers.push_back(number);
  }
  numbers.push_back(m.int64_value());
  const TensorId place = s.place(s.only_input().name(), words);
  s.give(s.only_output(), s.b.node("Gather", {s.b.ints(numbers), place}, {{"axis", std::int64_t{0}}}));
}

void to_words(Stage& s, const CategoricalMapping& m) {
  const std::map<std::int64_t, std::string> pairs(m.int64_to_string_map().map().begin(),
                                                  m.int64_to_string_map().map().end());
  Words numbers{{}, true}, words;
  for (const auto& [number, word] : pairs) {
    numbers.list.push_back(std::to_string(number));
    words.list.push_back(word);
  }
  TensorId place = s.place(s.only_input().name(), numbers);
  if (m.value_on_unknown_case() == CategoricalMapping::kStrValue) {
    words.list.push_back(m.str_value());
    Ints places;
    for (std::size_t i = 0; i < words.list.size(); ++i) places.push_back(static_cast<std::int64_t>(i));
    place = s.b.node("Gather", {s.b.ints(places), place}, {{"axis", std::int64_t{0}}});
  }
  s.give(s.only_output(), Flow::text, place, words);
}

}  // namespace

void categorical_mapping(Stage& s) {
  const CategoricalMapping& m = s.model.categorical_mapping();
  m.has_string_to_int64_map() ? to_numbers(s, m) : to_words(s, m);
}

}  // namespace mlqc::coreml
