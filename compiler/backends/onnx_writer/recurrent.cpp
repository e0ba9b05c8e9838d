#include "compiler/backends/onnx_writer/writer.h"

namespace mlqc::onnx_writer {

namespace {

// A list of words there, one text with commas here.
Names words(const std::string& text) {
  Names list;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    list.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return list;
}

void recurrent(Writer& w, const Row& row) {
  const mlq::Node& node = w.node();
  w.require(node.get_float("cell_clip", 0) == 0, "limits its cell state");
  w.require(node.get_int("layout", 0) == 0, "has the batch in front");
  Names inputs, outputs;
  for (std::size_t i = 0; i < node.inputs.size(); ++i)
    inputs.push_back(!w.given(i) ? "" : i == 4 ? w.in_as(i, onnx_format::t_int32) : w.in(i));
  while (inputs.back().empty()) inputs.pop_back();
  for (std::size_t i = 0; i < node.outputs.size(); ++i) outputs.push_back(w.out(i));
  NodeProto& to = w.add(row.op, inputs, outputs);
  for (const auto& [name, value] : node.attributes) {
    if (name == "activations") {
      const Names list = words(node.get_string(name, ""));
      for (const std::string& word : list)
        w.require(word != "Linear", "has no activation where ONNX needs one");
      set(to, name, list);
    } else if (name == "direction") {
      set(to, name, node.get_string(name, "forward"));
    } else if (name == "activation_alpha" || name == "activation_beta") {
      set(to, name, node.get_floats(name));
    } else if (name == "clip") {
      set(to, name, node.get_float(name, 0));
    } else if (name == "hidden_size" || name == "linear_before_reset" || name == "input_forget") {
      if (node.get_int(name, 0) != 0) set(to, name, node.get_int(name, 0));
    } else if (name != "cell_clip" && name != "layout") {
      w.fail("has the attribute '" + name + "', which ONNX has not");
    }
  }
}

constexpr Row rows[] = {{"GRU", recurrent}, {"LSTM", recurrent}, {"RNN", recurrent}};

}  // namespace

std::span<const Row> recurrent_rows() { return rows; }

}  // namespace mlqc::onnx_writer
