#include "compiler/quantize/product.h"

#include <algorithm>

#include "runtime-stub/kernels/window.h"

namespace mlqc {

namespace {

using mlq::Array;
using mlq::Graph;
using mlq::Node;
using mlq::Shape;
using mlq::TensorId;

const mlq::Tensor& tensor(const Graph& graph, TensorId id) {
  return graph.tensors[static_cast<std::size_t>(id)];
}

std::size_t count(const Shape& shape, std::size_t from = 0) {
  std::size_t product = 1;
  for (std::size_t d = from; d < shape.size(); ++d) product *= static_cast<std::size_t>(shape[d]);
  return product;
}

// A bias can take up what the weights' rounding does to the mean, unless others read it too.
TensorId own_bias(const Graph& graph, const Uses& uses, const Node& node, std::size_t channels) {
  const TensorId id = operand(node, 2);
  if (id == mlq::no_tensor || !is_constant(graph, id)) return mlq::no_tensor;
  const mlq::Tensor& bias = tensor(graph, id);
  const bool floats = bias.type == mlq::DataType::float32 || bias.type == mlq::DataType::float16;
  if (!floats || bias.quantization || count(bias.shape) != channels || only_reader(uses, id) < 0)
    return mlq::no_tensor;
  if (bias.shape.size() > 1 && static_cast<std::size_t>(bias.shape.back()) != channels) return mlq::no_tensor;
  return id;
}

void set_convolution(Product& product, const Shape& shape, std::size_t groups) {
  product.groups = groups;
  product.rows = static_cast<std::size_t>(shape[0]) / groups;
  product.columns = count(shape, 1);
  product.group_step = product.rows * product.columns;
  product.row_step = product.columns;
  for (std::size_t k = 0; k < product.columns; ++k) product.place.push_back(k);
}

// Weights are [channels in, channels out per group, taps].
void set_transposed(Product& product, const Shape& shape, std::size_t groups) {
  const std::size_t from = static_cast<std::size_t>(shape[0]) / groups, taps = count(shape, 2);
  product.groups = groups;
  product.rows = static_cast<std::size_t>(shape[1]);
  product.columns = from * taps;
  product.group_step = from * product.rows * taps;
  product.row_step = taps;
  for (std::size_t c = 0; c < from; ++c)
    for (std::size_t t = 0; t < taps; ++t) product.place.push_back(c * product.rows * taps + t);
}

void set_dense(Product& product, const Shape& shape, bool transposed) {
  product.rows = static_cast<std::size_t>(shape[transposed ? 0 : 1]);
  product.columns = static_cast<std::size_t>(shape[transposed ? 1 : 0]);
  product.row_step = transposed ? product.columns : 1;
  for (std::size_t k = 0; k < product.columns; ++k)
    product.place.push_back(k * (transposed ? 1 : product.rows));
}

bool is_convolution(const Node& node) { return node.op == "Conv" || node.op == "ConvTranspose"; }

// The window over an input, and its positions on the output.
struct Sliding {
  mlq::kernels::Window window;
  Shape spatial, positions;
};

std::optional<Sliding> sliding(const Graph& graph, const Node& node, const Shape& input) {
  const Shape& weights = tensor(graph, node.inputs[1]).shape;
  if (input.size() != weights.size() || input.size() < 3) return std::nullopt;
  const mlq::Call call{node, {}, {}, nullptr};
  const Shape kernel(weights.begin() + 2, weights.end());
  Sliding result{{}, Shape(input.begin() + 2, input.end()), {}};
  auto window = mlq::kernels::read_window(call, kernel, result.spatial);
  if (!window) return std::nullopt;
  result.window = std::move(*window);
  auto found = node.op == "Conv" ? mlq::kernels::window_positions(call, result.window, result.spatial)
                                 : mlq::kernels::transposed_positions(call, result.window, result.spatial);
  if (!found) return std::nullopt;
  result.positions = std::move(*found);
  return result;
}

// The cell of the input that a tap sees from a position, along one axis; -1 for none.
std::int64_t cell(const Sliding& s, bool transposed, std::size_t axis, std::int64_t position,
                  std::int64_t tap) {
  const std::int64_t stride = s.window.strides[axis], reach = tap * s.window.dilations[axis];
  std::int64_t at = position * stride + reach - s.window.begins[axis];
  if (transposed) {
    const std::int64_t spread = position + s.window.begins[axis] - reach;
    if (spread < 0 || spread % stride != 0) return -1;
    at = spread / stride;
  }
  return at >= 0 && at < s.spatial[axis] ? at : -1;
}

// For each tap the cell it sees from the position, as an offset into a channel; -1 outside.
void cells(const Sliding& s, bool transposed, std::size_t position, std::vector<std::int64_t>& out) {
  const std::size_t axes = s.spatial.size();
  Shape at(axes);
  for (std::size_t d = axes; d-- > 0; position /= static_cast<std::size_t>(s.positions[d]))
    at[d] = static_cast<std::int64_t>(position % static_cast<std::size_t>(s.positions[d]));
  for (std::size_t t = 0; t < out.size(); ++t) {
    std::int64_t offset = 0, step = 1;
    std::size_t rest = t;
    for (std::size_t d = axes; d-- > 0 && offset >= 0;) {
      const auto taps = static_cast<std::size_t>(s.window.kernel[d]);
      const std::int64_t c = cell(s, transposed, d, at[d], static_cast<std::int64_t>(rest % taps));
      rest /= taps;
      offset = c < 0 ? -1 : offset + c * step;
      step *= s.spatial[d];
    }
    out[t] = offset;
  }
}

void gather_windows(const Product& product, const Graph& graph, const Array& input, std::size_t group,
                    std::span<const std::size_t> chosen, float* out) {
  const Node& node = graph.nodes[product.node];
  const auto s = sliding(graph, node, input.shape);
  if (!s) return;
  const std::size_t channels = static_cast<std::size_t>(input.shape[1]) / product.groups,
                    plane = count(s->spatial), each = count(s->positions);
  std::vector<std::int64_t> offsets(product.columns / channels);
  for (const std::size_t position : chosen) {
    cells(*s, node.op == "ConvTranspose", position % each, offsets);
    const float* image =
        input.floats().data() + (position / each * product.groups + group) * channels * plane;
    for (std::size_t c = 0; c < channels; ++c, image += plane)
      for (const std::int64_t offset : offsets) *out++ = offset < 0 ? 0 : image[offset];
  }
}

bool transposes_input(const Node& node) { return node.op == "Gemm" && node.get_int("transA", 0) != 0; }

void gather_rows(const Product& product, const Node& node, const Array& input,
                 std::span<const std::size_t> chosen, float* out) {
  const float* values = input.floats().data();
  const std::size_t rows = input.floats().size() / product.columns;
  for (const std::size_t row : chosen) {
    if (!transposes_input(node)) {
      out = std::copy_n(values + row * product.columns, product.columns, out);
      continue;
    }
    for (std::size_t k = 0; k < product.columns; ++k) *out++ = values[k * rows + row];
  }
}

}  // namespace

std::optional<Product> product_of(const Graph& graph, const Uses& uses, std::size_t index, std::string& why) {
  const Node& node = graph.nodes[index];
  Product product;
  product.node = index;
  const bool convolution = is_convolution(node);
  if (!convolution && node.op != "Gemm" && node.op != "MatMul") {
    why = node.op + " layers have nearest rounding only";
    return std::nullopt;
  }
  product.input = operand(node, 0);
  product.weights = operand(node, 1);
  if (!is_constant(graph, product.weights) || is_constant(graph, product.input)) {
    why = "its weights are rearranged first, or on the left";
    return std::nullopt;
  }
  if (only_reader(uses, product.weights) < 0) {
    why = "several layers share it";
    return std::nullopt;
  }
  const Shape& shape = tensor(graph, product.weights).shape;
  const auto groups = static_cast<std::size_t>(std::max<std::int64_t>(1, node.get_int("group", 1)));
  if (convolution ? shape.size() < 3 || shape[0] % static_cast<std::int64_t>(groups) != 0
                  : shape.size() != 2) {
    why = "its shape is not that of a matrix";
    return std::nullopt;
  }
  if (node.op == "Conv") set_convolution(product, shape, groups);
  if (node.op == "ConvTranspose") set_transposed(product, shape, groups);
  if (!convolution) set_dense(product, shape, node.op == "Gemm" && node.get_int("transB", 0) != 0);
  if (node.op == "MatMul") return product;
  const bool plain = convolution || (node.get_float("alpha", 1) == 1 && node.get_float("beta", 1) == 1);
  if (plain) product.bias = own_bias(graph, uses, node, product.groups * product.rows);
  return product;
}

std::size_t positions(const Product& product, const Graph& graph, const Array& input) {
  const Node& node = graph.nodes[product.node];
  if (input.type != mlq::DataType::float32 || product.columns == 0) return 0;
  if (!is_convolution(node))
    return input.floats().size() % product.columns == 0 ? input.floats().size() / product.columns : 0;
  const auto s = sliding(graph, node, input.shape);
  if (!s) return 0;
  const std::size_t channels = product.columns / count(Shape(s->window.kernel)) * product.groups;
  if (static_cast<std::size_t>(input.shape[1]) != channels) return 0;
  return static_cast<std::size_t>(input.shape[0]) * count(s->positions);
}

void gather(const Product& product, const Graph& graph, const Array& input, std::size_t group,
            std::span<const std::size_t> chosen, float* out) {
  const Node& node = graph.nodes[product.node];
  if (is_convolution(node)) return gather_windows(product, graph, input, group, chosen, out);
  gather_rows(product, node, input, chosen, out);
}

}  // namespace mlqc
