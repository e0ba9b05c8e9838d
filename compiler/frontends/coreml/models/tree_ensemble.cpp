// Trees of decisions, all at once: each tree stands at a node, a step looks up the node's feature and
// threshold and goes on to one of its children. A leaf is its own child, so that all trees take as many steps
// as the deepest has levels.
#include <algorithm>
#include <map>

#include "compiler/frontends/coreml/model.pb.h"
#include "compiler/frontends/coreml/models/stage.h"

namespace mlqc::coreml {

namespace {

constexpr std::size_t deepest = 256;

// By node. Comparisons are "<=", "<" and "==": of the opposite ones the children are exchanged.
struct Forest {
  Ints feature, yes, no, leaf;
  std::vector<float> threshold, strict, equal, missing;  // the last three are truth values
  Ints roots;
  std::vector<float> values;  // by leaf and dimension; leaf 0 is of inner nodes
  std::size_t depth = 0;
};

class Planter {
 public:
  Planter(Build& b, const TreeEnsembleParameters& p)
      : b_(b), p_(p), dimensions_(size(b, p.num_prediction_dimensions())) {
    b.require(dimensions_ > 0 && dimensions_ < 1 << 20, "has trees that give no numbers, or too many");
  }

  Forest plant(std::int64_t features) {
    for (int i = 0; i < p_.nodes_size(); ++i)
      if (!places_.emplace(key(p_.nodes(i).tree_id(), p_.nodes(i).node_id()), i).second)
        b_.fail("has trees with two nodes of one number");
    parents_.resize(static_cast<std::size_t>(p_.nodes_size()));
    forest_.values.assign(static_cast<std::size_t>(dimensions_), 0);
    for (int i = 0; i < p_.nodes_size(); ++i) add(i, features);
    for (std::size_t i = 0; i < parents_.size(); ++i)
      if (parents_[i] == 0) forest_.roots.push_back(static_cast<std::int64_t>(i));
    b_.require(!forest_.roots.empty(), "has no trees");
    measure();
    return std::move(forest_);
  }

 private:
  using Key = std::pair<std::uint64_t, std::uint64_t>;
  static Key key(std::uint64_t tree, std::uint64_t node) { return {tree, node}; }

  std::int64_t child(const TreeNode& node, std::uint64_t id) {
    const auto found = places_.find(key(node.tree_id(), id));
    if (found == places_.end()) b_.fail("has trees with branches that lead nowhere");
    if (++parents_[static_cast<std::size_t>(found->second)] > 1) b_.fail("has trees whose branches meet");
    return found->second;
  }

  void add(int place, std::int64_t features) {
    const TreeNode& node = p_.nodes(place);
    if (node.node_behavior() == TreeNode::LEAF_NODE) return add_leaf(place, node);
    const auto behavior = node.node_behavior();
    b_.require(behavior >= 0 && behavior < TreeNode::LEAF_NODE, "has trees with nodes of an unknown kind");
    const std::int64_t feature = size(b_, node.branch_feature_index());
    b_.require(features < 0 || feature < features, "has trees that read features behind the last");
    const bool opposite = behavior == TreeNode::BRANCH_ON_VALUE_GREATER_THAN ||
                          behavior == TreeNode::BRANCH_ON_VALUE_GREATER_THAN_EQUAL ||
                          behavior == TreeNode::BRANCH_ON_VALUE_NOT_EQUAL;
    std::int64_t yes = child(node, node.true_child_node_id()), no = child(node, node.false_child_node_id());
    if (opposite) std::swap(yes, no);
    push(feature, yes, no, 0, static_cast<float>(node.branch_feature_value()));
    forest_.strict.back() = behavior == TreeNode::BRANCH_ON_VALUE_LESS_THAN ||
                            behavior == TreeNode::BRANCH_ON_VALUE_GREATER_THAN_EQUAL;
    forest_.equal.back() =
        behavior == TreeNode::BRANCH_ON_VALUE_EQUAL || behavior == TreeNode::BRANCH_ON_VALUE_NOT_EQUAL;
    forest_.missing.back() = node.missing_value_tracks_true_child() != opposite;
  }

  void add_leaf(int place, const TreeNode& node) {
    const auto leaf = static_cast<std::int64_t>(forest_.values.size()) / dimensions_;
    forest_.values.resize(forest_.values.size() + static_cast<std::size_t>(dimensions_));
    for (const EvaluationInfo& info : node.evaluation_info()) {
      if (info.evaluation_index() >= static_cast<std::uint64_t>(dimensions_))
        b_.fail("has trees that give more numbers than they say");
      forest_.values[static_cast<std::size_t>(leaf * dimensions_) + info.evaluation_index()] +=
          static_cast<float>(info.evaluation_value());
    }
    push(0, place, place, leaf, 0);
  }

  void push(std::int64_t feature, std::int64_t yes, std::int64_t no, std::int64_t leaf, float threshold) {
    forest_.feature.push_back(feature);
    forest_.yes.push_back(yes);
    forest_.no.push_back(no);
    forest_.leaf.push_back(leaf);
    forest_.threshold.push_back(threshold);
    for (auto* flags : {&forest_.strict, &forest_.equal, &forest_.missing}) flags->push_back(0);
  }

