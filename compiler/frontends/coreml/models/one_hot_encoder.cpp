// A word or whole number as an array with a one in its place among the categories. Zeros for one that is none
// of them, also where Core ML would stop with an error.
#include "compiler/frontends/coreml/model.pb.h"
#include "compiler/frontends/coreml/models/stage.h"

namespace mlqc::coreml {

void one_hot_encoder(Stage& s) {
  const OneHotEncoder& p = s.model.one_hot_encoder();
  const Words words =
      p.has_int64_categories() ? words_of(p.int64_categories()) : words_of(p.string_categories());
  s.b.require(!words.list.empty(), "has no categories");
  const TensorId place = s.place(s.only_input().name(), words);
  const TensorId ones = one_hot(s.b, place, static_cast<std::int64_t>(words.list.size()));
  if (p.output_sparse())
    s.give(s.only_output(), Flow::dictionary, ones, words);
  else
    s.give(s.only_output(), ones);
}

}  // namespace mlqc::coreml
