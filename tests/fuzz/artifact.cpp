// Any bytes are an artifact or refused, and what loads can be run.
#include "mlq/model.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span bytes(data, size);
  const auto model = mlq::Model::from_bytes(mlq::copy_data(bytes));
  if (!model) return 0;
  std::vector<std::vector<float>> zeros;
  std::vector<mlq::View> views;
  for (const mlq::Feature& feature : model->graph().inputs) {
    const auto count = mlq::element_count(feature.shape);
    if (!count || *count > 1 << 16 || feature.type != mlq::DataType::float32) return 0;
    zeros.emplace_back(*count);
    views.push_back({feature.type, feature.shape, zeros.back().data()});
  }
  (void)model->predict(views);
  return 0;
}
