#include "compiler/frontends/coreml/flexible.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>

#include "compiler/frontends/coreml/import.h"
#include "compiler/frontends/coreml/model.pb.h"
#include "compiler/support/error.h"

namespace mlqc::coreml {

namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;
using mlq::Sizes;
using Ranges = std::vector<mlq::SizeRange>;

mlq::SizeRange exactly(std::int64_t size) { return {size, size}; }
mlq::SizeRange range_of(const SizeRange& range) {
  return {static_cast<std::int64_t>(range.lower_bound()), std::max<std::int64_t>(range.upper_bound(), -1)};
}

std::int64_t channels_of(const ImageType& image) {
  const auto space = image.color_space();
  return space == ImageType::GRAYSCALE || space == ImageType::GRAYSCALE_FLOAT16 ? 1 : 3;
}

Sizes sizes_of_image(const ImageType& image) {
  const auto shape = [&](mlq::SizeRange height, mlq::SizeRange width) {
    return Ranges{exactly(1), exactly(channels_of(image)), height, width};
  };
  Sizes sizes;
  for (const ImageSize& size : image.enumerated_sizes().sizes())
    sizes.push_back(shape(exactly(static_cast<std::int64_t>(size.height())),
                          exactly(static_cast<std::int64_t>(size.width()))));
  if (image.has_image_size_range())
    sizes.push_back(shape(range_of(image.image_size_range().height_range()),
                          range_of(image.image_size_range().width_range())));
  return sizes;
}

Sizes sizes_of_array(const ArrayType& array) {
  Sizes sizes;
  for (const ArrayShape& one : array.enumerated_shapes().shapes()) {
    sizes.emplace_back();
    for (const std::int64_t size : one.shape()) sizes.back().push_back(exactly(size));
  }
  if (array.has_shape_range()) {
    sizes.emplace_back();
    for (const SizeRange& range : array.shape_range().size_ranges()) sizes.back().push_back(range_of(range));
  }
  return sizes;
}

// Bounds that are there for lack of a better one are not tried to the end.
constexpr std::int64_t largest_tried = 2048;

bool sensible(const Ranges& shape) {
  return std::all_of(shape.begin(), shape.end(), [](const mlq::SizeRange& range) {
    constexpr std::int64_t most = std::int64_t{1} << 31;
    return range.from >= 0 && range.from < most && range.to < most &&
           (range.to < 0 || range.to >= range.from);
  });
}

// The graph's tensor may have more dimensions in front than users see, or fewer.
void set_size(mlq::Graph& graph, const mlq::Feature& input, const Shape& size) {
  Shape& shape = graph.tensors[static_cast<std::size_t>(input.tensor)].shape;
  for (std::size_t i = 1; i <= std::min(shape.size(), size.size()); ++i) {
    std::int64_t& dimension = shape[shape.size() - i];
    if (dimension < 0) dimension = size[size.size() - i];
  }
}

std::string fails_with(mlq::Graph graph, const mlq::Feature& input, const Shape& size) {
  set_size(graph, input, size);
  const mlq::Status status = mlq::infer_shapes(graph);
  return status ? "" : mlq::to_string(size) + ": " + status.error();
}

[[noreturn]] void refuse(const Source& source, const char* code, std::string what, std::string hint) {
  throw Error(Exit::usage, {{source.path.string()}, std::move(what), code, std::move(hint), {}});
}

void set_range(SizeRange& out, const mlq::SizeRange& range) {
  out.set_lower_bound(static_cast<std::uint64_t>(range.from));
  out.set_upper_bound(range.to);
}

bool fixed(const Ranges& shape) {
  return std::all_of(shape.begin(), shape.end(), [](const mlq::SizeRange& r) { return r.from == r.to; });
}

// Shapes are either all single ones, or one with ranges: the format has no more.
void state(const Source& source, FeatureType& type, const Sizes& sizes) {
  const bool listed = std::all_of(sizes.begin(), sizes.end(), fixed);
  if (!listed && sizes.size() > 1)
    refuse(source, "MLQ314", "a Core ML input has one shape with ranges, or several without",
           "give one of both");
  if (type.has_image_type()) {
    ImageType& image = *type.mutable_image_type();
    for (const Ranges& shape : sizes) {
      if (listed) {
        ImageSize& size = *image.mutable_enumerated_sizes()->add_sizes();
        size.set_height(static_cast<std::uint64_t>(shape[2].from));
        size.set_width(static_cast<std::uint64_t>(shape[3].from));
      } else {
        set_range(*image.mutable_image_size_range()->mutable_height_range(), shape[2]);
        set_range(*image.mutable_image_size_range()->mutable_width_range(), shape[3]);
      }
    }
  } else {
    ArrayType& array = *type.mutable_multi_array_type();
    for (const Ranges& shape : sizes) {
      ArrayShape* one = listed ? array.mutable_enumerated_shapes()->add_shapes() : nullptr;
      for (const mlq::SizeRange& range : shape)
        listed ? one->add_shape(range.from)
               : set_range(*array.mutable_shape_range()->add_size_ranges(), range);
    }
  }
}

void append(std::vector<std::byte>& out, std::span<const std::byte> bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

// Calls with the number, the whole and the body of each field of the outermost message.
template <class Function>
void for_each_field(std::span<const std::byte> file, const Function& function) {
  CodedInputStream in(reinterpret_cast<const std::uint8_t*>(file.data()), static_cast<int>(file.size()));
  for (;;) {
    const auto start = static_cast<std::size_t>(in.CurrentPosition());
    const std::uint32_t tag = in.ReadTag();
    auto body = static_cast<std::size_t>(in.CurrentPosition());
    if (tag == 0 || !WireFormatLite::SkipField(&in, tag)) return;
    const auto end = static_cast<std::size_t>(in.CurrentPosition());
    function(WireFormatLite::GetTagFieldNumber(tag), file.subspan(start, end - start),
             file.subspan(body, end - body));
  }
}

// As the file has it, with what this schema does not know.
ModelDescription description_of(std::span<const std::byte> file) {
  ModelDescription description;
  for_each_field(file, [&](int number, std::span<const std::byte>, std::span<const std::byte> body) {
    if (number != Model::kDescriptionFieldNumber) return;
    CodedInputStream in(reinterpret_cast<const std::uint8_t*>(body.data()), static_cast<int>(body.size()));
    std::uint32_t length = 0;
    std::string text;
    if (in.ReadVarint32(&length) && in.ReadString(&text, static_cast<int>(length)))
      description.MergeFromString(text);
  });
  return description;
}

// The file's fields in their order, the description with its new text, and a version that knows flexible
// inputs behind them: of a field that is written twice, the last one counts.
std::vector<std::byte> rewritten(std::span<const std::byte> file, const ModelDescription& description,
                                 int version) {
  std::string text;
  std::span<const std::byte> last;
  {
    google::protobuf::io::StringOutputStream stream(&text);
    google::protobuf::io::CodedOutputStream out(&stream);
    out.SetSerializationDeterministic(true);  // the metadata's map has no order of its own
    out.WriteTag(Model::kDescriptionFieldNumber << 3 | 2);
    out.WriteVarint32(static_cast<std::uint32_t>(description.ByteSizeLong()));
    description.SerializeToCodedStream(&out);
    out.WriteTag(Model::kSpecificationVersionFieldNumber << 3);
    out.WriteVarint32(static_cast<std::uint32_t>(version));
  }
  std::vector<std::byte> out;
  for_each_field(file, [&](int number, std::span<const std::byte> whole, std::span<const std::byte> body) {
    if (number == Model::kSpecificationVersionFieldNumber) {
      std::uint64_t stated = 0;
      CodedInputStream(reinterpret_cast<const std::uint8_t*>(body.data()), static_cast<int>(body.size()))
          .ReadVarint64(&stated);
      if (stated > static_cast<std::uint64_t>(version)) last = whole;
    }
    if (number != Model::kDescriptionFieldNumber) append(out, whole);
  });
  append(out, std::as_bytes(std::span(text)));
  append(out, last);  // a version that is higher already
  return out;
}

// The specification versions that brought flexible inputs, and those of any rank.
constexpr int version_of_sizes = 3, version_of_ranks = 4;

void fix(FeatureDescription& input) {
  const Sizes sizes = allowed_sizes(input);
  if (sizes.empty()) return;
  if (input.type().has_image_type()) {
    ImageType& image = *input.mutable_type()->mutable_image_type();
    if (image.width() <= 0 || image.height() <= 0) {
      image.set_height(sizes[0][2].from);
      image.set_width(sizes[0][3].from);
    }
    image.clear_flexibility();
  } else {
    ArrayType& array = *input.mutable_type()->mutable_multi_array_type();
    if (array.shape_size() == 0)
      for (const mlq::SizeRange& range : sizes[0]) array.add_shape(range.from);
    array.clear_flexibility();
  }
}

// The input's own shape; fails where it is not among the wanted ones, or they have another rank.
Shape checked_shape(const Source& source, const mlq::Graph& graph, const std::string& name,
                    const Sizes& sizes) {
  const auto feature = std::find_if(graph.inputs.begin(), graph.inputs.end(),
                                    [&](const mlq::Feature& one) { return one.name == name; });
  if (feature == graph.inputs.end()) refuse(source, "MLQ314", "the model has no input '" + name + "'", "");
  const Shape& own = feature->shape;
  const std::string who = "the input '" + name + "' has the shape " + mlq::to_string(own);
  for (const Ranges& shape : sizes)
    if (shape.size() != own.size() || !sensible(shape))
      refuse(source, "MLQ314", who + ", and is given " + mlq::to_string(sizes), "give as many dimensions");
  if (std::count(own.begin(), own.end(), -1) == 0 && !mlq::allows(sizes, own))
    refuse(source, "MLQ314", who + ", which is not among " + mlq::to_string(sizes),
           "add it: it is the shape that users see by default");
  return own;
}

}  // namespace

std::vector<std::byte> with_sizes(const Source& source, const std::string& name, const Sizes& sizes) {
  const mlq::Graph graph = import(source);
  const Shape own = checked_shape(source, graph, name, sizes);
  ModelDescription description = description_of(source.bytes.bytes);
  for (FeatureDescription& input : *description.mutable_input())
    if (input.name() == name) {
      fix(input);
      state(source, *input.mutable_type(), sizes);
    }
  const bool old_rank = own.size() == 1 || own.size() == 3 || own.size() == 4;
  std::vector<std::byte> bytes =
      rewritten(source.bytes.bytes, description, old_rank ? version_of_sizes : version_of_ranks);
  Source changed = source;
  changed.bytes = mlq::copy_data(std::span<const std::byte>(bytes));
  for (const auto& [key, why] : import(changed).metadata)
    if (key == kept_at_default)
      refuse(source, "MLQ315", "the network does not work at these shapes: " + why,
             "give shapes that all layers of the network can work at");
  return bytes;
}

Sizes allowed_sizes(const FeatureDescription& input) {
  Sizes sizes = input.type().has_image_type() ? sizes_of_image(input.type().image_type())
                                              : sizes_of_array(input.type().multi_array_type());
  if (!std::all_of(sizes.begin(), sizes.end(), sensible)) return {};
  return sizes;
}

Shape open_dimensions(const Sizes& sizes, Shape shape) {
  const Shape stated = shape;
  for (const Ranges& one : sizes) {
    if (one.size() != shape.size()) return stated;  // another rank: only the default is understood
    for (std::size_t i = 0; i < shape.size(); ++i)
      if (one[i].from != stated[i] || one[i].to != stated[i]) shape[i] = -1;
  }
  return shape;
}

void fix_sizes(Model& model) {
  for (FeatureDescription& input : *model.mutable_description()->mutable_input()) fix(input);
}

std::string fails_at(const mlq::Graph& graph) {
  for (const mlq::Feature& input : graph.inputs) {
    const auto sizes = mlq::sizes_of(graph, input);
    if (!sizes) continue;
    for (const Ranges& shape : *sizes) {
      Shape small, large;
      for (const mlq::SizeRange& range : shape) {
        small.push_back(std::max<std::int64_t>(range.from, 1));
        large.push_back(range.to < 0 ? small.back() + 1
                                     : std::min(range.to, std::max(small.back(), largest_tried)));
      }
      for (const Shape& size : {small, large})
        if (const std::string why = fails_with(graph, input, size); !why.empty()) return why;
    }
  }
  return "";
}

}  // namespace mlqc::coreml
