#include "tests/frontends/tensorflow_fixture.h"

#include <gtest/gtest.h>
#include <leveldb/env.h>
#include <leveldb/options.h>
#include <leveldb/table_builder.h>

#include <boost/crc.hpp>
#include <cmath>
#include <cstring>
#include <fstream>

#include "compiler/frontends/frontend.h"
#include "compiler/graph/rewrite.h"

namespace mlqc::test {

using tensorflow::NodeDef;

namespace {

tensorflow::TensorProto& value_of(NodeDef& node, int type, const mlq::Shape& shape) {
  set_type(node, "dtype", type);
  tensorflow::TensorProto& tensor = *(*node.mutable_attr())["value"].mutable_tensor();
  tensor.set_dtype(type);
  tensor.mutable_tensor_shape();
  for (const std::int64_t size : shape) tensor.mutable_tensor_shape()->add_dim()->set_size(size);
  return tensor;
}

}  // namespace

NodeDef& GraphMaker::node(const std::string& name, const std::string& op, const Names& inputs) {
  NodeDef& node = *nodes_->Add();
  node.set_name(name);
  node.set_op(op);
  for (const std::string& input : inputs) node.add_input(input);
  return node;
}

void GraphMaker::placeholder(const std::string& name, const mlq::Shape& shape, int type) {
  NodeDef& made = node(name, "Placeholder");
  set_type(made, "dtype", type);
  auto& said = *(*made.mutable_attr())["shape"].mutable_shape();
  for (const std::int64_t size : shape) said.add_dim()->set_size(size);
}

void GraphMaker::floats(const std::string& name, const mlq::Shape& shape, const std::vector<float>& values) {
  value_of(node(name, "Const"), 1, shape)
      .set_tensor_content(std::string(reinterpret_cast<const char*>(values.data()), values.size() * 4));
}

void GraphMaker::ints(const std::string& name, const mlq::Shape& shape, const std::vector<int>& values) {
  auto& tensor = value_of(node(name, "Const"), 3, shape);
  for (const int value : values) tensor.add_int_val(value);
}

void GraphMaker::texts(const std::string& name, const Names& values) {
  auto& tensor = value_of(node(name, "Const"), 7, {static_cast<std::int64_t>(values.size())});
  for (const std::string& value : values) tensor.add_string_val(value);
}

void add_function(tensorflow::GraphDef& graph, const std::string& name, const Names& inputs,
                  const std::map<std::string, std::string>& results,
                  const std::function<void(GraphMaker&)>& body) {
  auto& function = *graph.mutable_library()->add_function();
  function.mutable_signature()->set_name(name);
  for (const std::string& input : inputs) function.mutable_signature()->add_input_arg()->set_name(input);
  for (const auto& [result, from] : results) {
    function.mutable_signature()->add_output_arg()->set_name(result);
    (*function.mutable_ret())[result] = from;
  }
  GraphMaker maker(*function.mutable_node_def());
  body(maker);
}

void set_function(NodeDef& node, const std::string& key, const std::string& function) {
  (*node.mutable_attr())[key].mutable_func()->set_name(function);
}

void set(NodeDef& node, const std::string& key, std::int64_t value) {
  (*node.mutable_attr())[key].set_i(value);
}
void set(NodeDef& node, const std::string& key, const std::string& value) {
  (*node.mutable_attr())[key].set_s(value);
}
void set(NodeDef& node, const std::string& key, const std::vector<int>& values) {
  auto& list = *(*node.mutable_attr())[key].mutable_list();
  for (const int value : values) list.add_i(value);
}
void set_flag(NodeDef& node, const std::string& key, bool value) { (*node.mutable_attr())[key].set_b(value); }
void set_real(NodeDef& node, const std::string& key, float value) {
  (*node.mutable_attr())[key].set_f(value);
}
void set_type(NodeDef& node, const std::string& key, int type) { (*node.mutable_attr())[key].set_type(type); }

mlq::Graph import_bytes(const tensorflow::GraphDef& graph) {
  const std::string bytes = graph.SerializeAsString();
  const std::span all(bytes.data(), bytes.size());
  return import_graph({"test.pb", mlq::copy_data(std::as_bytes(all)), "", "tensorflow"});
}

std::vector<std::vector<float>> run_graph(const mlq::Graph& graph,
                                          const std::vector<std::vector<float>>& inputs) {
  const auto model = mlq::Model::from_graph(graph);
  if (!model) throw std::runtime_error(model.error());
  std::vector<mlq::View> views;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    views.push_back({mlq::DataType::float32, graph.inputs.at(i).shape, inputs[i].data()});
  const auto outputs = model->predict(views);
  if (!outputs) throw std::runtime_error(outputs.error());
  std::vector<std::vector<float>> all;
  for (const auto& array : *outputs) {
    std::vector<float> values;
    if (array.type == mlq::DataType::float32)
      values.assign(array.floats().begin(), array.floats().end());
    else
      for (std::size_t i = 0; i * 8 < array.bytes.size(); ++i) {
        std::int64_t value;
        std::memcpy(&value, array.bytes.data() + 8 * i, 8);
        values.push_back(static_cast<float>(value));
      }
    all.push_back(std::move(values));
  }
  return all;
}

std::vector<std::vector<float>> run(const tensorflow::GraphDef& graph,
                                    const std::vector<std::vector<float>>& inputs) {
  const mlq::Graph plain = import_bytes(graph);
  auto first = run_graph(plain, inputs);
  const auto second = run_graph(prepare_for_runtime(simplify(plain)), inputs);
  EXPECT_EQ(first.size(), second.size());
  for (std::size_t o = 0; o < first.size(); ++o)
    for (std::size_t i = 0; i < first[o].size(); ++i)
      EXPECT_NEAR(first[o][i], second[o].at(i), 1e-4 * std::max(1.0f, std::abs(first[o][i])));
  return first;
}

void write_checkpoint(const std::filesystem::path& prefix, const std::map<std::string, Variable>& variables) {
  std::filesystem::create_directories(prefix.parent_path());
  std::string data;
  std::map<std::string, std::string> entries;
  tensorflow::BundleHeaderProto header;
  header.set_num_shards(1);
  entries[""] = header.SerializeAsString();
  for (const auto& [name, variable] : variables) {
    const std::string bytes(reinterpret_cast<const char*>(variable.values.data()),
                            variable.values.size() * 4);
    boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
    crc.process_bytes(bytes.data(), bytes.size());
    tensorflow::BundleEntryProto entry;
    entry.set_dtype(1);
    for (const std::int64_t size : variable.shape) entry.mutable_shape()->add_dim()->set_size(size);
    entry.set_offset(static_cast<std::int64_t>(data.size()));
    entry.set_size(static_cast<std::int64_t>(bytes.size()));
    entry.set_crc32c((crc.checksum() >> 15 | crc.checksum() << 17) + 0xa282ead8u);
    entries[name] = entry.SerializeAsString();
    data += bytes;
  }
  leveldb::WritableFile* file = nullptr;
  ASSERT_TRUE(leveldb::Env::Default()->NewWritableFile(prefix.string() + ".index", &file).ok());
  leveldb::TableBuilder table({}, file);
  for (const auto& [name, bytes] : entries) table.Add(name, bytes);
  ASSERT_TRUE(table.Finish().ok());
  ASSERT_TRUE(file->Close().ok());
  delete file;
  std::ofstream(prefix.string() + ".data-00000-of-00001", std::ios::binary) << data;
}

}  // namespace mlqc::test
