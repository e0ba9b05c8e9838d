// Operators that move elements about.
#include <algorithm>
#include <limits>

#include "compiler/backends/coreml_writer/writer.h"
#include "compiler/frontends/coreml/network.pb.h"

namespace mlqc::coreml_writer {

namespace {

using Layer = NeuralNetworkLayer;

void same(Writer& w, const Row&) { w.same(); }

const Shape& result_shape(const Writer& w) { return w.tensor(w.node().outputs.at(0)).shape; }

// The result's own shape, where it is known, is the plainest target.
void reshape(Writer& w, const Row&) {
  Ints target = result_shape(w);
  if (std::count(target.begin(), target.end(), -1) > 1)
    target = w.given(1) ? w.ints(1, "target sizes") : w.node().get_ints("shape");
  w.require(std::count(target.begin(), target.end(), -1) <= 1, "has several sizes that are not known");
  if (target.empty()) target = {1};
  auto& to = *w.layer({w.in()}, {w.out()}).mutable_reshape_static()->mutable_target_shape();
  to.Add(target.begin(), target.end());
}

void flatten(Writer& w, const Row&) {
  w.layer({w.in()}, {w.out()}).mutable_flatten_to_2d()->set_axis(w.node().get_int("axis", 1));
}

Ints axes_of(const Writer& w) { return w.given(1) ? w.ints(1, "axes") : w.node().get_ints("axes"); }

void unsqueeze(Writer& w, const Row&) {
  const Ints axes = axes_of(w);
  w.layer({w.in()}, {w.out()}).mutable_expand_dims()->mutable_axes()->Add(axes.begin(), axes.end());
}

// A scalar is a vector of one there.
void squeeze(Writer& w, const Row& row) {
  if (result_shape(w).empty()) return reshape(w, row);
  const Ints axes = axes_of(w);
  coreml::Squeeze& s = *w.layer({w.in()}, {w.out()}).mutable_squeeze();
  s.mutable_axes()->Add(axes.begin(), axes.end());
  s.set_squeeze_all(axes.empty());
}

void transpose(Writer& w, const Row&) {
  Ints order = w.node().get_ints("perm");
  if (order.empty())
    for (int axis = w.rank(0); axis-- > 0;) order.push_back(axis);
  auto& axes = *w.layer({w.in()}, {w.out()}).mutable_transpose()->mutable_axes();
  for (const std::int64_t axis : order) axes.Add(static_cast<std::uint64_t>(axis));
}

void concat(Writer& w, const Row&) {
  if (w.node().inputs.size() == 1) return w.same();
  Blobs inputs;
  for (std::size_t i = 0; i < w.node().inputs.size(); ++i) inputs.push_back(w.in(i));
  w.layer(inputs, {w.out()}).mutable_concat_nd()->set_axis(w.node().get_int("axis", 0));
}

void split(Writer& w, const Row&) {
  const std::int64_t axis = w.node().get_int("axis", 0);
  Blobs results;
  Ints sizes;
  for (std::size_t i = 0; i < w.node().outputs.size(); ++i) {
    const Shape& part = w.tensor(w.node().outputs[i]).shape;
    results.push_back(w.out(i));
    sizes.push_back(
        part[static_cast<std::size_t>(axis < 0 ? axis + static_cast<std::int64_t>(part.size()) : axis)]);
  }
  w.require(std::all_of(sizes.begin(), sizes.end(), [](std::int64_t size) { return size > 0; }),
            "splits into parts whose sizes are not known");
  coreml::SplitNd& s = *w.layer({w.in()}, results).mutable_split_nd();
  s.set_axis(axis);
  s.set_num_splits(results.size());
  for (const std::int64_t size : sizes) s.add_split_sizes(static_cast<std::uint64_t>(size));
}

Ints given_or(const Writer& w, std::size_t i, const char* attribute, const char* what, Ints otherwise) {
  return w.given(i) ? w.ints(i, what) : w.node().get_ints(attribute, std::move(otherwise));
}

void slice(Writer& w, const Row&) {
  const Ints starts = given_or(w, 1, "starts", "starts", {}), ends = given_or(w, 2, "ends", "ends", {});
  Ints counted;
  for (std::size_t i = 0; i < starts.size(); ++i) counted.push_back(static_cast<std::int64_t>(i));
  const Ints axes = given_or(w, 3, "axes", "axes", counted),
             steps = given_or(w, 4, "steps", "steps", Ints(starts.size(), 1));
  const auto rank = static_cast<std::size_t>(w.rank(0));
  std::vector<std::int64_t> begin(rank, 0), end(rank, 0), stride(rank, 1);
  std::vector<bool> open_begin(rank, true), open_end(rank, true);
  constexpr std::int64_t far = std::numeric_limits<std::int32_t>::max();
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const auto axis =
        static_cast<std::size_t>(axes[i] < 0 ? axes[i] + static_cast<std::int64_t>(rank) : axes[i]);
    const std::int64_t size = w.shape(0)[axis];
    w.require(size >= 0 || (starts[i] >= 0 && steps[i] > 0), "slices an axis whose size is not known");
    begin[axis] = std::min(starts[i], far), end[axis] = std::min(ends[i], far), stride[axis] = steps[i];
    // Behind the end, and before the begin of one that runs backwards, are said by a mask.
    open_begin[axis] = steps[i] < 0 && (starts[i] == -1 || starts[i] >= size - 1);
    open_end[axis] = steps[i] > 0 ? ends[i] >= (size < 0 ? far : size) : ends[i] < -size;
  }
  coreml::SliceStatic& s = *w.layer({w.in()}, {w.out()}).mutable_slice_static();
  for (std::size_t axis = 0; axis < rank; ++axis) {
    s.add_begin_ids(begin[axis]);
    s.add_end_ids(end[axis]);
    s.add_strides(stride[axis]);
    s.add_begin_masks(open_begin[axis]);
    s.add_end_masks(open_end[axis]);
  }
}

void add_edges(coreml::BorderAmounts& amounts, const Ints& pads, std::size_t rank) {
  for (std::size_t axis = rank - 2; axis < rank; ++axis) {
    auto& edge = *amounts.add_border_amounts();
    edge.set_start_edge_size(static_cast<std::uint64_t>(pads[axis]));
    edge.set_end_edge_size(static_cast<std::uint64_t>(pads[axis + rank]));
  }
}

void pad(Writer& w, const Row&) {
  const Ints pads = given_or(w, 1, "pads", "borders", {});
  const auto rank = static_cast<std::size_t>(w.rank(0));
  w.require(
      pads.size() == 2 * rank && std::all_of(pads.begin(), pads.end(), [](std::int64_t n) { return n >= 0; }),
      "crops, or has borders of another number of axes");
  const std::string mode = w.node().get_string("mode", "constant");
  if (mode == "constant") {
    const float value = w.given(2) ? w.floats(2, "borders").at(0) : w.node().get_float("value", 0);
    coreml::ConstantPadding& p = *w.layer({w.in()}, {w.out()}).mutable_constant_pad();
    p.set_value(value);
    for (std::size_t axis = 0; axis < rank; ++axis) {
      p.add_pad_amounts(static_cast<std::uint64_t>(pads[axis]));
      p.add_pad_amounts(static_cast<std::uint64_t>(pads[axis + rank]));
    }
    return;
  }
  for (std::size_t axis = 0; axis + 2 < rank; ++axis)
    w.require(pads[axis] == 0 && pads[axis + rank] == 0, "mirrors other axes than the last two");
  w.require(rank >= 2 && (mode == "reflect" || mode == "edge"), "pads in a way that the format has not");
  coreml::Padding& p = *w.layer({w.in()}, {w.out()}).mutable_padding();
  mode == "reflect" ? p.mutable_reflection() : p.mutable_replication();
  add_edges(*p.mutable_padding_amounts(), pads, rank);
}

void tile(Writer& w, const Row&) {
  const Ints repeats = given_or(w, 1, "repeats", "repeats", {});
  auto& reps = *w.layer({w.in()}, {w.out()}).mutable_tile()->mutable_reps();
  for (const std::int64_t times : repeats) reps.Add(static_cast<std::uint64_t>(times));
}

void expand(Writer& w, const Row&) {
  const Shape& target = result_shape(w);
  w.require(mlq::element_count(target).has_value(), "has a result whose size is not known");
  auto& shape = *w.layer({w.in()}, {w.out()}).mutable_broadcast_to_static()->mutable_target_shape();
  for (const std::int64_t size : target) shape.Add(static_cast<std::uint64_t>(size));
}

constexpr Row rows[] = {
    {"Concat", concat},       {"Dropout", same},    {"Expand", expand},   {"Flatten", flatten},
    {"Identity", same},       {"Pad", pad},         {"Reshape", reshape}, {"Slice", slice},
    {"Split", split},         {"Squeeze", squeeze}, {"Tile", tile},       {"Transpose", transpose},
    {"Unsqueeze", unsqueeze},
};

}  // namespace

std::span<const Row> shape_rows() { return rows; }

}  // namespace mlqc::coreml_writer
