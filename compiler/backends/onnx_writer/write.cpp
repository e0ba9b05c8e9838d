#include "compiler/backends/onnx_writer/write.h"

#include <onnx/onnx_pb.h>

#include "compiler/backends/onnx_writer/writer.h"
#include "compiler/support/error.h"

namespace mlqc::onnx_writer {

namespace {

using Family = std::span<const Row> (*)();

constexpr Family families[] = {
    activation_rows,    arithmetic_rows, dense_rows, indexing_rows,
    normalization_rows, recurrent_rows,  shape_rows, spatial_rows,
};

// All that cannot be written is said at once, each a note to the first.
class Complaints {
 public:
  template <class Function>
  void collect(const Function& function) {
    try {
      function();
    } catch (const Error& error) {
      if (!first_)
        first_ = error;
      else if (first_->diagnostic().notes.size() < most)
        add(error.diagnostic().what);
    }
  }
  void raise() const {
    if (first_) throw Error(*first_);
  }

 private:
  static constexpr std::size_t most = 20;
  void add(const std::string& what) {
    Diagnostic diagnostic = first_->diagnostic();
    diagnostic.notes.push_back(what);
    const Exit exit = first_->exit();
    first_.emplace(exit, diagnostic);
  }
  std::optional<Error> first_;
};

void write_node(Writer& writer, const mlq::Node& node) {
  writer.begin(node);
  const Row* row = find_row(node.op);
  if (!row) writer.fail("has no operator in ONNX that mlq writes");
  row->write(writer, *row);
}

void write_metadata(const mlq::Graph& graph, ::onnx::ModelProto& model) {
  const auto add = [&](const std::string& key, const std::string& value) {
    auto& entry = *model.add_metadata_props();
    entry.set_key(key);
    entry.set_value(value);
  };
  for (const auto& [key, value] : graph.metadata)
    if (key == "description")
      model.set_doc_string(value);
    else
      add(key, value);
  if (graph.labels.empty()) return;
  std::string lines;
  for (const std::string& label : graph.labels) lines += label + "\n";
  add("labels", lines);
}

::onnx::ModelProto make(const Source& source, mlq::Graph graph, bool trial) {
  // Shapes of results may not have been inferred since the last rewrite.
  static_cast<void>(mlq::infer_shapes(graph).ok());
  ::onnx::ModelProto model;
  model.set_ir_version(ir_version);
  model.set_producer_name("mlq");
  model.add_opset_import()->set_version(opset);
  ::onnx::GraphProto& to = *model.mutable_graph();
  to.set_name("mlq");
  Writer writer(source, graph, to, trial);
  Complaints complaints;
  complaints.collect([&] { write_inputs(writer, to); });
  name_outputs(writer);
  for (const mlq::Node& node : graph.nodes) complaints.collect([&] { write_node(writer, node); });
  writer.end();
  complaints.collect([&] { write_outputs(writer, to); });
  complaints.raise();
  write_metadata(graph, model);
  return model;
}

}  // namespace

const Row* find_row(std::string_view op) {
  for (const Family family : families)
    for (const Row& row : family())
      if (row.op == op) return &row;
  return nullptr;
}

void check(const Source& source, const mlq::Graph& graph) { make(source, graph, true); }

std::vector<std::byte> write(const Source& source, const mlq::Graph& graph) {
  const std::string text = make(source, graph, false).SerializeAsString();
  if (text.empty())
    throw Error(Exit::model, {{source.path.string()},
                              "the ONNX model would be larger than 2 GiB",
                              "MLQ503",
                              "do not emit onnx",
                              {}});
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

}  // namespace mlqc::onnx_writer
