#include "compiler/frontends/tflite/metadata.h"

#include <zip.h>

#include <memory>
#include <sstream>

#include "metadata_generated.h"
#include "model_generated.h"

namespace mlqc::tflite {

namespace {

constexpr std::uint64_t largest_list_of_labels = 1 << 20;  // bytes

std::string text(const flatbuffers::String* string) { return string ? string->str() : ""; }

struct CloseZip {
  void operator()(zip_t* zip) const { zip_discard(zip); }
};
struct CloseZipFile {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};

// The associated files lie in a zip archive behind the network.
std::string read_associated(const Source& source, const std::string& name) {
  zip_error_t error;
  zip_source_t* bytes =
      zip_source_buffer_create(source.bytes.bytes.data(), source.bytes.bytes.size(), 0, &error);
  if (!bytes) return "";
  const std::unique_ptr<zip_t, CloseZip> zip(zip_open_from_source(bytes, ZIP_RDONLY, &error));
  if (!zip) {
    zip_source_free(bytes);
    return "";
  }
  zip_stat_t stat;
  if (zip_stat(zip.get(), name.c_str(), 0, &stat) != 0 || !(stat.valid & ZIP_STAT_SIZE) ||
      stat.size > largest_list_of_labels)
    return "";
  const std::unique_ptr<zip_file_t, CloseZipFile> file(zip_fopen(zip.get(), name.c_str(), 0));
  std::string all(stat.size, '\0');
  char more;  // the checksum is compared at the member's end
  const bool whole = file &&
                     zip_fread(file.get(), all.data(), all.size()) == static_cast<zip_int64_t>(all.size()) &&
                     zip_fread(file.get(), &more, 1) == 0;
  return whole ? all : "";
}

std::vector<std::string> lines(const std::string& all) {
  std::vector<std::string> result;
  std::istringstream stream(all);
  for (std::string line; std::getline(stream, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    result.push_back(line);
  }
  while (!result.empty() && result.back().empty()) result.pop_back();
  return result;
}

void read_labels(const Source& source, const wire::TensorMetadata& from, TensorWords& to) {
  constexpr int axis_labels = 2, value_labels = 3;
  if (!from.associated_files()) return;
  for (const wire::AssociatedFile* file : *from.associated_files())
    if (file && (file->type() == axis_labels || file->type() == value_labels) && to.labels.empty())
      to.labels = lines(read_associated(source, text(file->name())));
}

TensorWords read_tensor(const Source& source, const wire::TensorMetadata& from) {
  TensorWords to;
  to.description = text(from.description());
  if (from.content() && from.content()->properties_as_ImageProperties()) {
    const auto space = from.content()->properties_as_ImageProperties()->color_space();
    to.gray = space == wire::ColorSpace_grayscale;
    to.image = to.gray || space == wire::ColorSpace_rgb;
  }
  if (from.process_units())
    for (const wire::ProcessUnit* unit : *from.process_units())
      if (const auto* how = unit ? unit->options_as_Normalization() : nullptr;
          how && how->mean() && how->std()) {
        to.mean.assign(how->mean()->begin(), how->mean()->end());
        to.deviation.assign(how->std()->begin(), how->std()->end());
      }
  read_labels(source, from, to);
  return to;
}

template <class Tensors>
std::vector<TensorWords> read_tensors(const Source& source, const Tensors* tensors) {
  std::vector<TensorWords> all;
  if (tensors)
    for (const wire::TensorMetadata* tensor : *tensors)
      all.push_back(tensor ? read_tensor(source, *tensor) : TensorWords{});
  return all;
}

const wire::ModelMetadata* find_metadata(const wire::Model& model) {
  if (!model.metadata() || !model.buffers()) return nullptr;
  for (const wire::Metadata* entry : *model.metadata()) {
    if (!entry || text(entry->name()) != "TFLITE_METADATA" || entry->buffer() >= model.buffers()->size())
      continue;
    const wire::Buffer* buffer = model.buffers()->Get(entry->buffer());
    if (!buffer || !buffer->data() || buffer->data()->size() < 8) continue;
    flatbuffers::Verifier verifier(buffer->data()->data(), buffer->data()->size());
    if (wire::VerifyModelMetadataBuffer(verifier)) return wire::GetModelMetadata(buffer->data()->data());
  }
  return nullptr;
}

}  // namespace

Words read_metadata(const Source& source, const wire::Model& model) {
  Words words;
  const wire::ModelMetadata* from = find_metadata(model);
  if (!from) return words;
  const auto add = [&](const char* key, const flatbuffers::String* value) {
    if (value && value->size() > 0) words.metadata.emplace_back(key, value->str());
  };
  add("name", from->name());
  add("description", from->description());
  add("version", from->version());
  add("author", from->author());
  add("license", from->license());
  if (from->subgraphs() && from->subgraphs()->size() > 0) {
    words.inputs = read_tensors(source, from->subgraphs()->Get(0)->inputs());
    words.outputs = read_tensors(source, from->subgraphs()->Get(0)->outputs());
  }
  return words;
}

}  // namespace mlqc::tflite
