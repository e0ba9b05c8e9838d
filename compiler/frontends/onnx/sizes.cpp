#include "compiler/frontends/onnx/sizes.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <map>

#include "compiler/frontends/onnx/import.h"
#include "compiler/frontends/onnx/model_proto.h"
#include "compiler/support/error.h"

namespace mlqc::onnx_format {

namespace {

using ::onnx::ModelProto;
using ::onnx::TensorShapeProto;
using ::onnx::TypeProto;
using ::onnx::ValueInfoProto;
using Dimension = TensorShapeProto::Dimension;
using Bound = std::map<std::string, std::int64_t>;  // sizes of dimensions that have a name

[[noreturn]] void refuse(const Source& source, std::string what, std::string hint) {
  throw Error(Exit::usage, {{source.path.string()}, std::move(what), "MLQ314", std::move(hint), {}});
}

TypeProto::Tensor* tensor_type(ValueInfoProto& info) {
  TypeProto* type = info.mutable_type();
  if (type->has_optional_type()) type = type->mutable_optional_type()->mutable_elem_type();
  return type->has_tensor_type() ? type->mutable_tensor_type() : nullptr;
}

ValueInfoProto& find_input(const Source& source, ModelProto& model, const std::string& name) {
  for (ValueInfoProto& info : *model.mutable_graph()->mutable_input())
    if (info.name() == name && tensor_type(info)) return info;
  refuse(source, "the model has no input '" + name + "'", "mlqc inspect lists its inputs");
}

// -1 where the file leaves it open.
std::int64_t stated(const Dimension& dim) {
  return dim.has_dim_value() && dim.dim_value() >= 0 ? dim.dim_value() : -1;
}

std::string as_text(const TensorShapeProto& shape) {
  std::string text;
  for (const Dimension& dim : shape.dim()) {
    const std::string name = dim.dim_param().empty() ? "?" : dim.dim_param();
    text += (text.empty() ? "" : "x") + (stated(dim) < 0 ? name : std::to_string(stated(dim)));
  }
  return text.empty() ? "scalar" : text;
}

// Every alternative must have the rank of the file and the sizes that it states.
void check(const Source& source, const std::string& name, const TensorShapeProto& shape,
           const mlq::Sizes& sizes) {
  for (const auto& ranges : sizes) {
    bool fits = static_cast<int>(ranges.size()) == shape.dim_size();
    for (int i = 0; fits && i < shape.dim_size(); ++i) {
      const mlq::SizeRange& range = ranges[static_cast<std::size_t>(i)];
      const std::int64_t own = stated(shape.dim(i));
      fits = own < 0 || (range.from == own && range.to == own);
      if (range.to >= 0 && range.to < range.from) fits = false;
    }
    if (!fits)
      refuse(source,
             "the input '" + name + "' has the shape " + as_text(shape) + ", and is given " +
                 mlq::to_string(sizes),
             "only dimensions that the file leaves open can be given; export the model with others open");
  }
}

// The one size that all alternatives have; -1 where they have several.
std::int64_t only_size(const mlq::Sizes& sizes, std::size_t axis) {
  const std::int64_t first = sizes[0][axis].from;
  const bool same = std::ranges::all_of(
      sizes, [&](const auto& ranges) { return ranges[axis].from == first && ranges[axis].to == first; });
  return same ? first : -1;
}

// A name that stands for two sizes stands for none.
void bind_name(const Source& source, const std::string& input, const Dimension& dim, std::int64_t size,
               Bound& bound) {
  if (dim.dim_param().empty()) return;
  const auto [known, is_new] = bound.emplace(dim.dim_param(), size);
  if (!is_new && known->second != size)
    refuse(source,
           "the dimension '" + dim.dim_param() + "' of the input '" + input + "' is given " +
               std::to_string(known->second) + " and " + std::to_string(size),
           "give it one size");
}

void state(const Bound& bound, google::protobuf::RepeatedPtrField<ValueInfoProto>& infos) {
  for (ValueInfoProto& info : infos)
    if (TypeProto::Tensor* type = tensor_type(info); type && type->has_shape())
      for (Dimension& dim : *type->mutable_shape()->mutable_dim())
        if (const auto found = bound.find(dim.dim_param()); stated(dim) < 0 && found != bound.end())
          dim.set_dim_value(found->second);
}

void list_in_metadata(ModelProto& model, const std::string& input, const mlq::Sizes& sizes) {
  auto& entry = *model.add_metadata_props();
  entry.set_key(mlq::sizes_key(input));
  entry.set_value(mlq::to_string(sizes));
}

}  // namespace

std::vector<std::byte> with_sizes(const Source& source, const std::string& name, const mlq::Sizes& sizes) {
  ModelProto model = parse_model(source);
  TypeProto::Tensor& type = *tensor_type(find_input(source, model, name));
  if (!type.has_shape())  // of any rank
    for (std::size_t axis = 0; axis < sizes[0].size(); ++axis) type.mutable_shape()->add_dim();
  TensorShapeProto& shape = *type.mutable_shape();
  check(source, name, shape, sizes);
  Bound bound;
  bool open = false;
  for (int axis = 0; axis < shape.dim_size(); ++axis) {
    Dimension& dim = *shape.mutable_dim(axis);
    const std::int64_t size = only_size(sizes, static_cast<std::size_t>(axis));
    open |= size < 0;
    if (size < 0 || stated(dim) >= 0) continue;
    bind_name(source, name, dim, size, bound);
    dim.set_dim_value(size);
  }
  state(bound, *model.mutable_graph()->mutable_input());
  state(bound, *model.mutable_graph()->mutable_output());
  state(bound, *model.mutable_graph()->mutable_value_info());
  if (open) list_in_metadata(model, name, sizes);
  const std::string text = model.SerializeAsString();
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

}  // namespace mlqc::onnx_format
