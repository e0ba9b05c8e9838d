// Counting of n-grams of whole numbers: TfIdfVectorizer.
#include <algorithm>
#include <vector>

#include "runtime-stub/kernels/rare_families.h"
#include "runtime-stub/kernels/support.h"

namespace mlq::kernels {
namespace {

using Ints = std::vector<std::int64_t>;

// An n-gram of the pool and the place of its count in the result.
struct Gram {
  std::int64_t first, size, place;
};

// Attributes: the pool holds all 1-grams, then all 2-grams, and so on; ngram_counts says where each begins.
Result<std::vector<Gram>> grams_of(const Call& call) {
  const Ints pool = call.node.get_ints("pool_int64s"), starts = call.node.get_ints("ngram_counts");
  const Ints places = call.node.get_ints("ngram_indexes");
  std::vector<Gram> grams;
  for (std::size_t n = 1; n <= starts.size(); ++n) {
    const std::int64_t from = starts[n - 1], to = n < starts.size() ? starts[n] : rank(pool);
    const auto size = static_cast<std::int64_t>(n);
    if (from < 0 || to < from || to > rank(pool) || (to - from) % size != 0)
      return fail(call, "the pool does not hold what ngram_counts says");
    for (std::int64_t at = from; at < to; at += size) {
      if (grams.size() >= places.size() || places[grams.size()] < 0 || places[grams.size()] > INT32_MAX)
        return fail(call, "ngram_indexes does not fit the pool");
      grams.push_back({at, size, places[grams.size()]});
    }
  }
  if (grams.size() != places.size() || grams.empty())
    return fail(call, "ngram_indexes does not fit the pool");
  return grams;
}

Status infer_ngrams(Call& call) {
  if (!has_operands(call, 1)) return fail(call, "needs an operand");
  const Shape& x = call.inputs[0].shape;
  if (call.inputs[0].type != DataType::int64 || x.empty() || x.size() > 2)
    return fail(call, "needs one or two dimensions of int64");
  auto grams = grams_of(call);
  if (!grams) return grams.status();
  std::int64_t places = 0;
  for (const Gram& gram : *grams) places = std::max(places, gram.place + 1);
  set_output(call, 0, DataType::float32, x.size() == 2 ? Shape{x[0], places} : Shape{places});
  return {};
}

// How often the gram is there, its numbers `step` apart.
std::int64_t count(const std::int64_t* row, std::int64_t length, const std::int64_t* gram, std::int64_t size,
                   std::int64_t step) {
  std::int64_t found = 0;
  for (std::int64_t i = 0; i + (size - 1) * step < length; ++i) {
    std::int64_t k = 0;
    while (k < size && row[i + k * step] == gram[k]) ++k;
    found += k == size;
  }
  return found;
}

Status evaluate_ngrams(const Call& call) {
  auto grams = grams_of(call);
  if (!grams) return grams.status();
  const Shape &x = call.inputs[0].shape, &y = call.outputs[0].shape;
  const Ints pool = call.node.get_ints("pool_int64s");
  const auto weights = call.node.get_floats("weights");
  const std::int64_t shortest = call.node.get_int("min_gram_length", 1),
                     skips = call.node.get_int("max_skip_count", 0);
  const std::int64_t longest = call.node.get_int("max_gram_length", 1), length = x.back();
  const std::string mode = call.node.get_string("mode", "TF");
  std::fill_n(out<float>(call), product(y), 0.0f);
  for (std::int64_t row = 0; row < product(y) / y.back(); ++row)
    for (std::size_t g = 0; g < grams->size(); ++g) {
      const Gram& gram = (*grams)[g];
      if (gram.size < shortest || gram.size > longest) continue;
      std::int64_t found = 0;
      const std::int64_t farthest = gram.size == 1 ? 0 : std::min(skips, length);
      for (std::int64_t skip = 0; skip <= farthest; ++skip)
        found += count(in<std::int64_t>(call, 0) + row * length, length, pool.data() + gram.first, gram.size,
                       skip + 1);
      const float weight = g < weights.size() ? weights[g] : 1.0f;
      out<float>(call)[row * y.back() + gram.place] = mode == "TF"    ? static_cast<float>(found)
                                                      : mode == "IDF" ? (found > 0 ? weight : 0.0f)
                                                                      : static_cast<float>(found) * weight;
    }
  return {};
}

constexpr Kernel rows[] = {{"TfIdfVectorizer", infer_ngrams, evaluate_ngrams}};

}  // namespace

std::span<const Kernel> ngrams_kernels() { return rows; }

}  // namespace mlq::kernels
