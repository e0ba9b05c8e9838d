#include "mlq/wrapper.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <thread>

#include "runtime-stub/src/threads.h"

namespace mlq::wrapper {

namespace {

std::string quoted(std::string_view name) { return "'" + std::string(name) + "'"; }

Shape to_shape(std::span<const std::int64_t> sizes) { return {sizes.begin(), sizes.end()}; }

// The one open dimension follows from the number of values.
Status close_shape(Shape& shape, std::size_t size) {
  const auto open = std::find(shape.begin(), shape.end(), dynamic);
  if (open == shape.end()) return {};
  Shape known = shape;
  known[static_cast<std::size_t>(open - shape.begin())] = 1;
  const auto rest = element_count(known);
  if (!rest)
    return Failure{"has more than one open dimension in " + to_string(shape) +
                   ": pass the shape with the values"};
  if (*rest == 0 || size % static_cast<std::size_t>(*rest) != 0) {
    return Failure{"has " + std::to_string(size) + " values, which do not fill " + to_string(shape)};
  }
  *open = static_cast<std::int64_t>(size) / *rest;
  return {};
}

// A passed shape may differ from the declared one in its open dimensions only.
Status check_shape(const Shape& shape, std::span<const std::int64_t> declared, std::size_t size) {
  bool fits = shape.size() == declared.size();
  for (std::size_t d = 0; fits && d < shape.size(); ++d) {
    fits = shape[d] >= 0 && (declared[d] == dynamic || declared[d] == shape[d]);
  }
  if (!fits)
    return Failure{"has the shape " + to_string(shape) + ", the model wants " +
                   to_string(to_shape(declared))};
  const auto count = element_count(shape);
  if (!count || static_cast<std::size_t>(*count) != size) {
    return Failure{"has " + std::to_string(size) + " values, its shape " + to_string(shape) + " wants " +
                   (count ? std::to_string(*count) : "more than there are")};
  }
  return {};
}

// The folder of the running program, with a slash; empty when the system does not tell.
std::string executable_folder() {
  std::string path(4096, '\0');
  const ssize_t length = readlink("/proc/self/exe", path.data(), path.size());
  if (length <= 0 || static_cast<std::size_t>(length) == path.size()) return {};
  path.resize(static_cast<std::size_t>(length));
  return path.substr(0, path.rfind('/') + 1);
}

}  // namespace

std::vector<std::size_t> greatest(std::span<const float> values, std::size_t k) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  k = std::min(k, order.size());
  // A total order, which sorting needs: NaN counts as below everything.
  const auto before = [&](std::size_t a, std::size_t b) {
    const bool nan_a = std::isnan(values[a]), nan_b = std::isnan(values[b]);
    if (nan_a != nan_b) return nan_b;
    if (!nan_a && values[a] != values[b]) return values[a] > values[b];
    return a < b;
  };
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(k), order.end(), before);
  order.resize(k);
  return order;
}

void Inputs::add(const Spec& spec, const ImageView& image) {
  if (!status_) return;
  const auto side = [&](std::size_t from_end, int own) {
    const std::int64_t wanted =
        spec.shape.size() < from_end ? dynamic : spec.shape[spec.shape.size() - from_end];
    return wanted == dynamic ? own : static_cast<int>(wanted);
  };
  auto tensor = to_tensor(image, spec.color, side(1, image.width), side(2, image.height));
  if (!tensor) {
    status_ = Failure{"input " + quoted(spec.name) + ": " + tensor.error()};
    return;
  }
  images_.push_back(std::move(*tensor));
  views_.push_back(images_.back().view());
}

void Inputs::add(const Spec& spec, const void* data, std::size_t size, std::span<const std::int64_t> sizes) {
  if (!status_) return;
  Shape shape = to_shape(sizes);
  Status fault = close_shape(shape, size);
  if (fault) fault = check_shape(shape, spec.shape, size);
  if (!fault) {
    status_ = Failure{"input " + quoted(spec.name) + " " + fault.error()};
    return;
  }
  views_.push_back({spec.type, std::move(shape), data});
}

