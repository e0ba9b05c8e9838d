// CropAndResize: pictures cut out by boxes and brought to one size, from what Gather and arithmetic can do.
#include "compiler/frontends/nhwc/arrays.h"
#include "compiler/frontends/tensorflow/operators.h"

namespace mlqc::tensorflow {

namespace {

// Places along one axis of the picture, [boxes, points]: the cells around each, how far it lies between them,
// and whether it lies in the picture.
struct Line {
  TensorId before, after, part, inside;
};

TensorId whole(nhwc::Build& b, TensorId x) { return b.cast(x, mlq::DataType::int64); }

// Boxes [n, 4] have start and end in the columns `first` and `first` + 2, from 0 to 1.
Line line(Net& net, TensorId boxes, std::int64_t first, TensorId cells, std::int64_t points, bool nearest) {
  nhwc::Build& b = net.b;
  const auto column = [&](std::int64_t i) {
    return b.node("Slice", {boxes, b.ints({i}), b.ints({i + 1}), b.ints({1})});
  };
  const TensorId last = b.node("Sub", {b.cast(cells, mlq::DataType::float32), b.number(1)});
  const TensorId start = b.node("Mul", {column(first), last}), end = b.node("Mul", {column(first + 2), last});
  TensorId at = mlq::no_tensor;
  if (points > 1) {
    std::vector<float> places;
    for (std::int64_t i = 0; i < points; ++i) places.push_back(static_cast<float>(i));
    const TensorId step =
        b.node("Div", {b.node("Sub", {end, start}), b.number(static_cast<float>(points - 1))});
    at = b.node("Add", {start, b.node("Mul", {step, b.floats({1, points}, places)})});
  } else {
    at = b.node("Mul", {b.node("Add", {start, end}), b.number(0.5f)});
  }
  const TensorId inside =
      b.node("And", {b.node("GreaterOrEqual", {at, b.number(0)}), b.node("LessOrEqual", {at, last})});
  const TensorId kept = b.node("Max", {b.node("Min", {at, last}), b.number(0)});
  if (nearest) {  // halves away from zero
    const TensorId cell = b.node("Floor", {b.node("Add", {kept, b.number(0.5f)})});
    return {whole(b, cell), whole(b, cell), b.node("Sub", {cell, cell}), inside};
  }
  const TensorId floor = b.node("Floor", {kept});
  return {whole(b, floor), whole(b, b.node("Ceil", {kept})), b.node("Sub", {kept, floor}), inside};
}

// As the rows or as the columns of [boxes, rows, columns].
TensorId rows_of(nhwc::Build& b, TensorId line) { return nhwc::expand_dims(b, line, 2); }
TensorId columns_of(nhwc::Build& b, TensorId line) { return nhwc::expand_dims(b, line, 1); }

// Picture [N, H, W, C], boxes [n, 4] of y1, x1, y2, x2, the pictures [n] that they are of.
void crop_and_resize(Net& net, const char*) {
  nhwc::Build& b = net.b;
  const TensorId picture = net.in(0), boxes = net.in(1);
  const Ints size = b.constant_ints(net.in(3), "sizes of the result");
  b.require(b.rank(picture) == 4 && b.rank(boxes) == 2 && size.size() == 2 && size[0] > 0 && size[1] > 0 &&
                size[0] < 1 << 14 && size[1] < 1 << 14,
            "needs a picture, boxes and two sizes");
  const std::string method = net.text("method", "bilinear");
  b.require(method == "bilinear" || method == "nearest", "reads the picture in a way that mlq does not know");
  const TensorId shape = b.shape_of(picture);
  const auto cells = [&](std::int64_t axis) { return nhwc::gather(b, shape, b.scalar(axis), 0); };
  const bool nearest = method == "nearest";
  const Line y = line(net, boxes, 0, cells(1), size[0], nearest);
  const Line x = line(net, boxes, 1, cells(2), size[1], nearest);

  // The picture's place is the same in all of a box: 0 in each of its rows and columns, plus it.
  const TensorId zeros =
      b.node("Mul", {b.node("Add", {rows_of(b, y.before), columns_of(b, x.before)}), b.scalar(0)});
  const TensorId number = b.node("Add", {zeros, b.reshape(net.in(2), {-1, 1, 1})});
  const auto corner = [&](TensorId row, TensorId column) {
    Ids parts{number, b.node("Add", {zeros, rows_of(b, row)}), b.node("Add", {zeros, columns_of(b, column)})};
    return b.node("GatherND", {picture, nhwc::stack(b, parts, 3)});
  };
  const auto between = [&](TensorId from, TensorId to, TensorId part) {
    return b.node("Add", {from, b.node("Mul", {b.node("Sub", {to, from}), part})});
  };
  const TensorId across = nhwc::expand_dims(b, columns_of(b, x.part), 3);
  const TensorId down = nhwc::expand_dims(b, rows_of(b, y.part), 3);
  const TensorId top = between(corner(y.before, x.before), corner(y.before, x.after), across);
  const TensorId bottom = between(corner(y.after, x.before), corner(y.after, x.after), across);
  const TensorId inside = b.node("And", {rows_of(b, y.inside), columns_of(b, x.inside)});
  net.out(b.node("Where", {nhwc::expand_dims(b, inside, 3), between(top, bottom, down),
                           b.number(net.real("extrapolation_value", 0))}));
}

constexpr Row rows[] = {{"CropAndResize", crop_and_resize}};

}  // namespace

std::span<const Row> crop_rows() { return rows; }

}  // namespace mlqc::tensorflow
