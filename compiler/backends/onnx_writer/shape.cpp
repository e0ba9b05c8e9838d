// Shapes, parts, borders and orders.
#include <algorithm>

#include "compiler/backends/onnx_writer/writer.h"

namespace mlqc::onnx_writer {

namespace {

// x and one list, an operand there whatever it is here.
void with_list(Writer& w, const Row& row) {
  const std::string x = w.in(), list = w.list(1, row.attributes);
  w.require(!list.empty() || row.op == "Squeeze", "says neither a shape nor axes");
  w.last(row.op, list.empty() ? Names{x} : Names{x, list});
}

void identity(Writer& w, const Row&) { w.last("Identity", {w.in()}); }

// The sizes of the parts, where they are known.
void split(Writer& w, const Row&) {
  const std::int64_t stated = w.node().get_int("axis", 0), axis = stated < 0 ? stated + w.rank(0) : stated;
  Names results;
  Ints sizes;
  for (std::size_t i = 0; i < w.node().outputs.size(); ++i) {
    results.push_back(w.node().outputs[i] == mlq::no_tensor ? w.fresh() : w.out(i));
    if (w.node().outputs[i] != mlq::no_tensor)
      sizes.push_back(w.result(i).shape.at(static_cast<std::size_t>(axis)));
  }
  const bool known = sizes.size() == results.size() && std::count(sizes.begin(), sizes.end(), -1) == 0;
  const std::string x = w.in(), list = known ? w.ints(sizes) : w.list(1, "split");
  set(w.add("Split", list.empty() ? Names{x} : Names{x, list}, results), "axis", axis);
}

void slice(Writer& w, const Row&) {
  Names inputs = {w.in(), w.list(1, "starts"), w.list(2, "ends"), w.list(3, "axes"), w.list(4, "steps")};
  w.require(!inputs[1].empty() && !inputs[2].empty(), "says neither starts nor ends");
  while (inputs.back().empty()) inputs.pop_back();
  w.last("Slice", inputs);
}

// Where only some axes are named, zero for all others: operands for axes came with operator set 18.
Ints all_pads(const Writer& w) {
  const Ints pads = w.numbers(1, "pads"), axes = w.numbers(3, "axes");
  if (axes.empty()) return pads;
  const auto rank = static_cast<std::size_t>(w.rank(0));
  w.require(pads.size() == 2 * axes.size(), "has paddings of another number of axes");
  Ints all(2 * rank, 0);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<std::size_t>(axes[i] < 0 ? axes[i] + w.rank(0) : axes[i]);
    all.at(axis) = pads[i];
    all.at(axis + rank) = pads[i + axes.size()];
  }
  return all;
}

void pad(Writer& w, const Row&) {
  const std::string mode = w.node().get_string("mode", "constant");
  w.require(mode == "constant" || mode == "reflect" || mode == "edge", "pads in a way that ONNX has not");
  const bool named = w.given(3) || w.node().attributes.contains("axes");
  Names inputs = {w.in(), named ? w.ints(all_pads(w)) : w.list(1, "pads")};
  w.require(!inputs[1].empty(), "does not say how much it pads");
  if (w.given(2))
    inputs.push_back(w.in(2));
  else if (w.node().get_float("value", 0) != 0)
    inputs.push_back(w.number(w.node().get_float("value", 0)));
  set(w.last("Pad", inputs), "mode", mode);
}

constexpr Row rows[] = {
    {"Concat", same, "axis"},
    {"DepthToSpace", same, "blocksize mode"},
    {"Dropout", identity},
    {"Expand", with_list, "shape"},
    {"Flatten", same, "axis"},
    {"Identity", identity},
    {"Pad", pad},
    {"Reshape", with_list, "shape"},
    {"Shape", same, "start end"},
    {"Size", same},
    {"Slice", slice},
    {"SpaceToDepth", same, "blocksize"},
    {"Split", split},
    {"Squeeze", with_list, "axes"},
    {"Tile", with_list, "repeats"},
    {"Transpose", same, "perm"},
    {"Unsqueeze", with_list, "axes"},
};

}  // namespace

std::span<const Row> shape_rows() { return rows; }

}  // namespace mlqc::onnx_writer
