// Several features, one behind the other.
#include "compiler/frontends/coreml/model.pb.h"
#include "compiler/frontends/coreml/models/stage.h"

namespace mlqc::coreml {

void feature_vectorizer(Stage& s) {
  Ids parts;
  for (const FeatureVectorizer::InputColumn& column : s.model.feature_vectorizer().input_list()) {
    const std::string& name = column.input_column();
    const bool dictionary = s.flow(name).kind == Flow::dictionary;
    const TensorId part = dictionary ? s.values(name, s.flow(name).words) : s.vector(name);
    const auto wanted = size(s.b, column.input_dimensions());
    if (wanted > 0 && s.b.dimension(part, 0) >= 0 && s.b.dimension(part, 0) != wanted)
      s.b.fail("takes " + std::to_string(wanted) + " numbers of '" + name + "', which has " +
               std::to_string(s.b.dimension(part, 0)));
    parts.push_back(part);
  }
  s.b.require(!parts.empty(), "puts nothing together");
  s.give(s.only_output(), s.b.node("Concat", parts, {{"axis", std::int64_t{0}}}));
}

}  // namespace mlqc::coreml
