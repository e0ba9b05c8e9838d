#include "compiler/frontends/keras/hdf5_process.h"

#include <hdf5.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "mlq/graph.h"

namespace mlqc::keras {

using mlq::DataType;

namespace {

constexpr int deepest = 24;  // groups within groups
constexpr std::size_t most_objects = 200'000, most_texts = 1 << 16;
constexpr int highest_rank = 8;

struct Unreadable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// An identifier of the library, closed by the function that fits its kind.
class Handle {
 public:
  Handle(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {
    if (id < 0) throw Unreadable("a part of it cannot be opened");
  }
  ~Handle() { close_(id_); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  operator hid_t() const { return id_; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

class Stream {
 public:
  Stream(int stream, std::size_t budget) : stream_(stream), left_(budget) {}

  void begin(Record record) { append(&record, 1); }
  void number(std::uint64_t value) { append(&value, sizeof value); }
  void text(std::string_view value) {
    number(value.size());
    append(value.data(), value.size());
  }
  void align() {
    while (sent_ % 8) append("", 1);
  }
  void append(const void* bytes, std::size_t size) {
    if (size > left_) throw Unreadable("its contents are several times larger than the file");
    left_ -= size;
    for (std::size_t done = 0; done < size;) {
      const ssize_t n = ::write(stream_, static_cast<const char*>(bytes) + done, size - done);
      if (n <= 0) _exit(1);
      done += static_cast<std::size_t>(n);
    }
    sent_ += size;
  }
  std::size_t left() const { return left_; }

 private:
  int stream_;
  std::size_t left_, sent_ = 0;
};

void check(herr_t status) {
  if (status < 0) throw Unreadable("a part of it cannot be read");
}

std::vector<std::string> fixed_texts(hid_t attribute, hid_t type, std::size_t count, std::size_t budget) {
  const std::size_t size = H5Tget_size(type);
  if (size == 0 || size > budget / std::max<std::size_t>(count, 1)) throw Unreadable("a text is too long");
  std::vector<char> all(size * count);
  if (count) check(H5Aread(attribute, type, all.data()));
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < count; ++i) {
    const char* text = all.data() + i * size;
    texts.emplace_back(text, ::strnlen(text, size));
  }
  return texts;
}

std::vector<std::string> free_texts(hid_t attribute, hid_t type, hid_t space, std::size_t count) {
  const Handle memory(H5Tcopy(H5T_C_S1), H5Tclose);
  check(H5Tset_size(memory, H5T_VARIABLE));
  check(H5Tset_cset(memory, H5Tget_cset(type)));
  std::vector<char*> all(count, nullptr);
  if (count) check(H5Aread(attribute, memory, all.data()));
  std::vector<std::string> texts;
  for (const char* text : all) texts.emplace_back(text ? text : "");
  if (count) H5Dvlen_reclaim(memory, space, H5P_DEFAULT, all.data());
  return texts;
}

void send_attribute(Stream& stream, hid_t object, const char* name, const std::string& path) {
  const Handle attribute(H5Aopen(object, name, H5P_DEFAULT), H5Aclose);
  const Handle type(H5Aget_type(attribute), H5Tclose);
  if (H5Tget_class(type) != H5T_STRING) return;
  const Handle space(H5Aget_space(attribute), H5Sclose);
  const hssize_t points = H5Sget_simple_extent_npoints(space);
  if (points < 0 || static_cast<std::size_t>(points) > most_texts) throw Unreadable("a list is too long");
  const auto count = static_cast<std::size_t>(points);
  const std::vector<std::string> texts = H5Tis_variable_str(type) > 0
                                             ? free_texts(attribute, type, space, count)
                                             : fixed_texts(attribute, type, count, stream.left());
  stream.begin(Record::texts);
  stream.text(path + "@" + name);
  stream.number(texts.size());
  for (const std::string& text : texts) stream.text(text);
}

// How the numbers are stored; `memory` is the library's name of the type as it is sent.
struct Stored {
  DataType type;
  hid_t memory;
  bool as_is;  // the bytes in the file are those that are sent
};

bool is_half(hid_t type) {
  std::size_t sign = 0, exponent = 0, exponent_bits = 0, mantissa = 0, mantissa_bits = 0;
  return H5Tget_size(type) == 2 && H5Tget_order(type) == H5T_ORDER_LE &&
         H5Tget_fields(type, &sign, &exponent, &exponent_bits, &mantissa, &mantissa_bits) >= 0 &&
         sign == 15 && exponent == 10 && exponent_bits == 5 && mantissa == 0 && mantissa_bits == 10;
}

std::optional<Stored> stored_as(hid_t type) {
  const H5T_class_t kind = H5Tget_class(type);
  if (kind == H5T_INTEGER)
    return Stored{DataType::int64, H5T_NATIVE_INT64, H5Tequal(type, H5T_STD_I64LE) > 0};
  if (kind != H5T_FLOAT) return std::nullopt;
  if (is_half(type)) return Stored{DataType::float16, type, true};
  return Stored{DataType::float32, H5T_NATIVE_FLOAT, H5Tequal(type, H5T_IEEE_F32LE) > 0};
}

std::vector<hsize_t> sizes_of(hid_t space) {
  const int rank = H5Sget_simple_extent_ndims(space);
  if (rank < 0 || rank > highest_rank) throw Unreadable("an array has too many dimensions");
  std::vector<hsize_t> sizes(static_cast<std::size_t>(rank));
  if (rank) check(H5Sget_simple_extent_dims(space, sizes.data(), nullptr));
  return sizes;
}

// The product, at most `limit`.
std::size_t count_of(const std::vector<hsize_t>& sizes, std::size_t limit) {
  std::size_t count = 1;
  for (const hsize_t size : sizes) {
    if (size != 0 && count > limit / size) throw Unreadable("an array is larger than the file");
    count *= size;
  }
  return count;
}

// Where the numbers lie in the file, when they lie there in one piece.
std::optional<haddr_t> place_of(hid_t dataset, const Stored& stored) {
  const Handle creation(H5Dget_create_plist(dataset), H5Pclose);
  const H5D_layout_t layout = H5Pget_layout(creation);
  if (layout == H5D_VIRTUAL || H5Pget_external_count(creation) > 0)
    throw Unreadable("it refers to other files");
  if (layout != H5D_CONTIGUOUS || !stored.as_is) return std::nullopt;
  const haddr_t place = H5Dget_offset(dataset);
  return place == HADDR_UNDEF ? std::nullopt : std::optional(place);
}

void send_dataset(Stream& stream, hid_t dataset, const std::string& path) {
  const Handle type(H5Dget_type(dataset), H5Tclose);
  const Handle space(H5Dget_space(dataset), H5Sclose);
  const auto stored = stored_as(type);
  if (!stored || H5Sget_simple_extent_type(space) == H5S_NULL) return;
  const std::optional<haddr_t> place = place_of(dataset, *stored);
  const std::vector<hsize_t> sizes = sizes_of(space);
  const std::size_t size = mlq::size_of(stored->type), count = count_of(sizes, stream.left() / size);
  std::vector<char> numbers;
  if (!place) {
    numbers.resize(count * size);
    if (count) check(H5Dread(dataset, stored->memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers.data()));
  }
  stream.begin(place ? Record::place : Record::numbers);
  stream.text(path);
  stream.number(static_cast<std::uint64_t>(stored->type));
  stream.number(sizes.size());
  for (const hsize_t n : sizes) stream.number(n);
  if (place) return stream.number(*place);
  stream.align();
  stream.append(numbers.data(), numbers.size());
}

using Names = std::vector<std::string>;

// Links that lead out of the file, or nowhere, are not followed.
Names members_of(hid_t group) {
  Names names;
  const auto collect = [](hid_t, const char* name, const H5L_info_t* info, void* to) -> herr_t {
    auto& all = *static_cast<Names*>(to);
    if (info->type == H5L_TYPE_HARD) all.emplace_back(name);
    return all.size() > most_objects ? -1 : 0;
  };
  check(H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, nullptr, collect, &names));
  return names;
}

Names attributes_of(hid_t group) {
  Names names;
  const auto collect = [](hid_t, const char* name, const H5A_info_t*, void* to) -> herr_t {
    auto& all = *static_cast<Names*>(to);
    all.emplace_back(name);
    return all.size() > most_texts ? -1 : 0;
  };
  check(H5Aiterate2(group, H5_INDEX_NAME, H5_ITER_INC, nullptr, collect, &names));
  return names;
}

// What training needs and the network does not.
bool is_leftover(const std::string& path) {
  return path == "optimizer_weights" || path == "optimizer" || path == "_optimizer";
}

class Walk {
 public:
  explicit Walk(Stream& stream) : stream_(stream) {}

  void group(hid_t group, const std::string& path, int depth) {
    if (depth > deepest) throw Unreadable("its groups are nested too deeply");
    for (const std::string& name : attributes_of(group))
      if (name != "training_config") send_attribute(stream_, group, name.c_str(), path);
    for (const std::string& name : members_of(group)) {
      if (++seen_ > most_objects) throw Unreadable("it has too many parts");
      const std::string inner = path.empty() ? name : path + "/" + name;
      if (is_leftover(inner)) continue;
      const Handle object(H5Oopen(group, name.c_str(), H5P_DEFAULT), H5Oclose);
      const H5I_type_t kind = H5Iget_type(object);
      if (kind == H5I_GROUP) this->group(object, inner, depth + 1);
      if (kind == H5I_DATASET) send_dataset(stream_, object, inner);
    }
  }

 private:
  Stream& stream_;
  std::size_t seen_ = 0;
};

void send(std::span<const std::byte> file, Stream& stream) {
  check(H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr));
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  check(H5Pset_fapl_core(access, 1 << 16, false));
  // The library takes a copy of its own.
  check(H5Pset_file_image(access, const_cast<std::byte*>(file.data()), file.size()));
  const Handle opened(H5Fopen("model", H5F_ACC_RDONLY, access), H5Fclose);
  const Handle root(H5Gopen2(opened, "/", H5P_DEFAULT), H5Gclose);
  Walk(stream).group(root, "", 0);
  stream.begin(Record::end);
}

}  // namespace

void send_hdf5(std::span<const std::byte> file, int to) noexcept {
  Stream stream(to, budget_for(file.size()));
  try {
    send(file, stream);
  } catch (const std::exception& error) {
    Stream last(to, 4096);
    last.begin(Record::error);
    last.text(error.what());
  }
}

}  // namespace mlqc::keras
