// Elements by their place, places by their element, and tensors made of numbers alone.
#include <onnx/onnx_pb.h>

#include "compiler/backends/onnx_writer/writer.h"

namespace mlqc::onnx_writer {

namespace {

using ::onnx::AttributeProto;
using ::onnx::TensorProto;

// Others came with operator set 18, or never.
void scatter(Writer& w, const Row& row) {
  const std::string how = w.node().get_string("reduction", "none");
  w.require(how == "none" || how == "add" || how == "mul", "combines elements in a way that ONNX has not");
  same(w, row);
}

// The count is a list of one, an operand of its own.
void top(Writer& w, const Row&) {
  const std::string x = w.in();
  const std::string k = w.given(1) && !w.tensor(w.operand(1)).data
                            ? w.step("Reshape", {w.in_as(1, onnx_format::t_int64), w.ints({1})})
                            : w.ints({w.given(1) ? w.numbers(1, "k").at(0) : w.node().get_int("k", 1)});
  Names results;
  for (std::size_t i = 0; i < w.node().outputs.size(); ++i) results.push_back(w.out(i));
  NodeProto& node = w.add("TopK", {x, k}, results);
  set(node, "axis", w.node().get_int("axis", -1));
  set(node, "largest", w.node().get_int("largest", 1));
  set(node, "sorted", w.node().get_int("sorted", 1));
}

void sum_up(Writer& w, const Row&) {
  const std::string x = w.in(), axis = w.given(1) ? w.in_as(1, onnx_format::t_int64)
                                                  : w.scalar(w.node().get_int("axis", 0));
  NodeProto& node = w.last("CumSum", {x, axis});
  set(node, "exclusive", w.node().get_int("exclusive", 0));
  set(node, "reverse", w.node().get_int("reverse", 0));
}

void constant_of_shape(Writer& w, const Row&) {
  const std::string shape = w.list(0, "shape");
  AttributeProto& value = *w.last("ConstantOfShape", {shape}).add_attribute();
  value.set_name("value");
  value.set_type(AttributeProto::TENSOR);
  value.mutable_t()->add_dims(1);
  const bool whole = type_of(w.result()) == onnx_format::t_int64;
  value.mutable_t()->set_data_type(whole ? TensorProto::INT64 : TensorProto::FLOAT);
  if (whole)
    value.mutable_t()->add_int64_data(w.node().get_int("value", 0));
  else
    value.mutable_t()->add_float_data(w.node().get_float("value", 0));
}

// The diagonals [-lower, upper] stay; negative numbers: all on that side.
void band(Writer& w, const Row&) {
  const std::int64_t lower = w.node().get_int("lower", -1), upper = w.node().get_int("upper", -1);
  std::string x = w.in();
  if (lower >= 0) {
    const std::string kept = w.fresh(), from = w.scalar(-lower);
    set(w.add("Trilu", {x, from}, {kept}), "upper", std::int64_t{1});
    x = kept;
  }
  if (upper < 0) {
    w.last("Identity", {x});
    return;
  }
  const std::string to = w.scalar(upper);
  set(w.last("Trilu", {x, to}), "upper", std::int64_t{0});
}

constexpr Row rows[] = {
    {"ArgMax", same, "axis keepdims select_last_index"},
    {"ArgMin", same, "axis keepdims select_last_index"},
    {"BandPart", band},
    {"ConstantOfShape", constant_of_shape},
    {"CumSum", sum_up},
    {"EyeLike", same, "k"},
    {"Gather", same, "axis", "1"},
    {"GatherElements", same, "axis", "1"},
    {"GatherND", same, "batch_dims", "1"},
    {"NonMaxSuppression", same, "center_point_box", "2"},
    {"NonZero", same},
    {"OneHot", same, "axis", "01"},
    {"Range", same},
    {"Scatter", scatter, "axis", "1", "ScatterElements"},
    {"ScatterElements", scatter, "axis reduction", "1"},
    {"ScatterND", scatter, "reduction", "1"},
    {"TopK", top},
    {"Trilu", same, "upper", "1"},
};

}  // namespace

std::span<const Row> indexing_rows() { return rows; }

}  // namespace mlqc::onnx_writer
