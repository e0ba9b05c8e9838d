// Sequences and optionals: lists that exist only while the graph is being built, so their lengths and the
// places in them must be known then.
#include <onnx/onnx_pb.h>

#include <array>

#include "compiler/frontends/onnx/operators.h"

namespace mlqc::onnx_format {

namespace {

constexpr std::int64_t most_parts = 1 << 14;  // each becomes a node

Value list(Values items) {
  Value value;
  value.list = std::make_shared<const Values>(std::move(items));
  return value;
}

const Values& items(Op& op, std::size_t i = 0) {
  const Value value = op.maybe(i);
  if (!value.list) op.b.fail("needs a sequence");
  return *value.list;  // lives in the table of names
}

// A place in a list of n, counted from the end where negative.
std::size_t place(Op& op, const Value& value, std::size_t n) {
  const Ints number = op.b.constant_ints(value, "a place in a sequence");
  const auto size = static_cast<std::int64_t>(n);
  const std::int64_t i = number.size() != 1 ? -1 : number[0] < 0 ? number[0] + size : number[0];
  if (number.size() != 1 || i < 0 || i >= size) op.b.fail("asks for a place outside of the sequence");
  return static_cast<std::size_t>(i);
}

void construct(Op& op) { op.out(list(op.ins())); }
void empty(Op& op) { op.out(list({})); }
void length(Op& op) { op.out(op.b.scalar(static_cast<std::int64_t>(items(op).size()))); }
void at(Op& op) { op.out(items(op)[place(op, op.in(1), items(op).size())]); }

void insert(Op& op) {
  Values all = items(op);
  // The end is a place as well, but one that negative numbers do not count.
  std::size_t where = all.size();
  if (op.given(2) &&
      op.b.constant_ints(op.in(2), "a place in a sequence").at(0) != static_cast<std::int64_t>(where))
    where = place(op, op.in(2), all.size());
  all.insert(all.begin() + static_cast<std::ptrdiff_t>(where), op.in(1));
  op.out(list(std::move(all)));
}

void erase(Op& op) {
  Values all = items(op);
  op.b.require(!all.empty(), "takes something out of an empty sequence");
  const std::size_t where = op.given(1) ? place(op, op.in(1), all.size()) : all.size() - 1;
  all.erase(all.begin() + static_cast<std::ptrdiff_t>(where));
  op.out(list(std::move(all)));
}

void concat(Op& op) {
  Build& b = op.b;
  Values all = items(op);
  b.require(!all.empty(), "joins an empty sequence");
  std::int64_t axis = op.i("axis", 0);
  if (op.i("new_axis", 0) != 0) {
    axis = b.axis(axis, b.rank(all[0]) + 1);
    for (Value& item : all) item = b.unsqueeze(item, {axis});
  }
  op.out(b.concat(all, axis));
}

// Sizes of the parts: one number for all but the last, a list, or ones.
Ints sizes(Op& op, std::int64_t whole) {
  const bool one_each = !op.given(1);
  const Ints given = one_each ? Ints{1} : op.b.constant_ints(op.in(1), "sizes");
  if (!one_each && op.b.rank(op.in(1)) > 0) return given;
  op.b.require(given.size() == 1 && given[0] > 0, "splits into parts of no size");
  op.b.require(whole / given[0] <= most_parts, "splits into more parts than any network has");
  Ints all;
  for (std::int64_t i = 0; i < whole; i += given[0]) all.push_back(std::min(given[0], whole - i));
  return all;
}

void split(Op& op) {
  Build& b = op.b;
  const Value x = op.in();
  const std::int64_t axis = b.axis(op.i("axis", 0), b.rank(x));
  const Ints parts = sizes(op, b.dim(x, axis));
  Values results;
  std::int64_t from = 0;
  for (const std::int64_t size : parts) {
    Value part = b.slice(x, axis, from, from + size);
    if (!op.given(1) && op.i("keepdims", 1) == 0) part = b.squeeze(part, {axis});
    results.push_back(part);
    from += size;
  }
  op.out(list(std::move(results)));
}

// The body once for each item; operands that are tensors are the same for all.
void map(Op& op) {
  Build& b = op.b;
  const std::string name = b.name();
  const auto* attribute = op.attribute("body");
  b.require(attribute && attribute->has_g(), "lacks its body");
  const std::size_t n = items(op).size();
  std::vector<Values> results(op.outputs());
  for (std::size_t k = 0; k < n; ++k) {
    for (std::size_t i = 0; i < op.inputs() && i < static_cast<std::size_t>(attribute->g().input_size());
         ++i) {
      const Value operand = op.maybe(i);
      b.require(!operand.list || operand.list->size() == n, "has sequences of different lengths");
      b.define(attribute->g().input(static_cast<int>(i)).name(), operand.list ? (*operand.list)[k] : operand);
    }
    lower_graph(b, attribute->g());
    for (std::size_t i = 0; i < results.size(); ++i)
      results[i].push_back(b.resolve(attribute->g().output(static_cast<int>(i)).name()));
    b.begin(name, op.type());
  }
  for (std::size_t i = 0; i < results.size(); ++i) op.out(list(std::move(results[i])), i);
}

void optional(Op& op) { op.out(op.maybe(0)); }
void has_element(Op& op) { op.out(op.b.truth(op.maybe(0).given())); }
void get_element(Op& op) {
  const Value value = op.maybe(0);
  op.b.require(value.given(), "opens an optional that is empty");
  op.out(value);
}

}  // namespace

std::span<const Row> sequence_rows() {
  static constexpr auto rows = std::to_array<Row>({
      {"SequenceConstruct", construct},
      {"SequenceEmpty", empty},
      {"SequenceLength", length},
      {"SequenceAt", at},
      {"SequenceInsert", insert},
      {"SequenceErase", erase},
      {"ConcatFromSequence", concat},
      {"SplitToSequence", split},
      {"SequenceMap", map},
      {"Optional", optional},
      {"OptionalHasElement", has_element},
      {"OptionalGetElement", get_element},
  });
  return rows;
}

}  // namespace mlqc::onnx_format
