// batch_runner MODEL BATCH ROUNDS: times predictions one by one on one core and the same ones as a batch on
// two, in turns, and prints the seconds of both for each round. Fails where one bit of the results differs.
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "compiler/frontends/frontend.h"
#include "compiler/graph/rewrite.h"
#include "mlq/wrapper.h"

namespace {

using Results = std::vector<std::vector<mlq::Array>>;

std::vector<std::vector<float>> samples(const mlq::Feature& input, std::size_t count) {
  std::vector<std::vector<float>> all(count);
  std::uint32_t state = 1;
  for (auto& sample : all) {
    sample.resize(static_cast<std::size_t>(mlq::element_count(input.shape).value_or(0)));
    for (float& value : sample) value = static_cast<float>((state = state * 1664525u + 1013904223u) >> 24);
  }
  return all;
}

double seconds(const mlq::Model& model, const std::vector<std::vector<float>>& inputs, int threads,
               Results& results) {
  const mlq::Feature& feature = model.graph().inputs[0];
  const auto start = std::chrono::steady_clock::now();
  const auto status = mlq::wrapper::predict_each(inputs.size(), threads, [&](std::size_t i) -> mlq::Status {
    const mlq::View view{mlq::DataType::float32, feature.shape, inputs[i].data()};
    auto outputs = model.predict({&view, 1});
    if (!outputs) return mlq::Failure{outputs.error()};
    results[i] = std::move(*outputs);
    return {};
  });
  if (!status) std::fprintf(stderr, "%s\n", status.error().c_str()), std::exit(1);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

bool same(const Results& a, const Results& b) {
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t k = 0; k < a[i].size(); ++k)
      if (a[i][k].bytes != b[i][k].bytes) return false;
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const auto count = static_cast<std::size_t>(std::atoi(argv[2]));
  const auto graph = mlqc::import_graph(mlqc::read_source(argv[1]));
  auto model = mlq::Model::from_graph(mlqc::prepare_for_runtime(mlqc::simplify(graph)));
  if (!model) return 1;
  const auto inputs = samples(model->graph().inputs[0], count);
  Results alone(count), batch(count);
  seconds(*model, inputs, 2, batch);  // packs the weights of both
  for (int round = 0; round < std::atoi(argv[3]); ++round) {
    const double one_by_one = seconds(*model, inputs, 1, alone);
    std::printf("%f %f\n", one_by_one, seconds(*model, inputs, 2, batch));
  }
  return same(alone, batch) ? 0 : 1;
}
