// If, Loop and Scan. A branch or body becomes a graph of its own; a branch that is known takes the place of
// its If, and a body that handles sequences is repeated, as many times as the file says.
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <array>

#include "compiler/frontends/onnx/operators.h"

namespace mlqc::onnx_format {

namespace {

using ::onnx::GraphProto;

const GraphProto& graph_of(Op& op, const char* name) {
  const auto* attribute = op.attribute(name);
  if (!attribute || !attribute->has_g()) op.b.fail(std::string("lacks its ") + name);
  return attribute->g();
}

// Lowered into the graph at hand; names of a subgraph are unique in the file.
Values lower_here(Build& b, const GraphProto& proto) {
  lower_graph(b, proto);
  Values results;
  for (const auto& output : proto.output()) results.push_back(b.resolve(output.name()));
  return results;
}

void add_feature(std::vector<mlq::Feature>& features, const Build& b, const Value& value) {
  mlq::Feature feature;
  feature.name = b.tensor(value).name;
  feature.tensor = value.id;
  feature.type = b.tensor(value).type;
  feature.shape = b.shape(value);
  features.push_back(std::move(feature));
}

void add_result(Build& sub, const Value& value) {
  sub.require(!value.list && value.given(), "gives a sequence or nothing, which only a known branch may");
  add_feature(sub.graph.outputs, sub, value);
}

std::shared_ptr<const mlq::Graph> finish(Build& sub) {
  return std::make_shared<const mlq::Graph>(std::move(sub.graph));
}

struct Branch {
  std::shared_ptr<const mlq::Graph> graph;
  std::vector<std::pair<int, Shape>> results;
};

Branch lower_branch(Op& op, const char* name) {
  Build sub(op.b.model, &op.b);
  sub.begin(op.b.name(), op.type());
  sub.names.attributes = op.b.names.attributes;
  Branch branch;
  for (const Value& value : lower_here(sub, graph_of(op, name))) {
    add_result(sub, value);
    branch.results.emplace_back(value.type, sub.shape(value));
  }
  branch.graph = finish(sub);
  return branch;
}

// Dimensions in which two shapes differ are not known.
void merge(Build& b, Shape& shape, const Shape& other) {
  b.require(shape.size() == other.size(), "gives tensors of different ranks");
  for (std::size_t d = 0; d < shape.size(); ++d)
    if (shape[d] != other[d]) shape[d] = -1;
}

void choose(Op& op) {
  Build& b = op.b;
  const Value condition = op.in();
  if (const auto known = b.known_ints(b.as_integer(condition)); known && known->size() == 1) {
    const std::string name = b.name();
    const Values results = lower_here(b, graph_of(op, known->front() ? "then_branch" : "else_branch"));
    b.begin(name, op.type());
    return op.outs(results);
  }
  Branch yes = lower_branch(op, "then_branch"), no = lower_branch(op, "else_branch");
  b.begin(op.b.name(), op.type());
  b.require(yes.results.size() == op.outputs() && no.results.size() == op.outputs(),
            "has branches of another number of results");
  for (std::size_t i = 0; i < op.outputs(); ++i) merge(b, yes.results[i].second, no.results[i].second);
  op.outs(b.stated("If", {condition}, {{"then_branch", yes.graph}, {"else_branch", no.graph}}, yes.results));
}

// A body as a graph whose operands are the round, the condition and the carried values.
struct Body {
  std::shared_ptr<const mlq::Graph> graph;
  std::vector<std::pair<int, Shape>> carried, rounds;
};

// One try with the given shapes of the carried values: `fill` says what the body's operands are and gives
// back condition, carried and stacked results.
template <class Fill>
Body lower_body(Op& op, const std::vector<std::pair<int, Shape>>& carried, Fill fill) {
  Build sub(op.b.model, &op.b);
  sub.begin(op.b.name(), op.type());
  sub.names.attributes = op.b.names.attributes;
  Values arguments = {sub.input(op.b.name() + "/round", t_int64, {}),
                      sub.input(op.b.name() + "/go_on", t_bool, {})};
  for (std::size_t i = 0; i < carried.size(); ++i)
    arguments.push_back(
        sub.input(op.b.name() + "/carried" + std::to_string(i), carried[i].first, carried[i].second));
  for (const Value& argument : arguments) add_feature(sub.graph.inputs, sub, argument);
  const Values results = fill(sub, arguments);
  sub.require(results.size() >= carried.size() + 1, "has a body with too few results");
  Body body;
  for (std::size_t i = 0; i < results.size(); ++i) {
    add_result(sub, results[i]);
    if (i == 0) continue;
    auto& list = i <= carried.size() ? body.carried : body.rounds;
    list.emplace_back(results[i].type, sub.shape(results[i]));
  }
  body.graph = finish(sub);
  return body;
}

// Shapes of carried values that a round changes are unknown in that dimension; then all is lowered again.
template <class Fill>
Values repeat(Op& op, const Value& rounds, const Value& condition, const Values& start, Fill fill) {
  Build& b = op.b;
  std::vector<std::pair<int, Shape>> carried;
  for (const Value& value : start) carried.emplace_back(value.type, b.shape(value));
  Body body;
  for (int look = 0; look < 3; ++look) {
    body = lower_body(op, carried, fill);
    auto merged = carried;
    for (std::size_t i = 0; i < carried.size(); ++i) {
      b.require(inside(body.carried[i].first) == inside(carried[i].first), "changes a carried value's type");
      merge(b, merged[i].second, body.carried[i].second);
    }
    if (merged == carried) break;
    carried = std::move(merged);
  }
  auto results = carried;
  for (auto& [type, shape] : body.rounds) {
    shape.insert(shape.begin(), -1);
    results.emplace_back(type, shape);
  }
  Values inputs = {rounds, condition};
  inputs.insert(inputs.end(), start.begin(), start.end());
  return b.stated("Loop", inputs, {{"body", body.graph}}, results);
}

// What a body's names are once its operands are given.
Values lower_with(Build& b, const GraphProto& proto, const Values& arguments) {
  b.require(static_cast<std::size_t>(proto.input_size()) == arguments.size(),
            "has a body of another number of operands");
  for (int i = 0; i < proto.input_size(); ++i)
    b.define(proto.input(i).name(), arguments[static_cast<std::size_t>(i)]);
  return lower_here(b, proto);
}

constexpr std::int64_t most_rounds = 1024;

// A number of rounds that is known, of a body that never stops early.
void unroll(Op& op, const GraphProto& proto, Values carried) {
  Build& b = op.b;
  const std::string name = b.name();
  const Ints rounds = b.constant_ints(op.maybe(0), "a number of rounds (it handles sequences)");
  b.require(rounds.size() == 1 && rounds[0] <= most_rounds, "handles sequences in too many rounds");
  bool go_on = !op.given(1) || b.constant_ints(b.as_integer(op.in(1)), "a condition").at(0) != 0;
  std::vector<Values> stacked(op.outputs() - std::min(op.outputs(), carried.size()));
  for (std::int64_t round = 0; round < rounds[0] && go_on; ++round) {
    Values arguments = {b.scalar(round), b.truth(true)};
    arguments.insert(arguments.end(), carried.begin(), carried.end());
    const Values results = lower_with(b, proto, arguments);
    b.begin(name, op.type());
    b.require(results.size() == 1 + carried.size() + stacked.size(),
              "has a body of another number of results");
    go_on = b.constant_ints(b.as_integer(results[0]), "a condition").at(0) != 0;
    std::copy_n(results.begin() + 1, carried.size(), carried.begin());
    for (std::size_t i = 0; i < stacked.size(); ++i)
      stacked[i].push_back(b.unsqueeze(results[1 + carried.size() + i], {0}));
  }
  op.outs(carried);
  for (std::size_t i = 0; i < stacked.size(); ++i) {
    b.require(!stacked[i].empty(), "stacks the results of no rounds at all");
    op.out(b.concat(stacked[i], 0), carried.size() + i);
  }
}

void loop(Op& op) {
  const GraphProto& proto = graph_of(op, "body");
  Values carried;
  for (std::size_t i = 2; i < op.inputs(); ++i) carried.push_back(op.maybe(i));
  const bool tensors =
      std::all_of(carried.begin(), carried.end(), [](const Value& v) { return v.given() && !v.list; });
  if (!tensors) return unroll(op, proto, carried);
  op.outs(repeat(op, op.maybe(0), op.maybe(1), carried,
                 [&](Build& sub, const Values& arguments) { return lower_with(sub, proto, arguments); }));
}

struct ScanRule {
  std::size_t states = 0;
  Ints axes, reverse, result_axes, result_reverse;
};

std::int64_t at(const Ints& list, std::size_t i) { return i < list.size() ? list[i] : 0; }

// Without the axis of the batch, which only the first version of Scan had.
Values scan(Op& op, const ScanRule& rule, const Values& operands) {
  Build& b = op.b;
  const GraphProto& proto = graph_of(op, "body");
  const Values start(operands.begin(), operands.begin() + static_cast<std::ptrdiff_t>(rule.states));
  const Values read(operands.begin() + static_cast<std::ptrdiff_t>(rule.states), operands.end());
  b.require(!read.empty(), "scans nothing");
  const Value length = b.gather(b.shape_of(read[0]), b.scalar(b.axis(at(rule.axes, 0), b.rank(read[0]))), 0);
  Values results = repeat(op, length, {}, start, [&](Build& sub, const Values& arguments) {
    Values body(arguments.begin() + 2, arguments.end());
    for (std::size_t i = 0; i < read.size(); ++i) {
      Value place = arguments[0];
      if (at(rule.reverse, i)) place = sub.sub(sub.sub(sub.from_outer(length), sub.scalar(1)), place);
      const Value x = sub.from_outer(read[i]);
      body.push_back(sub.gather(x, place, sub.axis(at(rule.axes, i), sub.rank(x))));
    }
    Values all = {arguments[1]};
    for (const Value& value : lower_with(sub, proto, body)) all.push_back(value);
    return all;
  });
  for (std::size_t i = rule.states; i < results.size(); ++i) {
    Value& y = results[i];
    const std::size_t k = i - rule.states;
    if (at(rule.result_reverse, k)) y = b.slice(y, 0, -1, INT64_MIN, -1);
    const std::int64_t axis = b.axis(at(rule.result_axes, k), b.rank(y));
    if (axis == 0) continue;
    Ints perm;
    for (std::int64_t d = 1; d < b.rank(y); ++d) perm.push_back(d);
    perm.insert(perm.begin() + axis, 0);
    y = b.transpose(y, perm);
  }
  return results;
}

// Operator set 8: the first operand is lengths, and each sample of the batch is scanned by itself.
void scan_batch(Op& op, ScanRule rule) {
  Build& b = op.b;
  b.require(!op.given(0), "has sequences of different lengths");
  Values operands;
  for (std::size_t i = 1; i < op.inputs(); ++i) operands.push_back(op.in(i));
  rule.states = operands.size() - static_cast<std::size_t>(op.i("num_scan_inputs", 0));
  rule.reverse = op.is("directions");
  std::vector<Values> parts(op.outputs());
  for (std::int64_t sample = 0; sample < b.dim(operands[0], 0); ++sample) {
    Values own;
    for (const Value& operand : operands) own.push_back(b.gather(operand, b.scalar(sample), 0));
    const Values results = scan(op, rule, own);
    for (std::size_t i = 0; i < parts.size() && i < results.size(); ++i)
      parts[i].push_back(b.unsqueeze(results[i], {0}));
  }
  for (std::size_t i = 0; i < parts.size(); ++i) op.out(b.concat(parts[i], 0), i);
}

void scan_any(Op& op) {
  ScanRule rule;
  if (op.b.model.opset() < 9) return scan_batch(op, rule);
  const auto read = static_cast<std::size_t>(op.i("num_scan_inputs", 0));
  op.b.require(read >= 1 && read <= op.inputs(), "scans another number of operands than it has");
  rule = {op.inputs() - read, op.is("scan_input_axes"), op.is("scan_input_directions"),
          op.is("scan_output_axes"), op.is("scan_output_directions")};
  op.outs(scan(op, rule, op.ins()));
}

}  // namespace

std::span<const Row> control_rows() {
  static constexpr auto rows = std::to_array<Row>({{"If", choose}, {"Loop", loop}, {"Scan", scan_any}});
  return rows;
}

}  // namespace mlqc::onnx_format
