// What moves elements about, and what of it changed between operator sets.
#include <onnx/onnx_pb.h>

#include <array>

#include "compiler/frontends/onnx/operators.h"

namespace mlqc::onnx_format {

namespace {

void constant(Op& op) {
  Build& b = op.b;
  for (const auto& attribute : op.proto.attribute()) {
    const std::string& name = attribute.name();
    const Ints ints = op.is(name);
    const std::vector<float> floats = op.fs(name);
    if (name == "value") return op.out(*op.t("value"));
    if (name == "value_int") return op.out(b.scalar(op.i(name, 0)));
    if (name == "value_float") return op.out(b.number(op.f(name, 0.0f)));
    if (name == "value_ints") return op.out(b.ints(ints));
    if (name == "value_floats") return op.out(b.floats({static_cast<std::int64_t>(floats.size())}, floats));
    b.fail("has the attribute '" + name + "', which mlq does not read");
  }
  b.fail("has no value");
}

// Expand says the same without an attribute that is a tensor.
void constant_of_shape(Op& op) {
  const Value value = op.t("value").value_or(op.b.floats({1}, std::array{0.0f}));
  op.out({op.b.node("Expand", {value, op.in()}).id, value.type});
}

void same(Op& op) { op.out(op.in()); }

// At inference nothing drops out, and the mask says so.
void dropout(Op& op) {
  Build& b = op.b;
  const auto training = op.given(2) ? b.known_ints(b.as_integer(op.in(2))) : std::nullopt;
  const auto ratio = op.given(1) ? b.known_float(op.in(1)) : std::nullopt;
  if (op.given(2) && !(training && !training->empty() && training->front() == 0) &&
      !(ratio && *ratio == 0.0f))
    b.fail("drops out at random, as in training");
  op.out(op.in());
  if (op.wanted(1)) op.out(b.node("Equal", {op.in(), op.in()}, {}, t_bool), 1);
}

// Before operator set 13, the operand was a matrix for these: what lies before the axis, what from there on.
void soft(Op& op) {
  Build& b = op.b;
  if (b.model.opset() >= 13) return pass(op);
  const Value x = op.in();
  const std::int64_t axis = b.axis(op.i("axis", 1), b.rank(x));
  if (axis == b.rank(x) - 1) return op.out(b.node(op.type(), {x}, {{"axis", std::int64_t{-1}}}));
  const Value flat = b.node("Flatten", {x}, {{"axis", axis}});
  const Value y = b.node(op.type(), {flat}, {{"axis", std::int64_t{-1}}});
  op.out(b.node("Reshape", {y, b.shape_of(x)}));
}

void concat(Op& op) {
  const std::int64_t before = op.b.model.opset() < 4 ? 1 : 0;
  Values parts = op.ins();
  op.out(op.b.concat(parts, op.i("axis", before)));
}

void flatten(Op& op) { op.out(op.b.node("Flatten", {op.in()}, {{"axis", op.i("axis", 1)}})); }

// In equal parts, the last one smaller, where the file does not say how large they are.
void split(Op& op) {
  Build& b = op.b;
  const Value x = op.in();
  const std::int64_t axis = b.axis(op.i("axis", 0), b.rank(x)), n = static_cast<std::int64_t>(op.outputs());
  Value sizes = op.maybe(1);
  if (!sizes.given() && op.is("split").empty() && b.shape(x)[static_cast<std::size_t>(axis)] < 0)
    return op.outs(b.nodes("Split", {x}, op.outputs(), {{"axis", axis}}));
  if (!sizes.given()) {
    Ints each = op.is("split");
    if (each.empty()) {
      const std::int64_t whole = b.dim(x, axis), part = (whole + n - 1) / n;
      for (std::int64_t i = 0; i < n; ++i)
        each.push_back(std::max<std::int64_t>(0, std::min(part, whole - i * part)));
    }
    sizes = b.ints(each);
  }
  op.outs(b.nodes("Split", {x, sizes}, op.outputs(), {{"axis", axis}}));
}

void pad(Op& op) {
  Build& b = op.b;
  Attributes attributes = op.attributes();
  if (const auto old = attributes.find("paddings"); old != attributes.end()) {
    attributes["pads"] = old->second;
    attributes.erase(old);
  }
  Values inputs = op.ins();
  op.out(b.node("Pad", inputs, attributes));
}

void one_hot(Op& op) {
  const int type = op.in(2).type;
  op.out({op.b.node("OneHot", op.ins(), op.attributes()).id, type});
}

void eye_like(Op& op) {
  Build& b = op.b;
  const Value x = op.in();
  const Value eye = b.node("EyeLike", {b.as_float(x)}, {{"k", op.i("k", 0)}});
  op.out(b.cast({eye.id, t_float}, static_cast<int>(op.i("dtype", x.type))));
}

// Booleans are reduced as the integers 0 and 1.
void reduce(Op& op) {
  Build& b = op.b;
  const Value x = op.in();
  if (x.type != t_bool) return pass(op);
  Values inputs = {b.as_integer(x)};
  if (op.given(1)) inputs.push_back(op.in(1));
  op.out(b.cast(b.node(op.type(), inputs, op.attributes()), t_bool));
}

// The place among the chosen ones, counted in the file's own way.
void topk(Op& op) {
  Values inputs = op.ins();
  const Value x = inputs[0];
  Values results = op.b.nodes("TopK", inputs, 2, op.attributes());
  op.out({results[0].id, x.type});
  op.out({results[1].id, t_int64}, 1);
}

void compress(Op& op) {
  Build& b = op.b;
  Value x = op.in();
  std::int64_t axis = 0;
  if (op.attribute("axis"))
    axis = op.i("axis", 0);
  else
    x = b.reshape(x, {-1});
  const Value places = b.node("NonZero", {op.in(1)}, {}, t_int64);
  op.out(b.gather(x, b.squeeze(places, {0}), axis));
}

void array_feature_extractor(Op& op) {
  Build& b = op.b;
  const Value x = op.in(), places = b.reshape(op.in(1), {-1});
  Value y = b.gather(x, places, b.rank(x) - 1);
  if (b.rank(x) == 1) y = b.unsqueeze(y, {0});
  op.out(y);
}

// Amounts for some axes as amounts for all.
Value for_all_axes(Op& op, const Value& x, const Value& some, const Value& others) {
  const Ints axes = op.is("axes");
  if (axes.empty() || !some.given() || op.b.shape(some) == Shape{0}) return some;
  Ints places;
  for (const std::int64_t axis : axes) places.push_back(op.b.axis(axis, op.b.rank(x)));
  return op.b.node("ScatterElements", {others, op.b.ints(places), some}, {{"axis", std::int64_t{0}}});
}

// Operands of Resize for all axes; sizes that keep the picture's proportions are one scale for the named
// axes.
void complete(Op& op, const Value& x, Values& inputs) {
  Build& b = op.b;
  inputs.resize(4);
  const std::vector<float> ones(static_cast<std::size_t>(b.rank(x)), 1.0f);
  const Value whole = b.shape_of(x), same = b.floats({b.rank(x)}, ones);
  const std::string policy = op.s("keep_aspect_ratio_policy", "stretch");
  if (inputs[3].given() && policy != "stretch") {
    Value own = b.as_float(whole);
    if (!op.is("axes").empty()) own = b.gather(own, b.ints(op.is("axes")), 0);
    const Value ratios = b.div(b.as_float(inputs[3]), own);
    const Value scale = b.reduce(policy == "not_larger" ? "ReduceMin" : "ReduceMax", ratios, {0}, true);
    inputs[3] = b.as_integer(b.node("Floor", {b.add(b.mul(own, scale), b.number(0.5f))}));
    inputs[2] = b.node("Expand", {scale, b.shape_of(own)});
  }
  if (inputs[1].given() && !op.is("axes").empty() && b.shape(inputs[1]) != Shape{0}) {
    const auto n = static_cast<std::int64_t>(op.is("axes").size());
    const std::vector<float> zeros(ones.size(), 0.0f);
    const Value starts = for_all_axes(op, x, b.slice(inputs[1], 0, 0, n), b.floats({b.rank(x)}, zeros));
    inputs[1] = b.concat({starts, for_all_axes(op, x, b.slice(inputs[1], 0, n, 2 * n), same)}, 0);
  }
  inputs[2] = for_all_axes(op, x, inputs[2], same);
  inputs[3] = for_all_axes(op, x, inputs[3], whole);
}

void resize(Op& op) {
  Build& b = op.b;
  const Value x = op.in();
  Attributes attributes = op.attributes();
  Values inputs = {b.as_float(x)};
  if (op.type() == "Resize" && b.model.opset() >= 11) {
    for (std::size_t i = 1; i < op.inputs(); ++i) {
      Value operand = op.maybe(i);
      if (operand.given() && i < 3) operand = b.as_float(operand);
      inputs.push_back(operand);
    }
    complete(op, x, inputs);
    for (const char* done : {"axes", "keep_aspect_ratio_policy"}) attributes.erase(done);
  } else {  // the coordinates that there were before there was a choice
    if (op.given(1)) inputs.insert(inputs.end(), {Value{}, op.in(1)});
    attributes["coordinate_transformation_mode"] = std::string("asymmetric");
    attributes["nearest_mode"] = std::string("floor");
    if (op.attribute("height_scale"))
      attributes["scales"] =
          std::vector<float>{1.0f, 1.0f, op.f("height_scale", 1.0f), op.f("width_scale", 1.0f)};
  }
  const Value y = b.node("Resize", inputs, attributes);
  op.out(is_float(x.type) ? Value{y.id, x.type} : b.cast(b.node("Round", {y}), x.type));
}

// The window of `shape` at the border, or in the middle of the operand for the first Crop there was.
void crop(Op& op) {
  Build& b = op.b;
  const Value x = op.in();
  const Ints border = op.is("border"), scale = op.is("scale");
  b.require(border.size() == 4 && b.rank(x) == 4, "needs four borders and an operand of rank 4");
  Value y = x;
  for (std::int64_t i = 0; i < 2; ++i) {
    const auto k = static_cast<std::size_t>(i);
    const std::int64_t from = border[1 - k];
    const std::int64_t to = scale.size() == 2 ? from + scale[k] : b.dim(x, 2 + i) - border[3 - k];
    y = b.slice(y, 2 + i, from, to);
  }
  op.out(y);
}

// Rows are written into a cache at a place of its own for each of the batch.
void tensor_scatter(Op& op) {
  Build& b = op.b;
  const Value cache = op.in(), update = op.in(1);
  const std::int64_t axis = b.axis(op.i("axis", -2), b.rank(cache)), batch = b.dim(cache, 0);
  const std::int64_t rows = b.dim(update, axis), size = b.dim(cache, axis);
  Value start = op.maybe(2);
  if (!start.given()) start = b.ints(Ints(static_cast<std::size_t>(batch), 0));
  Ints steps;
  for (std::int64_t i = 0; i < rows; ++i) steps.push_back(i);
  Value places = b.add(b.unsqueeze(start, {1}), b.ints(steps));  // [batch, rows]
  if (op.s("mode", "linear") == "circular") places = b.node("Mod", {places, b.scalar(size)});
  Ints shape(static_cast<std::size_t>(b.rank(cache)), 1);
  shape[0] = batch;
  shape[static_cast<std::size_t>(axis)] = rows;
  places = b.node("Expand", {b.reshape(places, shape), b.shape_of(update)});
  op.out(b.node("ScatterElements", {cache, places, update}, {{"axis", axis}}));
}

void scatter(Op& op) { op.out(op.b.node("ScatterElements", op.ins(), op.attributes())); }

}  // namespace

std::span<const Row> array_rows() {
  static constexpr auto rows = std::to_array<Row>({
      {"Constant", constant}, {"ConstantOfShape", constant_of_shape},
      {"Identity", same},     {"Dropout", dropout},
      {"Softmax", soft},      {"LogSoftmax", soft},
      {"Hardmax", soft},      {"Concat", concat},
      {"Flatten", flatten},   {"Split", split},
      {"Pad", pad},           {"OneHot", one_hot},
      {"EyeLike", eye_like},  {"ReduceMax", reduce},
      {"ReduceMin", reduce},  {"TopK", topk},
      {"Compress", compress}, {"ArrayFeatureExtractor", array_feature_extractor, "ai.onnx.ml"},
      {"Resize", resize},     {"Upsample", resize},
      {"Crop", crop},         {"TensorScatter", tensor_scatter},
      {"Scatter", scatter},
  });
  return rows;
}

}  // namespace mlqc::onnx_format
