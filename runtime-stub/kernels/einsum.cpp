// Einsum, letter by letter: products over the union of all indices, summed over those the result lacks.
#include <algorithm>
#include <string>
#include <vector>

#include "runtime-stub/kernels/families.h"
#include "runtime-stub/kernels/loops.h"
#include "runtime-stub/kernels/support.h"

namespace mlq::kernels {
namespace {

struct Equation {
  std::vector<std::string> operands;
  std::string result;
};

// Axes under "..." are called '0', '1', ... from the right, so that they broadcast.
bool expand_dots(std::string& term, std::int64_t rank) {
  std::size_t dots = term.find("...");
  if (dots == std::string::npos) return static_cast<std::int64_t>(term.size()) == rank;
  std::int64_t hidden = rank - static_cast<std::int64_t>(term.size()) + 3;
  if (hidden < 0 || hidden > 10) return false;
  std::string names;
  for (std::int64_t i = hidden; i-- > 0;) names += static_cast<char>('0' + i);
  term.replace(dots, 3, names);
  return true;
}

Result<Equation> parse(const Call& call) {
  std::string text = call.node.get_string("equation", "");
  std::erase(text, ' ');
  Equation e;
  std::size_t arrow = text.find("->");
  std::string left = text.substr(0, arrow), all;
  for (std::size_t start = 0; start <= left.size();) {
    std::size_t end = std::min(left.find(',', start), left.size());
    e.operands.push_back(left.substr(start, end - start));
    start = end + 1;
  }
  if (e.operands.size() != call.inputs.size()) return fail(call, "as many terms as operands are needed");
  std::string dots;
  for (std::size_t i = 0; i < e.operands.size(); ++i) {
    if (!expand_dots(e.operands[i], rank(call.inputs[i].shape)))
      return fail(call, "a term does not fit its operand");
    all += e.operands[i];
  }
  for (char c = '9'; c >= '0'; --c)
    if (all.find(c) != std::string::npos) dots += c;
  if (arrow != std::string::npos) {
    e.result = text.substr(arrow + 2);
    if (std::size_t at = e.result.find("..."); at != std::string::npos) e.result.replace(at, 3, dots);
  } else {
    e.result = dots;
    for (char c = 'A'; c <= 'z'; ++c)
      if (std::count(all.begin(), all.end(), c) == 1) e.result += c;
  }
  for (char c : e.result)
    if (all.find(c) == std::string::npos || std::count(e.result.begin(), e.result.end(), c) != 1)
      return fail(call, "the result has an index that no operand has, or has it twice");
  return e;
}

// The size of each index of `order`.
Result<Shape> extents(const Call& call, const Equation& e, const std::string& order) {
  Shape shape(order.size(), 1);
  for (std::size_t i = 0; i < e.operands.size(); ++i)
    for (std::size_t d = 0; d < e.operands[i].size(); ++d) {
      std::int64_t& size = shape[order.find(e.operands[i][d])];
      auto fit = broadcast({size}, {call.inputs[i].shape[d]});
      if (!fit) return fail(call, "operands differ in the size of an index");
      size = (*fit)[0];
    }
  return shape;
}

std::string order_of(const Equation& e) {
  std::string order = e.result;
  for (const auto& term : e.operands)
    for (char c : term)
      if (order.find(c) == std::string::npos) order += c;
  return order;
}

Status infer(Call& call) {
  if (call.inputs.empty() || !has_operands(call, call.inputs.size())) return fail(call, "needs operands");
  for (const Value& v : call.inputs)
    if (v.type != DataType::float32) return fail(call, "is for float32 only");
  auto e = parse(call);
  if (!e) return e.status();
  auto shape = extents(call, *e, order_of(*e));
  if (!shape) return shape.status();
  shape->resize(e->result.size());
  set_output(call, 0, DataType::float32, *shape);
  return {};
}

Status evaluate(const Call& call) {
  auto e = parse(call);
  if (!e) return e.status();
  std::string order = order_of(*e);
  auto shape = extents(call, *e, order);
  if (!shape) return shape.status();
  Shape result = strides_of(call.outputs[0].shape);
  result.resize(order.size(), 0);
  std::vector<Shape> strides{result};
  for (std::size_t i = 0; i < e->operands.size(); ++i) {
    Shape own = strides_of(call.inputs[i].shape), s(order.size(), 0);
    // An index twice in one term walks along the diagonal.
    for (std::size_t d = 0; d < own.size(); ++d)
      if (call.inputs[i].shape[d] != 1) s[order.find(e->operands[i][d])] += own[d];
    strides.push_back(s);
  }
  std::vector<double> sums(product(call.outputs[0].shape), 0.0);
  for_each_run(make_loops(*shape, strides),
               [&](const std::int64_t* at, std::int64_t n, const std::int64_t* step) {
                 for (std::int64_t k = 0; k < n; ++k) {
                   double value = 1;
                   for (std::size_t i = 0; i < call.inputs.size(); ++i)
                     value *= in<float>(call, i)[at[i + 1] + k * step[i + 1]];
                   sums[at[0] + k * step[0]] += value;
                 }
               });
  for (std::size_t i = 0; i < sums.size(); ++i) out<float>(call)[i] = static_cast<float>(sums[i]);
  return {};
}

constexpr Kernel rows[] = {{"Einsum", infer, evaluate}};

}  // namespace

std::span<const Kernel> einsum_kernels() { return rows; }

}  // namespace mlq::kernels