Result<std::vector<Array>> Inputs::predict(const Model& model) const {
  if (!status_) return Failure{status_.error()};
  return model.predict(views_);
}

Outputs::Outputs(Result<std::vector<Array>> arrays) : status_(arrays.status()) {
  if (arrays) arrays_ = std::move(*arrays);
}

Array Outputs::next(const Spec& spec) {
  if (!status_) return {};
  if (taken_ == arrays_.size()) {
    status_ = Failure{"the model gives no output " + quoted(spec.name)};
    return {};
  }
  Array array = std::move(arrays_[taken_++]);
  const auto count = element_count(array.shape);
  const bool whole = count && array.bytes.size() == static_cast<std::size_t>(*count) * size_of(array.type);
  if (array.type != spec.type || !whole ||
      !check_shape(array.shape, spec.shape, static_cast<std::size_t>(*count))) {
    status_ = Failure{"output " + quoted(spec.name) + " is " + name_of(array.type) + " " +
                      to_string(array.shape) + ", the wrapper was generated for " + name_of(spec.type) + " " +
                      to_string(to_shape(spec.shape))};
    return {};
  }
  return array;
}

void Outputs::take(const Spec& spec, Image& field) {
  const Array array = next(spec);
  if (!status_) return;
  auto image = to_image(array.view(), spec.color);
  if (image) {
    field = std::move(*image);
  } else {
    status_ = Failure{"output " + quoted(spec.name) + ": " + image.error()};
  }
}

std::vector<float> Outputs::scores(const Spec& spec, std::size_t labels) {
  const Array array = next(spec);
  if (!status_) return {};
  const auto values = array.floats();
  if (values.size() != labels) {
    status_ = Failure{"output " + quoted(spec.name) + " has " + std::to_string(values.size()) +
                      " scores for " + std::to_string(labels) + " labels"};
    return {};
  }
  return {values.begin(), values.end()};
}

std::size_t Outputs::label(const Spec& spec, std::size_t labels) {
  const Array array = next(spec);
  if (!status_) return 0;
  std::int64_t index = -1;
  if (array.bytes.size() >= sizeof index) std::memcpy(&index, array.bytes.data(), sizeof index);
  if (index < 0 || static_cast<std::uint64_t>(index) >= labels) {
    status_ = Failure{"output " + quoted(spec.name) + " names label " + std::to_string(index) + " of " +
                      std::to_string(labels)};
    return 0;
  }
  return static_cast<std::size_t>(index);
}

Result<std::string> find_artifact(std::string_view file, std::string_view build_folder) {
  std::vector<std::string> folders;
  // A program with raised rights does not let its caller choose the model.
  if (const char* chosen = secure_getenv("MLQ_MODEL_DIR"); chosen && *chosen) folders.push_back(chosen);
  folders.push_back(executable_folder());
  folders.push_back(std::string(build_folder));
  std::string tried;
  for (std::string& folder : folders) {
    if (folder.empty()) continue;
    if (folder.back() != '/') folder += '/';
    const std::string path = folder + std::string(file);
    if (access(path.c_str(), R_OK) == 0) return path;
    tried += (tried.empty() ? "" : ", ") + path;
  }
  return Failure{
      "found no " + std::string(file) + "; looked for " + tried +
      ". Put it beside the executable, or name its folder in the environment variable MLQ_MODEL_DIR"};
}

Status predict_each(std::size_t count, int threads, const std::function<Status(std::size_t)>& predict_one) {
  if (threads <= 0) threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  if (count < static_cast<std::size_t>(threads)) threads = static_cast<int>(count);
  std::vector<Status> all(count);
  Threads(threads).for_each(count, [&](std::size_t i) { all[i] = predict_one(i); });
  for (std::size_t i = 0; i < count; ++i)
    if (!all[i]) return Failure{"of many inputs, number " + std::to_string(i) + ": " + all[i].error()};
  return {};
}

}  // namespace mlq::wrapper
