// A dictionary's values in the order of the model's keys; keys that the dictionary lacks are zeros.
#include "compiler/frontends/coreml/model.pb.h"
#include "compiler/frontends/coreml/models/stage.h"

namespace mlqc::coreml {

void dict_vectorizer(Stage& s) {
  const DictVectorizer& d = s.model.dict_vectorizer();
  const Words keys = d.has_int64_to_index() ? words_of(d.int64_to_index()) : words_of(d.string_to_index());
  s.give(s.only_output(), s.values(s.only_input().name(), keys));
}

}  // namespace mlqc::coreml
