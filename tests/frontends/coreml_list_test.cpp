// compiler/frontends/COREML.md, the list of layer kinds for readers, says what the tables of lowerings say.
#include <gtest/gtest.h>

#include "compiler/frontends/coreml/custom.h"
#include "compiler/frontends/coreml/layers.h"
#include "compiler/frontends/coreml/model.pb.h"
#include "compiler/frontends/coreml/models/stage.h"
#include "compiler/frontends/coreml/network.pb.h"
#include "tests/support/files.h"

namespace mlqc::coreml {
namespace {

TEST(LayerList, HasEveryKindWithItsState) {
  const std::string list = mlq::test::read(mlq::test::data_folder() / "../../compiler/frontends/COREML.md");
  const auto* kinds = NeuralNetworkLayer::descriptor()->FindOneofByName("layer");
  ASSERT_NE(kinds, nullptr);
  EXPECT_EQ(kinds->field_count(), 158);
  for (int i = 0; i < kinds->field_count(); ++i) {
    const auto* kind = kinds->field(i);
    const std::string row = "| " + std::to_string(kind->number()) + " | " + kind->json_name() + " | " +
                            (find_row(kind->number()) ? "runs" : "refused") + " |";
    EXPECT_NE(list.find(row), std::string::npos) << "COREML.md lacks: " << row;
  }
}

TEST(ModelList, HasEveryKindThatRuns) {
  const std::string list = mlq::test::read(mlq::test::data_folder() / "../../compiler/frontends/COREML.md");
  const auto* kinds = Model::descriptor()->FindOneofByName("kind");
  ASSERT_NE(kinds, nullptr);
  for (int i = 0; i < kinds->field_count(); ++i) {
    const auto* kind = kinds->field(i);
    const bool network = kind->message_type() == NeuralNetwork::descriptor();
    const std::string row = "| " + std::to_string(kind->number()) + " | " + kind->json_name() + " | runs";
    EXPECT_EQ(list.find(row) != std::string::npos, find_stage(kind->number()) && !network) << row;
  }
}

TEST(LayerList, HasNoKindTwice) {
  const auto* kinds = NeuralNetworkLayer::descriptor()->FindOneofByName("layer");
  int rows = 0;
  for (int i = 0; i < kinds->field_count(); ++i) rows += find_row(kinds->field(i)->number()) != nullptr;
  int listed = 0;
  for (const auto family :
       {activation_rows, constant_rows, control_rows, convolution_rows, custom_rows, dense_rows,
        detection_rows, elementwise_rows, indexing_rows, normalization_rows, picture_rows, pooling_rows,
        random_rows, recurrent_rows, reduce_rows, shape_rows, slice_rows})
    listed += static_cast<int>(family().size());
  EXPECT_EQ(rows, listed);
}

}  // namespace
}  // namespace mlqc::coreml