  // Each node has one parent at most, so that a walk from the roots ends; rings have no root.
  void measure() {
    Ints level = forest_.roots;
    while (true) {
      Ints next;
      for (const std::int64_t node : level) {
        const auto at = static_cast<std::size_t>(node);
        if (forest_.yes[at] != node) next.insert(next.end(), {forest_.yes[at], forest_.no[at]});
      }
      if (next.empty()) return;
      if (++forest_.depth > deepest) b_.fail("has trees of more than " + std::to_string(deepest) + " levels");
      level = std::move(next);
    }
  }

  Build& b_;
  const TreeEnsembleParameters& p_;
  std::int64_t dimensions_;
  std::map<Key, int> places_;
  std::vector<int> parents_;
  Forest forest_;
};

bool any(const std::vector<float>& flags) {
  return std::any_of(flags.begin(), flags.end(), [](float flag) { return flag != 0; });
}

// All steps from the roots; the node at which each tree ends.
TensorId walk(Build& b, const Forest& f, TensorId x) {
  const auto at = [&](TensorId table, TensorId node) {
    return b.node("Gather", {table, node}, {{"axis", std::int64_t{0}}});
  };
  const TensorId feature = b.ints(f.feature), yes = b.ints(f.yes), no = b.ints(f.no);
  const TensorId threshold = constant(b, f.threshold), strict = constant(b, f.strict),
                 equal = constant(b, f.equal), missing = constant(b, f.missing);
  TensorId node = b.ints(f.roots);
  for (std::size_t step = 0; step < f.depth; ++step) {
    const TensorId value = at(x, at(feature, node)), limit = at(threshold, node);
    TensorId right = b.node("LessOrEqual", {value, limit});
    if (any(f.strict))
      right = b.node("Where", {b.truth(at(strict, node)), b.node("Less", {value, limit}), right});
    if (any(f.equal))
      right = b.node("Where", {b.truth(at(equal, node)), b.node("Equal", {value, limit}), right});
    if (any(f.missing))
      right = b.node("Where", {b.node("IsNaN", {value}), b.truth(at(missing, node)), right});
    node = b.node("Where", {right, at(yes, node), at(no, node)});
  }
  return node;
}

// The sum of the leaves' numbers over all trees: [dimensions].
TensorId grow(Stage& s, const TreeEnsembleParameters& p) {
  Build& b = s.b;
  Ids parts;
  for (const FeatureDescription& input : s.description().input()) parts.push_back(s.vector(input.name()));
  b.require(!parts.empty(), "has no input");
  const TensorId x = parts.size() == 1 ? parts[0] : b.node("Concat", parts, {{"axis", std::int64_t{0}}});
  const Forest forest = Planter(b, p).plant(b.dimension(x, 0));
  const auto dimensions = static_cast<std::int64_t>(p.num_prediction_dimensions());
  const TensorId leaf =
      b.node("Gather", {b.ints(forest.leaf), walk(b, forest, x)}, {{"axis", std::int64_t{0}}});
  const auto leaves = static_cast<std::int64_t>(forest.values.size()) / dimensions;
  // Flat, so that nothing takes it for a matrix of weights.
  Ints steps;
  for (std::int64_t i = 0; i < dimensions; ++i) steps.push_back(i);
  const TensorId flat = b.floats({leaves * dimensions}, forest.values);
  const TensorId first = b.node("Unsqueeze", {b.node("Mul", {leaf, b.scalar(dimensions)}), b.ints({1})});
  const TensorId found =
      b.node("Gather", {flat, b.node("Add", {first, b.ints(steps)})}, {{"axis", std::int64_t{0}}});
  const TensorId sum = b.node("ReduceSum", {found, b.ints({0})}, {{"keepdims", std::int64_t{0}}});
  if (p.base_prediction_value_size() == 0) return sum;
  b.require(p.base_prediction_value_size() == 1 || p.base_prediction_value_size() == dimensions,
            "has another number of base values than its trees give");
  return b.add(sum, constant(b, p.base_prediction_value()));
}

TensorId softmax(Build& b, TensorId x) { return b.node("Softmax", {x}, {{"axis", std::int64_t{0}}}); }

TensorId with_zero_first(Build& b, TensorId x) {
  return b.node("Concat", {constant(b, std::vector<float>{0}), x}, {{"axis", std::int64_t{0}}});
}

TensorId transform(Build& b, TensorId y, int how) {
  switch (how) {
    case TreeEnsemble::NO_TRANSFORM:
      return y;
    case TreeEnsemble::CLASSIFICATION_SOFT_MAX:
      return softmax(b, y);
    case TreeEnsemble::REGRESSION_LOGISTIC:
      return b.node("Sigmoid", {y});
    case TreeEnsemble::CLASSIFICATION_SOFT_MAX_WITH_ZERO_CLASS_REFERENCE:
      return softmax(b, with_zero_first(b, y));
    default:
      b.fail("has an unknown transform");
  }
}

}  // namespace

void tree_ensemble(Stage& s) {
  const bool classifies = s.model.has_tree_ensemble_classifier();
  const TreeEnsemble& p = classifies ? s.model.tree_ensemble_classifier() : s.model.tree_ensemble_regressor();
  TensorId y = transform(s.b, grow(s, p.tree_ensemble()), p.post_evaluation_transform());
  if (!classifies) return s.give(s.only_output(), y);
  // One number for two classes is the second one's probability.
  const Words classes = class_labels(p);
  if (s.b.dimension(y, 0) == 1 && classes.list.size() == 2)
    y = s.b.node("Concat", {s.b.subtract(s.b.number(1), y), y}, {{"axis", std::int64_t{0}}});
  s.give_classes(y, classes);
}

}  // namespace mlqc::coreml
