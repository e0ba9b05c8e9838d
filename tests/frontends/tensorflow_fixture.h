// Small TensorFlow graphs and SavedModels, made for tests.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "compiler/frontends/tensorflow/saved_model.pb.h"
#include "mlq/model.h"

namespace mlqc::test {

using Names = std::vector<std::string>;

// Appends to a GraphDef or to the body of a function.
class GraphMaker {
 public:
  explicit GraphMaker(google::protobuf::RepeatedPtrField<tensorflow::NodeDef>& nodes) : nodes_(&nodes) {}

  tensorflow::NodeDef& node(const std::string& name, const std::string& op, const Names& inputs = {});
  void placeholder(const std::string& name, const mlq::Shape& shape, int type = 1);
  void floats(const std::string& name, const mlq::Shape& shape, const std::vector<float>& values);
  // int32; a scalar when `shape` is empty.
  void ints(const std::string& name, const mlq::Shape& shape, const std::vector<int>& values);
  void texts(const std::string& name, const Names& values);
  tensorflow::NodeDef& last() { return *nodes_->rbegin(); }

 private:
  google::protobuf::RepeatedPtrField<tensorflow::NodeDef>* nodes_;
};

// To the graph's library; `results` by name, each "node:output:0" of the body or an argument.
void add_function(tensorflow::GraphDef& graph, const std::string& name, const Names& inputs,
                  const std::map<std::string, std::string>& results,
                  const std::function<void(GraphMaker&)>& body);
void set_function(tensorflow::NodeDef& node, const std::string& key, const std::string& function);
void set(tensorflow::NodeDef& node, const std::string& key, std::int64_t value);
void set(tensorflow::NodeDef& node, const std::string& key, const std::string& value);
void set(tensorflow::NodeDef& node, const std::string& key, const std::vector<int>& values);
void set_flag(tensorflow::NodeDef& node, const std::string& key, bool value);
void set_real(tensorflow::NodeDef& node, const std::string& key, float value);
void set_type(tensorflow::NodeDef& node, const std::string& key, int type);

// What the graph computes, its inputs in the order of the file; plain and after all rewrites, which must
// agree.
std::vector<std::vector<float>> run(const tensorflow::GraphDef& graph,
                                    const std::vector<std::vector<float>>& inputs);
mlq::Graph import_bytes(const tensorflow::GraphDef& graph);
// The graph as it is; whole numbers as floats.
std::vector<std::vector<float>> run_graph(const mlq::Graph& graph,
                                          const std::vector<std::vector<float>>& inputs);

// A float variable of a checkpoint.
struct Variable {
  mlq::Shape shape;
  std::vector<float> values;
};
// PREFIX.index and PREFIX.data-00000-of-00001.
void write_checkpoint(const std::filesystem::path& prefix, const std::map<std::string, Variable>& variables);

}  // namespace mlqc::test
